"""Mirror: left and right, or top and bottom, change sides."""

from __future__ import annotations

from collections.abc import Sequence

from mosaic_mcp.contract.tiles.params import MirrorParams
from mosaic_mcp.studio.tiles.tile import TileContext
from mosaic_mcp.studio.timeline.model import Timeline


async def apply(
    inputs: Sequence[Timeline],
    params: MirrorParams,
    context: TileContext,  # noqa: ARG001
) -> list[Timeline]:
    """Mirror every clip; one that is mirrored already turns back. Text above it stays legible."""
    return [
        timeline.model_copy(
            update={
                "clips": tuple(
                    clip.model_copy(
                        update={
                            "mirror_x": clip.mirror_x ^ params.horizontal,
                            "mirror_y": clip.mirror_y ^ params.vertical,
                        }
                    )
                    for clip in timeline.clips
                )
            }
        )
        for timeline in inputs
    ]
