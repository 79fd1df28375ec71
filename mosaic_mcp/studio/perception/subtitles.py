"""A user's subtitles as cues: times and words, whatever the file looks like."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pysubs2
from pysubs2.exceptions import Pysubs2Error

from mosaic_mcp.contract.languages import is_english
from mosaic_mcp.errors import MediaError
from mosaic_mcp.studio.perception.webvtt import spoken_cues

FILLERS = frozenset(
    "umm uhm uh uhh erm err ah hm hmm mm mmm mhm eh äh ähm öh öhm euh".split()  # noqa: SIM905
)
ENGLISH_FILLERS = frozenset({"um", "er"})
"""Elsewhere they are words: German "um" (around) and "er" (he), Portuguese "um" (a)."""
MAX_CUES = 50_000
"""Five hours of nearly three subtitles a second."""
MAX_CUE_CHARS = 5_000
_BARE = re.compile(r"[^\w']+", re.UNICODE)
_SPEAKER = re.compile(r"^\s*(?:>>|-)\s*")
_SOUND = re.compile(r"\[[^\]]*\]|\([^)]*\)|[♩♪♫♬]+")


@dataclass(frozen=True, slots=True)
class Cue:
    """One subtitle: seconds, and the words as written."""

    start: float
    end: float
    words: tuple[str, ...]


def is_filler(word: str, language: str) -> bool:
    """True for hesitations (um, uh, er …), not for words such as "like" or "so"."""
    return bare(word) in (FILLERS | ENGLISH_FILLERS if is_english(language) else FILLERS)


def bare(word: str) -> str:
    """The word without punctuation, in small letters."""
    return _BARE.sub("", word).strip("'_").casefold()


def read_cues(text: str, kind: str, *, exact: bool = False) -> list[Cue]:
    """The cues of an SRT or VTT file in order; tags, speaker marks, [sounds] and ♪ are left out.

    `exact`: nothing but words is written there, so that "(really)" and "-5" are such.

    Raises MediaError when it holds no timed text, or more than a video can have.
    """
    pieces = text.split("-->")
    # Patterns that look for closing brackets take the square of a cue's length.
    if len(pieces) > MAX_CUES or max(map(len, pieces)) > MAX_CUE_CHARS:
        raise MediaError(
            f"The transcript has more than {MAX_CUES:,} subtitles, or one of more than "
            f"{MAX_CUE_CHARS:,} characters.",
            remedy="Give the subtitles of this video alone.",
        )
    cues: list[Cue] = []
    for start, end, plain in _timed(text.lstrip("\ufeff"), kind):
        said = plain if exact else _SOUND.sub(" ", _SPEAKER.sub("", plain))
        words = tuple(w for w in said.split() if bare(w))
        if words and end > start:
            cues.append(Cue(start / 1000, end / 1000, words))
    if not cues:
        raise _unreadable(kind)
    return cues


def _timed(text: str, kind: str) -> list[tuple[int, int, str]]:
    """Start and end in milliseconds, and the text, in order."""
    if kind == "vtt" or text.startswith("WEBVTT"):
        # pysubs2 reads WebVTT as SRT: with its comments, and times within a line as a cue's.
        return [(start, end, "\n".join(lines)) for start, end, lines in spoken_cues(text)]
    try:
        events = pysubs2.SSAFile.from_string(text, format_=kind).events
    except (Pysubs2Error, ValueError) as error:
        raise _unreadable(kind) from error
    return [(e.start, e.end, e.plaintext) for e in sorted(events, key=lambda e: e.start)]


def _unreadable(kind: str) -> MediaError:
    return MediaError(
        f"The transcript holds no timed text that can be read as {kind.upper()}.",
        remedy="Give an SRT file (number, 00:00:01,000 --> 00:00:02,500, text) or a WebVTT file.",
    )
