"""Ranking of passages against a prompt by their words: BM25 over stems, no model."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from math import log
from typing import cast

import snowballstemmer  # pyright: ignore[reportMissingTypeStubs]

from mosaic_mcp.contract.languages import base
from mosaic_mcp.studio.tiles.speech.lexicon import ASKING, STOP_WORDS, stop_words

_K1 = 1.2
_B = 0.6
_WORD = re.compile(r"\w+(?:'\w+)?")

_LANGUAGES = {
    "da": "danish",
    "de": "german",
    "en": "english",
    "es": "spanish",
    "fi": "finnish",
    "fr": "french",
    "it": "italian",
    "nl": "dutch",
    "no": "norwegian",
    "pt": "portuguese",
    "ru": "russian",
    "sv": "swedish",
    "tr": "turkish",
}


@cache
def _stemmer(language: str) -> Callable[[str], str]:
    name = _LANGUAGES.get(base(language))
    if name is None:
        return str
    stemmer = snowballstemmer.stemmer(name)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return cast("Callable[[str], str]", stemmer.stemWord)  # pyright: ignore[reportUnknownMemberType]


def stems(text: str, language: str) -> list[str]:
    """The stems of the words that carry a topic, in order."""
    stem, empty = _stemmer(language), stop_words(language)
    return [stem(w) for w in _words(text) if w not in empty]


def topic(prompt: str, language: str) -> list[str]:
    """The stems of a prompt without the words that only ask ("find the best clips about …").

    They may be English whatever is spoken in the video.
    """
    asking = {_stemmer(language)(w) for w in ASKING}
    named = " ".join(w for w in _words(prompt) if w not in STOP_WORDS)
    return list(dict.fromkeys(s for s in stems(named, language) if s not in asking))


def _words(text: str) -> list[str]:
    return [w.removesuffix("'s") for w in _WORD.findall(text.lower().replace("’", "'"))]


def relevance(query: Sequence[str], passages: Sequence[Sequence[str]]) -> list[float]:
    """BM25 of each passage (its stems), scaled so that the best is 1; all 0 without a match."""
    counts = [Counter(p) for p in passages]
    found = {q: sum(1 for c in counts if c[q]) for q in query}
    mean = sum(map(len, passages)) / len(passages) if passages else 0
    scores = [0.0] * len(passages)
    for i, count in enumerate(counts):
        norm = _K1 * (1 - _B + _B * (len(passages[i]) / mean if mean else 0))
        for q in query:
            if count[q]:
                rarity = log(1 + (len(passages) - found[q] + 0.5) / (found[q] + 0.5))
                scores[i] += rarity * count[q] * (_K1 + 1) / (count[q] + norm)
    best = max(scores, default=0.0)
    return [s / best for s in scores] if best else scores


def frequent(text: str, language: str, count: int) -> list[str]:
    """The words of a text that carry its topics, most frequent first, as they were said."""
    stem, empty = _stemmer(language), stop_words(language)
    words = [w for w in _WORD.findall(text.lower()) if w not in empty and len(w) > 3]
    totals = Counter(stem(w) for w in words)
    spelled = {stem(w): w for w in reversed(words)}
    return [spelled[s] for s, _ in totals.most_common(count)]
