"""A timeline as an editor's cut lists: whole frames of the sequence, in it and in the source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mosaic_mcp.studio.render.pieces import runs_of, settled
from mosaic_mcp.studio.timeline.model import Clip, Overlay, Seen, Source, Timeline


@dataclass(frozen=True, slots=True)
class Cut:
    """One clip: where it lies in the sequence and what it shows, in frames of the sequence's rate.

    `media` tells them in the source's own.
    """

    index: int
    source: Source
    tile: str
    """The template node that made it."""
    record_in: int
    record_out: int
    source_in: int
    source_out: int
    whole: bool = False
    """Shown whole, however the rest is framed."""
    fills: bool = False
    """Fills the canvas, however the rest is framed (a cutaway)."""
    overlay: Overlay | None = None
    """A still that is laid over the canvas like this."""
    muted: bool = False
    """Its own sound is not heard."""
    gain_db: float = 0.0
    notes: tuple[str, ...] = ()
    """What is done to it that editors have no common word for."""


def cuts_of(timeline: Timeline) -> Iterator[Cut]:
    """The cuts that the renderer makes: the same frames, so that an editor sees the same."""
    shown = settled(timeline)
    pieces = [piece for run in runs_of(shown) for piece in run.pieces]
    at = 0
    for index, (clip, piece) in enumerate(zip(shown.clips, pieces, strict=True)):
        yield Cut(
            index,
            timeline.sources[clip.source],
            clip.tile,
            at,
            at + piece.count,
            piece.first,
            piece.first + piece.count,
            whole=clip.whole,
            muted=clip.muted,
            notes=(*changes(clip), *_fit_notes(clip)),
        )
        at += piece.count


def changes(part: Seen) -> Iterator[str]:
    """How its picture is mirrored and coloured, for people."""
    if part.mirror_x:
        yield "mirrored: left and right change sides"
    if part.mirror_y:
        yield "mirrored: top and bottom change sides"
    if (look := part.look) is not None:
        values = f"contrast {look.contrast:g}, saturation {look.saturation:g}"
        curves = ", curves" if look.red or look.green or look.blue else ""
        table = ", a .cube table" if look.table else ""
        yield f"colours: {values}, brightness {look.brightness:+g}{curves}{table}"


def _fit_notes(clip: Clip) -> Iterator[str]:
    if clip.whole:
        yield "shown whole over a blurred copy of itself"


def plain(text: str) -> str:
    """One line of printable text: names come from users, and no format takes every character."""
    return "".join(c if c.isprintable() else " " for c in text)
