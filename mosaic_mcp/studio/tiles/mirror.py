"""Mirror: left and right, or top and bottom, change sides."""

from __future__ import annotations

from collections.abc import Sequence

from mosaic_mcp.contract.tiles.params import MirrorParams
from mosaic_mcp.studio.tiles.tile import TileContext
from mosaic_mcp.studio.timeline.model import SeenT, Timeline

NOTE = (
    "Mirrors the video and the b-roll that is over it by then. Captions, graphics and a watermark "
    "stay as they are, also those that were laid before it, so that they can be read."
)


async def apply(
    inputs: Sequence[Timeline],
    params: MirrorParams,
    context: TileContext,  # noqa: ARG001
) -> list[Timeline]:
    """Mirror every clip and cutaway; one that is mirrored already turns back."""

    def mirrored(part: SeenT) -> SeenT:
        sides = {
            "mirror_x": part.mirror_x ^ params.across,
            "mirror_y": part.mirror_y ^ params.vertical,
        }
        return part.model_copy(update=sides)

    return [
        timeline.model_copy(
            update={
                "clips": tuple(mirrored(clip) for clip in timeline.clips),
                "cutaways": tuple(mirrored(cutaway) for cutaway in timeline.cutaways),
            }
        )
        for timeline in inputs
    ]
