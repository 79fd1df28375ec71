"""Word times for known text: forced alignment of a user's subtitles. Runs in the helper.

Measured on synthetic speech: half of the word starts within 10 ms, 95 % within 41 ms. Where a cue
cannot be aligned (music, another text), and in every language but English, whose sounds alone are
known here, its words share its time by their length.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mosaic_mcp.contract.languages import is_english
from mosaic_mcp.studio.perception.hearing import Word
from mosaic_mcp.studio.perception.languages import language_of
from mosaic_mcp.studio.perception.opening import samples
from mosaic_mcp.studio.perception.pronouncing import spoken
from mosaic_mcp.studio.perception.sphinx import RATE, Sphinx
from mosaic_mcp.studio.perception.subtitles import Cue, is_filler, read_cues

SLACK_S = 0.35
"""Subtitles start and end this much off what is said."""
SPREAD_CONFIDENCE = 0.5
MAX_CUE_S = 60.0
RUN_S = 20.0
ASTRAY_S = 1.0
"""Words aligned so far outside of their cue are not trusted."""
SHORTEST_HESITATION_S = 0.12
"""What is shorter is the edge of a word or a breath."""

Timed = list[tuple[float, float]]


def align(argument: dict[str, Any]) -> dict[str, Any]:
    """Words with times for the subtitles `text` (`format`) of the file at `path`.

    `language` is what was said of it, else what is found; `aligned` is the share of words whose
    times come from the sound, or from who made it: `exact` cues are not looked for in it.
    """
    text = argument["text"]
    exact = bool(argument.get("exact"))
    cues = read_cues(text, argument["format"], exact=exact)
    language = language_of(argument["language"], text, [w for cue in cues for w in cue.words])
    sound = samples(argument["path"], RATE)
    length = len(sound) / RATE
    sphinx = Sphinx(aligning=True) if is_english(language) and length and not exact else None
    words: list[dict[str, Any]] = []
    aligned = 0
    found = _all_aligned(sphinx, sound, cues) if sphinx else [None] * len(cues)
    for cue, times in zip(cues, found, strict=True):
        certain = exact or times is not None
        aligned += len(cue.words) if certain else 0
        for word, (start, end) in zip(cue.words, times or _spread(cue), strict=True):
            words.append(
                {
                    "text": word,
                    "start": round(start, 3),
                    "end": round(end, 3),
                    "confidence": 1.0 if certain else SPREAD_CONFIDENCE,
                    "filler": is_filler(word, language),
                }
            )
    share = aligned / max(1, len(words))
    return {"words": _in_order(words), "aligned": share, "language": language}


def _all_aligned(
    sphinx: Sphinx, sound: NDArray[np.int16], cues: Sequence[Cue]
) -> list[Timed | None]:
    """Times of each cue's words, None for a cue that the sound does not fit.

    Cues that follow each other closely are aligned together: their borders are no better than
    their words. Where that fails, each of them alone.
    """
    found: list[Timed | None] = []
    for first, last in _runs(cues):
        run = cues[first:last]
        words = [word for cue in run for word in cue.words]
        times = _aligned(sphinx, sound, words, _window(cues, first, last, sound))
        each = _shared_out(times, run) if times is not None else None
        found += each or [
            _aligned(sphinx, sound, cues[n].words, _window(cues, n, n + 1, sound))
            for n in range(first, last)
        ]
    return found


def _runs(cues: Sequence[Cue]) -> list[tuple[int, int]]:
    """Cues that follow each other closely, as ranges, none longer than RUN_S (or one cue)."""
    runs: list[tuple[int, int]] = []
    for n, cue in enumerate(cues):
        first = runs[-1][0] if runs else 0
        near = n > 0 and cue.start - cues[n - 1].end < SLACK_S
        if near and cue.end - cues[first].start <= RUN_S:
            runs[-1] = (first, n + 1)
        else:
            runs.append((n, n + 1))
    return runs


def _window(
    cues: Sequence[Cue], first: int, last: int, sound: NDArray[np.int16]
) -> tuple[float, float]:
    """Where the words of a range of cues are said: around it, but not in other cues."""
    start, stop = cues[first].start, cues[last - 1].end
    before = cues[first - 1].end if first else 0.0
    after = cues[last].start if last < len(cues) else stop + SLACK_S
    begin = max(0.0, start - SLACK_S, min(before, start))
    return begin, min(len(sound) / RATE, stop + SLACK_S, max(after, stop))


def _aligned(
    sphinx: Sphinx,
    sound: NDArray[np.int16],
    words: Sequence[str],
    window: tuple[float, float],
) -> Timed | None:
    """Times of words from the sound in a window, or None when they do not fit it."""
    begin, end = window
    if end - begin < 0.1 or end - begin > MAX_CUE_S:
        return None
    found = times_of(sphinx, words, sound[int(begin * RATE) : int(end * RATE)])
    return found and [(begin + start, begin + stop) for start, stop in found[0]]


def _shared_out(times: Timed, run: Sequence[Cue]) -> list[Timed | None] | None:
    """Times for each cue of a run; None when a cue's words are said far from where it stands."""
    left = iter(times)
    each = [[next(left) for _ in cue.words] for cue in run]
    for cue, own in zip(run, each, strict=True):
        if own[-1][1] < cue.start - ASTRAY_S or own[0][0] > cue.end + ASTRAY_S:
            return None
    return [*each]


def times_of(
    sphinx: Sphinx, words: Sequence[str], sound: NDArray[np.int16], *, hesitations: bool = False
) -> tuple[Timed, list[Word]] | None:
    """Where each of the words is said in a sound, and the hesitations between them if asked for.

    None when the words do not fit the sound.
    """
    # One written word may be several spoken ones ("2026"): remember which belong together.
    pieces = [spoken(word) for word in words]
    flat = [piece for word in pieces for piece in word]
    if not flat or any(not word for word in pieces):
        return None
    found = sphinx.align(flat, sound, hesitations=hesitations)
    if found is None:
        return None
    said = iter(segment for segment in found if not segment.is_hesitation)
    times: Timed = []
    for word in pieces:
        own = [next(said) for _ in word]
        times.append((own[0].start, own[-1].end))
    between = [
        Word(s.word.rstrip("'"), s.start, s.end, s.confidence)
        for s in found
        if s.is_hesitation and s.end - s.start >= SHORTEST_HESITATION_S
    ]
    return times, between


def _spread(cue: Cue) -> Timed:
    """The cue's time shared out by the length of the words."""
    weights = [len(word) + 2 for word in cue.words]
    total = sum(weights)
    times: Timed = []
    at = cue.start
    for weight in weights:
        lasts = (cue.end - cue.start) * weight / total
        times.append((at, at + lasts * 0.95))
        at += lasts
    return times


def _in_order(words: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Words sorted by start, none longer than until the next one starts."""
    words.sort(key=lambda w: w["start"])
    for word, following in itertools.pairwise(words):
        word["end"] = max(word["start"] + 0.01, min(word["end"], following["start"]))
    return words
