"""Numbers in what is said, written in digits or in English words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mosaic_mcp.contract.languages import is_english
from mosaic_mcp.studio.tiles.speech.lexicon import OF_NUMBERS

_DIGITS = re.compile(r"[$€£]?\d+(?:[.,]\d+)*%?")
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
_MULTIPLIED = ("hundred", "thousand")
_WRITTEN = ("million", "billion")
"""Large numbers that stay words: "5 million"."""
_PLAIN = re.compile(r"[$€£]?[\d,]+")
_HALF = ["and", "a", "half"]
_NIL = ("oh", "zero")
_WHEN = ("in", "since", "by", "until", "from", "year")
"""Before a year."""


def is_number(word: str, language: str) -> bool:
    """True for a word that is a number: "50%", "$3,000"; in English also "ten", "million"."""
    lower = word.lower()
    spelled = is_english(language) and (_tens(lower) > 1 or lower in LARGE)
    return spelled or _DIGITS.fullmatch(word) is not None


def figure_at(words: Sequence[str], index: int) -> tuple[str, int] | None:
    """The number that begins at a word, written in digits, and how many words it takes.

    "twenty five percent" is ("25%", 3). None where no number begins. Words come without
    punctuation at their ends.
    """
    lower = [word.lower() for word in words]
    figure, after = _whole(lower, words[index], index)
    if after == index:
        return None
    if _PLAIN.fullmatch(figure):
        figure, after = _with_fraction(figure, lower, after)
    scales = (*_MULTIPLIED, *_WRITTEN) if words[index][-1:].isdigit() else _WRITTEN
    if _word(lower, after) in scales:
        figure, after = f"{figure} {lower[after]}", after + 1
    elif _word(lower, after) in ("percent", "%") and not figure.endswith("%"):
        figure, after = f"{figure}%", after + 1
    return figure, after - index


def belonging(words: Sequence[str], index: int, language: str) -> int:
    """How many words from here on might belong to a number before them."""
    at = index
    while at < len(words) and (
        is_number(words[at], language) or (is_english(language) and words[at].lower() in OF_NUMBERS)
    ):
        at += 1
    return at - index


def _word(lower: Sequence[str], at: int) -> str:
    return lower[at] if 0 <= at < len(lower) else ""


def _whole(lower: Sequence[str], word: str, index: int) -> tuple[str, int]:
    """The number without a fraction, and the index behind it."""
    if _DIGITS.fullmatch(word):
        return word, index + 1
    if lower[index] == "zero":
        return ("0", index + 1) if _word(lower, index + 1) == "point" else ("", index)
    year, after = _year(lower, index)
    if year:
        return str(year), after
    value, after = _cardinal(lower, index)
    if after - index == 1 and value == 1 and not _counts(lower, after):
        return "", index  # "one" is seldom a count
    dated = _word(lower, index - 1) in _WHEN and 2000 < value < 2100
    return (str(value) if dated else f"{value:,}"), after


def _counts(lower: Sequence[str], after: int) -> bool:
    """True for the "one" of "one million", "one point five" and "one and a half"."""
    return _word(lower, after) in (*_WRITTEN, "point") or list(lower[after : after + 3]) == _HALF


def _year(lower: Sequence[str], index: int) -> tuple[int, int]:
    """ "nineteen eighty four", "twenty oh five"; 0 for what is none."""
    century, behind = SMALL.get(lower[index], 0), index + 1
    if not 17 <= century <= 20:
        return 0, index
    if _word(lower, behind) in _NIL:
        unit = _tens(_word(lower, behind + 1))
        return (century * 100 + unit, behind + 2) if 0 < unit < 10 else (0, index)
    year, after = _below_hundred(lower, behind)
    sure = century < 20 or year < 30  # "twenty thirty" may be two numbers
    return (century * 100 + year, after) if year >= 10 and sure else (0, index)


def _cardinal(lower: Sequence[str], index: int) -> tuple[int, int]:
    """ "three thousand two hundred and five", and the index behind it."""
    total, group, at = 0, 0, index
    while True:
        word, before = _word(lower, at), _word(lower, at - 1) if at > index else ""
        value, after = _below_hundred(lower, at)
        if value and (at == index or before in (*_MULTIPLIED, "and")):
            group, at = group + value, after
        elif word == "hundred" and 0 < group < 100:
            group, at = group * 100, at + 1
        elif word == "thousand" and group and not total:
            total, group, at = group * 1000, 0, at + 1
        elif word == "and" and before in _MULTIPLIED and _below_hundred(lower, at + 1)[0]:
            at += 1
        else:
            return total + group, at


def _below_hundred(lower: Sequence[str], at: int) -> tuple[int, int]:
    """ "seven", "twenty five", "twenty-five" or the "a" of "a hundred", and the index behind it."""
    word, following = _word(lower, at), _word(lower, at + 1)
    if word == "a":
        starts = following in LARGE and _word(lower, at - 1) not in ("half", "of")
        return (1, at + 1) if starts else (0, at)
    value = _tens(word)
    if value >= 20 and value % 10 == 0 and 0 < _tens(following) < 10:
        return value + _tens(following), at + 2
    return (value, at + 1) if value else (0, at)


def _tens(word: str) -> int:
    """The number below a hundred that a single word is; 0 for other words."""
    if word == "one":
        return 1
    tens, _, unit = word.partition("-")
    if unit:
        value = SMALL.get(tens, 0)
        return value + _tens(unit) if value >= 20 and 0 < _tens(unit) < 10 else 0
    return SMALL.get(word, 0)


def _with_fraction(figure: str, lower: Sequence[str], at: int) -> tuple[str, int]:
    """With what "point five" or "and a half" add."""
    if list(lower[at : at + 3]) == _HALF:
        return f"{figure}.5", at + 3
    digits, after = "", at + 1
    while _word(lower, at) == "point" and (word := _word(lower, after)):
        value, behind = _below_hundred(lower, after)
        if word not in _NIL and not value and not word.isdecimal():
            break
        digits += "0" if word in _NIL else word if word.isdecimal() else str(value)
        after = behind if value else after + 1
    return (f"{figure}.{digits}", after) if digits else (figure, at)
