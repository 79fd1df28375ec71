"""What a Rough Cut prompt asks to keep or remove, read by fixed phrases."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mosaic_mcp.studio.tiles.speech.lexicon import EDITING
from mosaic_mcp.studio.tiles.speech.relevance import topic

_ABOUT = r"(?:about|on|regarding|concerning|mentioning|that mentions?|where\b.{0,40}?\babout)"
_PIECE = (
    r"(?:everything|anything|all|(?:the |any |all |every )?"
    r"(?:parts?|bits?|sections?|sentences?|segments?|passages?|moments?|portions?|talk|mentions?))"
)
_END = r"(?=[.;!\n]|,? (?:and|but|then) (?:keep|remove|cut|drop|delete|only|leave|make)\b|$)"
_REMOVE = re.compile(
    rf"\b(?:remove|delete|drop|omit|skip|exclude|(?:cut|take|leave)(?: out)?)\s+"
    rf"{_PIECE}\s+{_ABOUT}\s+(?P<topic>[^.;!\n]+?){_END}",
    re.IGNORECASE,
)
_KEEP = re.compile(
    rf"\b(?:only keep|keep only|keep just|just keep|use only|only use)\s+"
    rf"(?:{_PIECE}\s+)?(?:{_ABOUT}\s+)?(?P<topic>[^.;!\n]+?){_END}",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Wish:
    """Sentences about `topic` (word stems) are to go, or are all that stays."""

    kind: Literal["remove", "keep"]
    phrase: str
    topic: tuple[str, ...]

    def meets(self, said: Sequence[str]) -> bool:
        """True when at least half of the topic's words are among the stems `said`."""
        return 2 * len(set(self.topic) & set(said)) >= len(self.topic)


def wishes(prompt: str, language: str) -> list[Wish]:
    """The wishes of a prompt such as "remove the part about pricing" or "keep only the demo".

    Anything else in the prompt is not read.
    """
    found: list[Wish] = []
    patterns: tuple[tuple[Literal["remove", "keep"], re.Pattern[str]], ...] = (
        ("remove", _REMOVE),
        ("keep", _KEEP),
    )
    for kind, pattern in patterns:
        for match in pattern.finditer(prompt):
            phrase = match["topic"].strip(" ,'\"“”")
            named = " ".join(w for w in phrase.split() if w.lower() not in EDITING)
            words = tuple(topic(named, language))
            if words:
                found.append(Wish(kind, phrase, words))
    return found
