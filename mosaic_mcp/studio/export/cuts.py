"""A timeline as an editor's cut list: whole frames, in the sequence and in the source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from mosaic_mcp.studio.render.compile import frames_of
from mosaic_mcp.studio.timeline.model import Source, Timeline


@dataclass(frozen=True, slots=True)
class Cut:
    """One clip: where it lies in the sequence and what it shows, in frames of its rate."""

    index: int
    source: Source
    record_in: int
    record_out: int
    source_in: int
    source_out: int


def cuts_of(timeline: Timeline) -> Iterator[Cut]:
    """The clips as the renderer shows them: the same frames, so that an editor sees the same."""
    at = 0
    for index, clip in enumerate(timeline.clips):
        frames = frames_of(clip, timeline.frame_rate)
        yield Cut(
            index,
            timeline.sources[clip.source],
            at,
            at + frames.count,
            frames.first,
            frames.first + frames.count,
        )
        at += frames.count


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
