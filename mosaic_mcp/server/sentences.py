"""Words to sentences, for reading."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mosaic_mcp.server.answers import SentenceLine

if TYPE_CHECKING:
    from mosaic_mcp.contract.extensions import Word

PAUSE_S = 0.7
"""A pause this long ends a sentence where a recogniser gives no punctuation."""
MOST_WORDS = 30


def sentences(words: Sequence[Word]) -> list[SentenceLine]:
    """Group words at punctuation, pauses and turns, and before they grow unreadable."""
    lines: list[SentenceLine] = []
    group: list[Word] = []
    for index, word in enumerate(words):
        group.append(word)
        following = words[index + 1] if index + 1 < len(words) else None
        ends = word.text.endswith((".", "?", "!", "…")) or len(group) >= MOST_WORDS
        if (
            following is None
            or ends
            or following.start_s - word.end_s > PAUSE_S
            or following.speaker != word.speaker
        ):
            lines.append(
                SentenceLine(
                    start_s=round(group[0].start_s, 2),
                    end_s=round(group[-1].end_s, 2),
                    text=" ".join(w.text for w in group),
                    speaker=group[0].speaker,
                )
            )
            group = []
    return lines
