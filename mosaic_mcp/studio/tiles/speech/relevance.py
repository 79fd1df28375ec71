"""Ranking of passages against a prompt by their words: BM25 over stems, no model.

Where a script has no spaces between its words, each two neighbouring characters stand for a word.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import pairwise
from math import log
from threading import Lock
from typing import cast

import snowballstemmer  # pyright: ignore[reportMissingTypeStubs]

from mosaic_mcp.contract.languages import base
from mosaic_mcp.studio.tiles.speech.lexicon import ASKING, STOP_WORDS, stop_words

_K1 = 1.2
_B = 0.6
_HAN = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_KANA = "\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f"
_THAI_LAO = "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ece\u0edc-\u0edf"
_BURMESE_KHMER = "\u1000-\u103f\u1050-\u109f\u1780-\u17d3\u17d7\u17dc"
_UNSPACED = f"{_HAN}{_KANA}{_THAI_LAO}{_BURMESE_KHMER}"
"""Letters and marks of scripts without spaces between words, as ranges of a character class."""
_WORD = re.compile(rf"[{_UNSPACED}]+|[^\W{_UNSPACED}]+(?:'[^\W{_UNSPACED}]+)?")
_RUN = re.compile(f"[{_UNSPACED}]{{2,}}")
_TORN = re.compile(rf"(?<=[{_UNSPACED}])\s+(?=[{_UNSPACED}])")
"""A space between such letters: recognisers write one, and so do cues of two lines."""
_CHARACTER = re.compile(f"[{_HAN}]")
_PAIR = re.compile(f"[{_HAN}]{{2}}")

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
    unsafe = cast("Callable[[str], str]", stemmer.stemWord)  # pyright: ignore[reportUnknownMemberType]
    alone = Lock()

    def stem(word: str) -> str:
        with alone:  # it keeps the word that it works on, and tiles decide in threads
            return unsafe(word)

    return stem


def stems(text: str, language: str) -> list[str]:
    """The stems of the words that carry a topic, in order."""
    stem, empty = _stemmer(language), stop_words(language)
    return [stem(w) for w in _words(_TORN.sub("", text)) if w not in empty]


def topic(prompt: str, language: str) -> list[str]:
    """The stems of a prompt without the words that only ask ("find the best clips about …").

    They may be English whatever is spoken in the video.
    """
    stem, empty = _stemmer(language), STOP_WORDS | stop_words(language)
    asking = {stem(w) for w in ASKING}
    named = (stem(w) for w in _words(prompt) if w not in empty)
    return list(dict.fromkeys(s for s in named if s not in asking))


def mentions(query: Iterable[str], said: Iterable[str]) -> dict[str, int]:
    """How often each stem of a query is among those of a text.

    A single Chinese character is a word too, and is looked for in the pairs.
    """
    counts = Counter(said)
    return {
        q: sum(n for stem, n in counts.items() if q in stem)
        if _CHARACTER.fullmatch(q)
        else counts[q]
        for q in query
    }


def _words(text: str) -> list[str]:
    found = _WORD.findall(text.lower().replace("’", "'"))
    return [part for word in found for part in _parts(word)]


def _parts(word: str) -> Iterator[str]:
    if _RUN.fullmatch(word):
        yield from (a + b for a, b in pairwise(word))
    else:
        yield word.removesuffix("'s")


def relevance(query: Sequence[str], passages: Sequence[Sequence[str]]) -> list[float]:
    """BM25 of each passage (its stems), scaled so that the best is 1; all 0 without a match."""
    found = [mentions(query, passage) for passage in passages]
    counts = [[count[q] for count in found] for q in query]
    return by_counts(counts, [len(passage) for passage in passages])


def by_counts(counts: Sequence[Sequence[int]], lengths: Sequence[int]) -> list[float]:
    """The same where it is known how often each passage has each stem, and how many it has."""
    passages = len(lengths)
    mean = sum(lengths) / passages if passages else 0
    norms = [_K1 * (1 - _B + _B * (length / mean if mean else 0)) for length in lengths]
    scores = [0.0] * passages
    for row in counts:
        found = passages - row.count(0)
        rarity = log(1 + (passages - found + 0.5) / (found + 0.5))
        for i, (count, norm) in enumerate(zip(row, norms, strict=True)):
            if count:
                scores[i] += rarity * count * (_K1 + 1) / (count + norm)
    best = max(scores, default=0.0)
    return [s / best for s in scores] if best else scores


def frequent(text: str, language: str, count: int) -> list[str]:
    """The words of a text that carry its topics, most frequent first, as they were said."""
    stem, empty = _stemmer(language), stop_words(language)
    words = [w for w in _words(_TORN.sub("", text)) if len(w) > 3 or _PAIR.fullmatch(w)]
    words = [w for w in words if w not in empty]
    totals = Counter(stem(w) for w in words)
    spelled = {stem(w): w for w in reversed(words)}
    return [spelled[s] for s, _ in totals.most_common(count)]
