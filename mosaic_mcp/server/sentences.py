"""The words of a transcript as the rows of an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mosaic_mcp.server.answers import SentenceLine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mosaic_mcp.contract.extensions import Transcript, Word


def sentences(said: Transcript) -> tuple[SentenceLine, ...]:
    """A row for each sentence, as the studio divides the words."""
    rows: list[SentenceLine] = []
    first = 0
    for count in said.sentences:
        rows.append(_row(said.words[first : first + count]))
        first += count
    return tuple(rows)


def single_words(said: Transcript) -> tuple[SentenceLine, ...]:
    """A row for each word."""
    return tuple(_row([word]) for word in said.words)


def _row(words: Sequence[Word]) -> SentenceLine:
    return SentenceLine(
        start_s=round(words[0].start_s, 2),
        end_s=round(words[-1].end_s, 2),
        text=" ".join(word.text for word in words),
        speaker=words[0].speaker,
    )
