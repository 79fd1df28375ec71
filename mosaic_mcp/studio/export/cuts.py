"""A timeline as an editor's cut list: whole frames, in the sequence and in the source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from mosaic_mcp.studio.render.compile import runs_of, settled
from mosaic_mcp.studio.timeline.model import Source, Timeline


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
        )
        at += piece.count


def plain(text: str) -> str:
    """One line of printable text: names come from users, and no format takes every character."""
    return "".join(c if c.isprintable() else " " for c in text)


def timebase(rate: Fraction) -> tuple[int, bool]:
    """The whole rate that editors count in, and whether it runs slow by 1000/1001 (NTSC)."""
    whole = round(rate)
    return whole, rate != whole


def frames_in(source: Source, rate: Fraction) -> int:
    """How long a source is, in frames of its rate."""
    return int(source.duration * rate)


def timecode(frame: int, base: int) -> str:
    """HH:MM:SS:FF, non-drop."""
    seconds, frames = divmod(frame, base)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}:{frames:02}"
