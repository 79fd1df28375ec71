"""A timeline as an editor's cut lists: whole frames, in the sequence and in the source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from mosaic_mcp.studio.render.pieces import runs_of, settled
from mosaic_mcp.studio.timeline.model import Clip, Source, Timeline


@dataclass(frozen=True, slots=True)
class Cut:
    """One clip: where it lies in the sequence and what it shows, in frames of its rate."""

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
            muted=not clip.volume,
            notes=tuple(_clip_notes(clip)),
        )
        at += piece.count


def _clip_notes(clip: Clip) -> Iterator[str]:
    if clip.mirror_x:
        yield "mirrored: left and right change sides"
    if clip.mirror_y:
        yield "mirrored: top and bottom change sides"
    if (look := clip.look) is not None:
        values = f"contrast {look.contrast:g}, saturation {look.saturation:g}"
        curves = ", curves" if look.red or look.green or look.blue else ""
        table = ", a .cube table" if look.table else ""
        yield f"colours: {values}, brightness {look.brightness:+g}{curves}{table}"
    if clip.whole:
        yield "shown whole over a blurred copy of itself"


def plain(text: str) -> str:
    """One line of printable text: names come from users, and no format takes every character."""
    return "".join(c if c.isprintable() else " " for c in text)


def timebase(rate: Fraction) -> tuple[int, bool]:
    """The whole rate that editors count in, and whether it runs slow by 1000/1001 (NTSC)."""
    whole = round(rate)
    return whole, rate != whole


def frames_in(cut: Cut, rate: Fraction) -> int:
    """How long the source of a cut is, in frames of the rate; a still is as long as it is used."""
    return int(cut.source.duration * rate) or cut.source_out


def timecode(frame: int, base: int) -> str:
    """HH:MM:SS:FF, non-drop."""
    seconds, frames = divmod(frame, base)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}:{frames:02}"
