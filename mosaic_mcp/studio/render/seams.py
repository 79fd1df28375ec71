"""Where a long picture is cut into parts that are rendered each by itself.

Parts end at cuts, or inside a long piece at fixed moments of its source, so that an edit moves
few of them.
"""

from __future__ import annotations

from collections.abc import Iterator

from mosaic_mcp.studio.render.pieces import Frames, frames_in, runs_of
from mosaic_mcp.studio.timeline.model import Timeline

SHORTEST_S = 20
"""Seconds: below, starting an encoder and its first large picture cost more than they save."""


def parts_of(timeline: Timeline) -> list[Frames]:
    """The parts of a settled timeline, in output frames; one where it is short."""
    least = int(SHORTEST_S * timeline.frame_rate)
    total = frames_in(timeline)
    parts: list[Frames] = []
    begin = 0
    for end in _seams(timeline, least):
        if end - begin >= least and total - end >= least:
            parts.append(Frames(begin, end - begin))
            begin = end
    return [*parts, Frames(begin, total - begin)]


def _seams(timeline: Timeline, step: int) -> Iterator[int]:
    """Output frames where a part may end: at cuts, and at multiples of `step` of a source."""
    at = 0
    for run in runs_of(timeline):
        for piece in run.pieces:
            end = piece.first + piece.count
            inside = range(piece.first - piece.first % step + step, end, step)
            yield from (at + number - piece.first for number in inside)
            at += piece.count
            yield at
