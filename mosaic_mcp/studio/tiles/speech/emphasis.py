"""Which words carry the meaning of what is said. A heuristic, and declared so."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction

from mosaic_mcp.studio.tiles.speech.lexicon import hooks, stop_words
from mosaic_mcp.studio.tiles.speech.numerals import is_number
from mosaic_mcp.studio.timeline.model import CaptionWord

_PAUSE = Fraction(7, 10)
_EVERY = 4
"""Of so many words one stands out."""
_LONGEST = 12
"""Words without punctuation are divided into runs of this length."""
_LETTERS = re.compile(r"[^\W_][\w'’.,%-]*")


def emphasised(words: Sequence[CaptionWord], language: str) -> list[CaptionWord]:
    """The words of a source, in order, those marked strong that a reader should see first.

    Numbers, names, rare long words and, in English, words that open short videos; at most one in
    four and never two in a row.
    """
    plain = [_plain(word.text) for word in words]
    counts = Counter(p.lower() for p in plain)
    empty, opening = stop_words(language), hooks(language)

    def score(word: str, *, first: bool) -> float:
        lower = word.lower()
        if is_number(word, language):
            return 1.5
        if lower in empty or len(word) < 3:
            return 0.0
        found = min(len(word), 10) / 20 + 0.5 / counts[lower]
        found += 0.8 if lower in opening else 0.0
        return found + (0.3 if word[0].isupper() and not first else 0.0)

    strong: set[int] = set()
    for first, last in _runs(words):
        scores = {i: score(plain[i], first=i == first) for i in range(first, last)}
        wanted = max(1, round((last - first) / _EVERY))
        chosen: set[int] = set()
        for i in sorted(scores, key=lambda i: (-scores[i], i)):
            if len(chosen) < wanted and scores[i] > 0 and not {i - 1, i + 1} & (strong | chosen):
                chosen.add(i)
        strong |= chosen
    return [
        word.model_copy(update={"strong": True}) if i in strong else word
        for i, word in enumerate(words)
    ]


def _plain(text: str) -> str:
    found = _LETTERS.search(text)
    return found.group().rstrip(".,'’-") if found else ""


def _runs(words: Sequence[CaptionWord]) -> Iterator[tuple[int, int]]:
    """Sentences, or what stands for them: ended by punctuation, pauses, or their length."""
    first = 0
    for i, word in enumerate(words):
        last = i + 1 == len(words)
        if (
            last
            or word.text.endswith((".", "?", "!", "…"))
            or words[i + 1].start - word.end >= _PAUSE
            or i + 1 - first >= _LONGEST
        ):
            yield first, i + 1
            first = i + 1
