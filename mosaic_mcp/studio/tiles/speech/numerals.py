"""Numbers in what is said, written in digits or in English words."""

from __future__ import annotations

import re

_DIGITS = re.compile(r"[$€£]?\d[\d.,]*%?")
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


def is_number(word: str) -> bool:
    """True for a word that is a number: "50%", "$3,000", "ten", "million"."""
    lower = word.lower()
    return lower in SMALL or lower in LARGE or _DIGITS.fullmatch(word) is not None
