"""Captions and graphics as markers: editors cannot draw ours, but see what stood where."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from mosaic_mcp.studio.export.subtitles import cues_of
from mosaic_mcp.studio.render.graphics import showings
from mosaic_mcp.studio.timeline.model import Timeline


@dataclass(frozen=True, slots=True)
class Mark:
    """A caption or a graphic, in frames of the sequence."""

    first: int
    count: int
    text: str
    kind: str
    """"caption", or "graphic: title" and so on."""


def marks_of(timeline: Timeline, rate: Fraction) -> list[Mark]:
    """Every caption and every showing of a graphic, in order of time; `rate` is of their frames."""
    marks = [*_captions(timeline, rate), *_graphics(timeline, rate)]
    return sorted(marks, key=lambda mark: mark.first)


def _captions(timeline: Timeline, rate: Fraction) -> Iterator[Mark]:
    for cue in cues_of(timeline):
        yield _mark(cue.start, cue.end, rate, cue.text, "caption")


def _graphics(timeline: Timeline, rate: Fraction) -> Iterator[Mark]:
    for graphic in timeline.graphics:
        text = " / ".join(text for text in graphic.texts if text) or graphic.kind
        for start, end in showings(timeline, graphic):
            yield _mark(start, end, rate, text, f"graphic: {graphic.kind}")


def _mark(start: Fraction, end: Fraction, rate: Fraction, text: str, kind: str) -> Mark:
    return Mark(round(start * rate), max(1, round((end - start) * rate)), text, kind)
