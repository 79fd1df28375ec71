"""How English words that the dictionary lacks may sound: enough to align them, no more."""

from __future__ import annotations

import re

from mosaic_mcp.studio.perception.subtitles import bare

_DIGITS = "zero one two three four five six seven eight nine".split()  # noqa: SIM905
_RULES: tuple[tuple[str, str], ...] = (
    ("tion", "SH AH N"),
    ("ough", "AO"),
    ("igh", "AY"),
    ("sch", "S K"),
    ("tch", "CH"),
    ("ch", "CH"),
    ("sh", "SH"),
    ("th", "TH"),
    ("ph", "F"),
    ("wh", "W"),
    ("ck", "K"),
    ("ng", "NG"),
    ("qu", "K W"),
    ("ee", "IY"),
    ("ea", "IY"),
    ("oo", "UW"),
    ("ou", "AW"),
    ("ow", "OW"),
    ("oi", "OY"),
    ("oy", "OY"),
    ("ai", "EY"),
    ("ay", "EY"),
    ("au", "AO"),
    ("er", "ER"),
    ("ar", "AA R"),
    ("or", "AO R"),
    ("a", "AE"),
    ("b", "B"),
    ("c", "K"),
    ("d", "D"),
    ("e", "EH"),
    ("f", "F"),
    ("g", "G"),
    ("h", "HH"),
    ("i", "IH"),
    ("j", "JH"),
    ("k", "K"),
    ("l", "L"),
    ("m", "M"),
    ("n", "N"),
    ("o", "OW"),
    ("p", "P"),
    ("r", "R"),
    ("s", "S"),
    ("t", "T"),
    ("u", "AH"),
    ("v", "V"),
    ("w", "W"),
    ("x", "K S"),
    ("y", "IY"),
    ("z", "Z"),
)


def spoken(word: str) -> list[str]:
    """A written word as the words that are said: "2026" is said digit by digit here."""
    parts = re.findall(r"[a-z']+|[0-9]", bare(word))
    said = [_DIGITS[int(part)] if part.isdigit() else part.strip("'") for part in parts]
    return [part for part in said if part]


def pronounce(word: str) -> str:
    """Phones of the CMU set, by spelling."""
    phones: list[str] = []
    rest = re.sub(r"[^a-z]", "", word.lower())
    while rest:
        for letters, sounds in _RULES:
            if rest.startswith(letters):
                phones.append(sounds)
                rest = rest[len(letters) :]
                break
        else:
            rest = rest[1:]
    return " ".join(phones) or "AH"
