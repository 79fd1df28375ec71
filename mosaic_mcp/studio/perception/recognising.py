"""Words from sound alone, with whichever recogniser the studio chose. Runs in the helper.

Only stretches in which somebody speaks are listened to. English words are then timed by forced
alignment, which also finds the hesitations that Whisper leaves out: measured on the sample, half
of the words start within 10 ms of the truth and all five hesitations are found. Its own times
serve where the text does not fit the sound, and in other languages.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mosaic_mcp.contract.languages import UNKNOWN
from mosaic_mcp.studio.perception.aligning import times_of
from mosaic_mcp.studio.perception.hearing import Ear, Word
from mosaic_mcp.studio.perception.opening import samples
from mosaic_mcp.studio.perception.speech import spans
from mosaic_mcp.studio.perception.sphinx import RATE, Sphinx, SphinxEar
from mosaic_mcp.studio.perception.subtitles import is_filler

MARGIN_S = 0.12
CLOSE_S = 0.15
ASTRAY_S = 1.0
"""Half of the words further than this from where the recogniser heard them: not aligned at all."""


def recognise(argument: dict[str, Any]) -> dict[str, Any]:
    """Words with times and confidence (0..1) heard in the file at `path`, and their language.

    `engine` and `weights` say with what; `english_only` that it takes all for English. `share`,
    a number and of how many, is a part of the work: every so many stretches from that one on.
    """
    sound = samples(argument["path"], RATE)
    ear = _ear(argument)
    aligner: Sphinx | None = None
    words: list[dict[str, Any]] = []
    number, shares = argument.get("share", (0, 1))
    for start, end in stretches(spans(sound), len(sound) / RATE, ear)[number::shares]:
        part = sound[int(start * RATE) : int(end * RATE)]
        heard = ear.hear(part)
        if ear.language == "en" and not isinstance(ear, SphinxEar):
            aligner = aligner or Sphinx(aligning=True)
            heard = timed(aligner, part, heard)
        last = min(end, len(sound) / RATE)
        words += [_told(word, start, last, ear.language) for word in heard]
    return {"words": words, "language": ear.language or UNKNOWN}


def _ear(argument: dict[str, Any]) -> Ear:
    english_only = bool(argument.get("english_only", True))
    match argument.get("engine", "pocketsphinx"):
        case "faster-whisper":
            from mosaic_mcp.studio.perception.whisper import FasterWhisper

            return FasterWhisper(argument["weights"], english_only=english_only)
        case "whisper.cpp":
            from mosaic_mcp.studio.perception.whisper import WhisperCpp

            return WhisperCpp(argument["weights"], english_only=english_only)
        case _:
            return SphinxEar()


def stretches(
    speech: list[tuple[float, float]], length: float, ear: Ear
) -> list[tuple[float, float]]:
    """Speech with a little room, short pauses joined, none longer than the engine takes."""
    joined: list[list[float]] = []
    for start, end in speech:
        if joined and start - joined[-1][1] < ear.pause_s and end - joined[-1][0] < ear.longest_s:
            joined[-1][1] = end
        else:
            joined.append([start, end])
    out: list[tuple[float, float]] = []
    for start, end in joined:
        begin, stop = max(0.0, start - MARGIN_S), min(length, end + MARGIN_S)
        while stop - begin > ear.longest_s:
            out.append((begin, begin + ear.longest_s))
            begin += ear.longest_s
        out.append((begin, stop))
    return out


def timed(aligner: Sphinx, sound: NDArray[np.int16], heard: list[Word]) -> list[Word]:
    """The same words where they are said, with the hesitations between them."""
    found = times_of(aligner, [word.text for word in heard], sound, hesitations=True)
    if found is None:
        return heard
    times, hesitations = found
    off = [abs(start - word.start) for word, (start, _) in zip(heard, times, strict=True)]
    if not off or float(np.median(off)) > ASTRAY_S:
        return heard
    placed = [
        Word(word.text, start, end, word.confidence)
        for word, (start, end) in zip(heard, times, strict=True)
    ]
    return _one_each(sorted([*placed, *hesitations], key=lambda word: word.start))


def _one_each(words: list[Word]) -> list[Word]:
    """One hesitation where the recogniser and the aligner heard a part of it each."""
    out: list[Word] = []
    for word in words:
        before = out[-1] if out else None
        both = before is not None and is_filler(before.text, "en") and is_filler(word.text, "en")
        if before is not None and both and word.start - before.end < CLOSE_S:
            sure = max(before.confidence, word.confidence)
            out[-1] = Word(word.text, before.start, word.end, sure)
        else:
            out.append(word)
    return out


def _told(word: Word, offset: float, end: float, language: str) -> dict[str, Any]:
    return {
        "text": word.text,
        "start": round(min(offset + word.start, end), 3),
        "end": round(min(offset + word.end, end), 3),
        "confidence": round(word.confidence, 3),
        "filler": is_filler(word.text, language),
    }
