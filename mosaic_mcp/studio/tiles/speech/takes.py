"""Repeated takes: a sentence that was started again, and which of its takes to keep."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from mosaic_mcp.studio.tiles.speech.sentences import Sentence

_LOOK_AHEAD = 3
"""A retake follows within this many sentences."""
_ALIKE = 0.8
"""Share of equal words, in order, from which two beginnings are the same sentence."""
_SHORTEST = 3
"""A false start has at least so many words: "So the …" opens many sentences."""

_LETTERS = re.compile(r"[\w']+")


def superseded(sentences: Sequence[Sentence]) -> set[int]:
    """Indices of the takes to drop: of each repeated sentence the last complete one stays."""
    words = [_spoken(s) for s in sentences]
    dropped: set[int] = set()
    for i in range(len(words)):
        for j in range(i + 1, min(i + 1 + _LOOK_AHEAD, len(words))):
            if i in dropped or j in dropped or not _same_start(words[i], words[j]):
                continue
            # The later take stays unless it broke off.
            dropped.add(i if len(words[j]) >= len(words[i]) * _ALIKE else j)
    return dropped


def _same_start(earlier: Sequence[str], later: Sequence[str]) -> bool:
    """True when the shorter one says how the longer one begins."""
    length = min(len(earlier), len(later))
    if length < _SHORTEST or earlier[0] != later[0]:
        return False
    matcher = SequenceMatcher(None, earlier[:length], later[:length], autojunk=False)
    return matcher.ratio() >= _ALIKE


def _spoken(sentence: Sentence) -> list[str]:
    """Its words without fillers, case and punctuation."""
    said = (w.text.lower() for w in sentence.words if not w.filler)
    return [m.group() for text in said if (m := _LETTERS.search(text))]


def stammers(sentence: Sentence) -> list[tuple[int, int]]:
    """Ranges of word indices [first, end) that are said again at once: "I want to, I want to".

    At least three words: shorter repeats are often meant ("very, very", "bye bye").
    """
    words = [w.text.lower().strip(".,!?…") for w in sentence.words]
    found: list[tuple[int, int]] = []
    start = 0
    while start < len(words):
        length = _repeated(words, start)
        if length:
            found.append((start, start + length))
        start += length or 1
    return found


def _repeated(words: Sequence[str], start: int) -> int:
    """How many words at `start` are followed by themselves; 0 when fewer than three."""
    for length in range((len(words) - start) // 2, _SHORTEST - 1, -1):
        if words[start : start + length] == words[start + length : start + 2 * length]:
            return length
    return 0
