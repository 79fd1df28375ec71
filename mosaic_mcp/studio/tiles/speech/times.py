"""Stretches of a video that a prompt names by their times: what of them stays, and what goes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby

from mosaic_mcp.contract.spans import Span
from mosaic_mcp.errors import Unsupported
from mosaic_mcp.studio.perception.model import Interval
from mosaic_mcp.studio.tiles.speech.sentences import Sentence
from mosaic_mcp.studio.tiles.speech.spans import merged, without
from mosaic_mcp.studio.tiles.speech.wishes import TimeWish
from mosaic_mcp.studio.tiles.tile import TileContext
from mosaic_mcp.studio.timeline.edit import PlacedWord
from mosaic_mcp.studio.timeline.model import Timeline


@dataclass(frozen=True, slots=True)
class Times:
    """What is to go by its time, in output time. A word is where its middle is."""

    removed: tuple[Interval, ...] = ()
    keeps: bool = False
    """True when a time is named that is to be kept."""
    beside: tuple[Interval, ...] = ()
    """All that is not kept then."""

    def removes(self, part: Sentence) -> bool:
        """True when the part, one of `divided`, is to go whatever is said in it."""
        return _is_in(part.words[0], self.removed)

    def leaves(self, part: Sentence) -> bool:
        """True when the part, one of `divided`, is beside what is to be kept."""
        return _is_in(part.words[0], self.beside)

    def divided(self, sentence: Sentence) -> Iterator[Sentence]:
        """The sentence in parts that stay or go as a whole: itself, mostly."""

        def place(word: PlacedWord) -> tuple[bool, bool]:
            return _is_in(word, self.removed), _is_in(word, self.beside)

        parts = [tuple(words) for _, words in groupby(sentence.words, place)]
        if len(parts) == 1:
            yield sentence
        else:
            yield from (Sentence(words, whole=False) for words in parts)


def _is_in(word: PlacedWord, stretches: Sequence[Interval]) -> bool:
    middle = (word.start + word.end) / 2
    return any(part.start <= middle < part.end for part in stretches)


async def times_of(wanted: Sequence[TimeWish], timeline: Timeline, context: TileContext) -> Times:
    """The times of the wishes in this video.

    Raises Unsupported where it has none of what is to be kept; warns where it has none of what is
    to go.
    """
    whole = Interval(start=Fraction(0), end=timeline.duration)
    lasts = f"{timeline.name} lasts {float(timeline.duration):.1f} s"
    kept: list[Interval] = []
    removed: list[Interval] = []
    for wish in wanted:
        stretch = _stretch(wish.span, whole.end)
        if stretch.start < stretch.end:
            (kept if wish.kind == "keep" else removed).append(stretch)
        elif wish.kind == "remove":
            await context.warn(f"“{wish.phrase}” takes nothing away: {lasts}")
        else:
            raise Unsupported(
                f"Nothing would be left of “{wish.phrase}”: {lasts}.",
                remedy="Give times of the video as it comes to Rough Cut, or leave the wish out.",
            )
    beside = without([whole], kept) if kept else []
    return Times(removed=tuple(merged(removed)), keeps=bool(kept), beside=tuple(beside))


def _stretch(span: Span, total: Fraction) -> Interval:
    """The span in a video of this length; empty where it begins behind the end."""
    start = Fraction(span.start_ms or 0, 1000)
    if span.from_end_ms is not None:
        start = max(Fraction(0), total - Fraction(span.from_end_ms, 1000))
    end = total if span.end_ms is None else min(total, Fraction(span.end_ms, 1000))
    return Interval(start=min(start, total), end=end)
