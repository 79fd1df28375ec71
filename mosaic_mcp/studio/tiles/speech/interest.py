"""How interesting a passage is when nobody says what to look for. A heuristic, and declared so."""

from __future__ import annotations

import re

from mosaic_mcp.contract.languages import is_english
from mosaic_mcp.studio.tiles.speech.lexicon import dangling, hooks
from mosaic_mcp.studio.tiles.speech.passages import Passage

_DIGIT = re.compile(r"\d")
_NUMBER = re.compile(
    r"\d|\b(two|three|four|five|six|seven|eight|nine|ten|hundred|thousand|million|billion|percent)\b"
)
_WORD = re.compile(r"[\w']+")

_LIVELY = 2.6
"""Words per second of lively English speech: about 155 a minute."""


def interest(passage: Passage, language: str) -> float:
    """0..1: information density, pace, questions, numbers and, in English, hook words.

    Without words (speech activity only) it is the share of time in which somebody speaks.
    """
    words = _WORD.findall(passage.text.lower())
    if not words:
        return passage.spoken
    seconds = float(passage.duration)
    distinct = len(set(passage.stems))
    density = min(1.0, distinct / seconds / 1.2)
    pace = min(1.0, len(words) / seconds / _LIVELY)
    opening = hooks(language)
    hooked = min(1.0, sum(w in opening for w in words) / 2)
    asks = 1.0 if "?" in passage.text else 0.0
    number = _NUMBER if is_english(language) else _DIGIT
    counts = 1.0 if number.search(passage.text.lower()) else 0.0
    return 0.4 * density + 0.2 * pace + 0.2 * hooked + 0.1 * asks + 0.1 * counts


def standing_alone(passage: Passage, language: str) -> float:
    """A factor: 1 for a passage that can be understood alone, less for a torn one."""
    opening = _WORD.findall(passage.text.lower())[:1]
    factor = 0.75 if opening and opening[0] in dangling(language) else 1.0
    return factor if passage.units[0].whole and passage.units[-1].whole else 0.7 * factor
