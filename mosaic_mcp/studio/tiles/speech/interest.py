"""How interesting a passage is when nobody says what to look for. A heuristic, and declared so."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from fractions import Fraction

from mosaic_mcp.contract.languages import is_english
from mosaic_mcp.studio.tiles.speech.lexicon import dangling, hooks
from mosaic_mcp.studio.tiles.speech.passages import Passage, Unit, sums

_DIGIT = re.compile(r"\d")
_NUMBER = re.compile(
    r"\d|\b(two|three|four|five|six|seven|eight|nine|ten|hundred|thousand|million|billion|percent)\b"
)
_WORD = re.compile(r"[\w']+")

_LIVELY = 2.6
"""Words per second of lively English speech: about 155 a minute."""


class Interest:
    """What counts in some units, added up once for all of their passages."""

    def __init__(self, units: Sequence[Unit], language: str) -> None:
        said = [unit.text.lower() for unit in units]
        words = [_WORD.findall(text) for text in said]
        opening, number = hooks(language), _NUMBER if is_english(language) else _DIGIT
        self._units = units
        self._dangling = dangling(language)
        self._words = sums(map(len, words), 0)
        self._hooks = sums((sum(word in opening for word in some) for some in words), 0)
        self._questions = sums((text.count("?") for text in said), 0)
        self._numbers = sums((bool(number.search(text)) for text in said), 0)
        self._spoken = sums((unit.end - unit.start for unit in units), Fraction(0))
        self._first_words = [(n, some[0]) for n, some in enumerate(words) if some]
        """Where there are words, and the first of them."""

    def of(self, passage: Passage) -> float:
        """0..1: information density, pace, questions, numbers and, in English, hook words.

        Without words (speech activity only) it is the share of time in which somebody speaks.
        """
        words = passage.total(self._words)
        if not words:
            return float(passage.total(self._spoken) / passage.duration)
        seconds = float(passage.duration)
        density = min(1.0, passage.distinct / seconds / 1.2)
        pace = min(1.0, words / seconds / _LIVELY)
        hooked = min(1.0, passage.total(self._hooks) / 2)
        asks = 1.0 if passage.total(self._questions) else 0.0
        counts = 1.0 if passage.total(self._numbers) else 0.0
        return 0.4 * density + 0.2 * pace + 0.2 * hooked + 0.1 * asks + 0.1 * counts

    def standing_alone(self, passage: Passage) -> float:
        """A factor: 1 for a passage that can be understood alone, less for a torn one."""
        at = bisect_left(self._first_words, (passage.first, ""))
        leans = False
        if at < len(self._first_words):
            number, word = self._first_words[at]
            leans = number <= passage.last and word in self._dangling
        factor = 0.75 if leans else 1.0
        whole = self._units[passage.first].whole and self._units[passage.last].whole
        return factor if whole else 0.7 * factor
