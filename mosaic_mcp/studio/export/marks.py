"""The graphics of a timeline as markers: editors cannot draw ours, but see what stood where."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mosaic_mcp.studio.render.graphics import showings
from mosaic_mcp.studio.timeline.model import Timeline


@dataclass(frozen=True, slots=True)
class Mark:
    """A graphic in output frames."""

    first: int
    count: int
    text: str
    kind: str


def marks_of(timeline: Timeline) -> Iterator[Mark]:
    """Every showing of a graphic, in order of time."""
    rate = timeline.frame_rate
    marks = [
        Mark(
            round(start * rate),
            max(1, round((end - start) * rate)),
            " / ".join(text for text in graphic.texts if text) or graphic.kind,
            graphic.kind,
        )
        for graphic in timeline.graphics
        for start, end in showings(timeline, graphic)
    ]
    yield from sorted(marks, key=lambda mark: mark.first)
