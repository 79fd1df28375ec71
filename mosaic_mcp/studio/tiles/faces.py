"""Where faces are, for what is drawn to keep off them."""

from __future__ import annotations

from fractions import Fraction

from mosaic_mcp.studio.tiles.tile import TileContext
from mosaic_mcp.studio.timeline.model import FaceSeen, Timeline

_AROUND = Fraction(1)
"""Seconds beside what a clip shows."""


async def with_faces(timeline: Timeline, context: TileContext) -> Timeline:
    """The timeline with the main face of what its clips show, in source time."""
    seen: dict[str, tuple[FaceSeen, ...]] = {}
    for sha in dict.fromkeys(clip.source for clip in timeline.clips):
        source = timeline.sources[sha]
        if not source.width or sha in timeline.faces:
            continue
        await context.report(0.3, f"looking for faces in {source.name}")
        shown = [(c.start - _AROUND, c.end + _AROUND) for c in timeline.clips if c.source == sha]
        seen[sha] = tuple(
            FaceSeen(
                time=face.time,
                x=round(face.x, 3),
                y=round(face.y, 3),
                width=round(face.width, 3),
                height=round(face.height, 3),
            )
            for face in await context.perception.faces(source)
            if any(start <= face.time < end for start, end in shown)
        )
    return timeline.model_copy(update={"faces": {**timeline.faces, **seen}})
