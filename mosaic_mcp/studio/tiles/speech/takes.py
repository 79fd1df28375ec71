"""Repeated takes: a sentence that was started again, and which of its takes to keep."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest

from mosaic_mcp.studio.tiles.speech.sentences import Sentence, ends_sentence

_LOOK_AHEAD = 3
"""A retake follows within this many sentences."""
_ALIKE = 0.8
"""Share of equal words, in order, from which two beginnings are the same sentence."""
_EQUAL = 0.95
"""The same of whole sentences, from which a word that differs is a slip."""
_SHORTEST = 3
"""A false start has at least so many words: "So the …" opens many sentences."""
_MORE = 2
"""Words that a retake may have put in before it has said all of the other."""

_LETTERS = re.compile(r"[\w']+")
_BREAKS = ("…", "...", "-", "–", "—")
_SLIGHT = frozenset({"a", "an", "and", "just", "of", "really", "so", "the", "very", "well"})
"""Words that a retake leaves out or puts in without saying anything else."""


@dataclass(frozen=True, slots=True)
class _Take:
    words: Sequence[str]
    """Empty where a pause tore it out of a sentence: what is only a piece repeats nothing."""
    broken: bool
    """It broke off, as its punctuation shows."""


def superseded(sentences: Sequence[Sentence]) -> set[int]:
    """Indices of the takes to drop: of each repeated sentence the last complete one stays."""
    takes = _takes(sentences)
    dropped: set[int] = set()
    for i in range(len(takes)):
        for j in range(i + 1, min(i + 1 + _LOOK_AHEAD, len(takes))):
            if i in dropped or j in dropped or not _repeats(takes[i], takes[j]):
                continue
            # The later take stays unless it broke off.
            earlier, later = len(takes[i].words), len(takes[j].words)
            dropped.add(i if later >= earlier * _ALIKE else j)
    return dropped


def _takes(sentences: Sequence[Sentence]) -> list[_Take]:
    punctuated = any(ends_sentence(s.words[-1].text) for s in sentences)
    takes: list[_Take] = []
    for sentence, after in zip_longest(sentences, sentences[1:]):
        words, last = _spoken(sentence), sentence.words[-1].text
        bare = punctuated and last[-1:].isalnum()
        if bare and after is not None and _goes_on(words, after):
            words = []
        takes.append(_Take(words, broken=bare or last.endswith(_BREAKS)))
    return takes


def _goes_on(words: Sequence[str], after: Sentence) -> bool:
    """True when the next one is the rest of the sentence: it begins with neither a capital letter
    nor the same word."""
    said = next((w.text for w in after.words if not w.filler), "")
    return said[:1].islower() and _spoken(after)[:1] != words[:1]


def _repeats(earlier: _Take, later: _Take) -> bool:
    """True when one says how the other begins.

    Where the earlier one broke off some words may differ. Else the longer says all of the shorter,
    or both are nearly equal: "You need a good room" is no retake of "You need a good voice".
    """
    short, long = sorted((earlier.words, later.words), key=len)
    if len(short) < _SHORTEST or short[0] != long[0]:
        return False
    if _share(short, long[: len(short)]) < _ALIKE:
        return False
    if earlier.broken and len(earlier.words) < len(later.words):
        return True
    missing = {*short} - {*long[: len(short) + _MORE]} - _SLIGHT
    return not missing or _share(short, long) >= _EQUAL


def _share(one: Sequence[str], other: Sequence[str]) -> float:
    return SequenceMatcher(None, one, other, autojunk=False).ratio()


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
