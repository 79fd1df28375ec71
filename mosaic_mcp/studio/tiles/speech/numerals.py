"""Numbers in what is said, written in digits or in English words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mosaic_mcp.contract.languages import is_english

_DIGITS = re.compile(r"[$€£]?\d+(?:[.,]\d+)*%?")
_LARGE_WRITTEN = ("million", "billion")
SMALL = {
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "eleven": 11,
    "twelve": 12,
    "thirteen": 13,
    "fourteen": 14,
    "fifteen": 15,
    "sixteen": 16,
    "seventeen": 17,
    "eighteen": 18,
    "nineteen": 19,
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "sixty": 60,
    "seventy": 70,
    "eighty": 80,
    "ninety": 90,
}
"""Not "one": it is seldom a count."""
LARGE = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}


def is_number(word: str, language: str) -> bool:
    """True for a word that is a number: "50%", "$3,000"; in English also "ten", "million"."""
    lower = word.lower()
    spelled = is_english(language) and (lower in SMALL or lower in LARGE)
    return spelled or _DIGITS.fullmatch(word) is not None


def figure_at(words: Sequence[str], index: int) -> tuple[str, int] | None:
    """The number that begins at a word, written in digits, and how many words it takes.

    "twenty five percent" is ("25%", 3). None where no number begins. Words come without
    punctuation at their ends.
    """
    lower = [word.lower() for word in words]
    figure, used = _value(lower, words, index)
    if not used:
        return None
    after = index + used
    if after < len(lower) and lower[after] in _LARGE_WRITTEN:
        figure, used = f"{figure} {lower[after]}", used + 1
    elif after < len(lower) and lower[after] in ("percent", "%") and not figure.endswith("%"):
        figure, used = f"{figure}%", used + 1
    return figure, used


def _value(lower: Sequence[str], words: Sequence[str], index: int) -> tuple[str, int]:
    word = words[index]
    if _DIGITS.fullmatch(word):
        return word, 1
    total, group, at = 0, 0, index
    while at < len(lower):
        if lower[at] in SMALL or (lower[at] == "one" and at + 1 < len(lower)):
            value = SMALL.get(lower[at], 1)
            if at > index and lower[at - 1] in SMALL and not (group % 100 >= 20 and value < 10):
                break
            if value == 1 and lower[at + 1] not in LARGE and not (at > index and group >= 20):
                break
            group += value
        elif lower[at] in ("hundred", "thousand") and group:
            group *= LARGE[lower[at]]
            if lower[at] == "thousand":
                total, group = total + group, 0
        else:
            break
        at += 1
    used = at - index
    return (f"{total + group:,}", used) if used else ("", 0)
