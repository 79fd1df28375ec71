"""Tiles that pass timelines on: where a graph begins and where it ends."""

from __future__ import annotations

from collections.abc import Sequence

from mosaic_mcp.contract.tiles.params import DestinationParams
from mosaic_mcp.studio.tiles.tile import TileContext
from mosaic_mcp.studio.timeline.model import Timeline

DESTINATION_NOTE = (
    "Exports only: renders are made and linked, nothing is posted to a platform. Publishing needs "
    "the hosted engine."
)


async def apply(
    inputs: Sequence[Timeline],
    params: object,  # noqa: ARG001  read by the run's plan, not here
    context: TileContext,  # noqa: ARG001
) -> list[Timeline]:
    """The inputs, unchanged."""
    return list(inputs)


async def destination(
    inputs: Sequence[Timeline], params: DestinationParams, context: TileContext
) -> list[Timeline]:
    """The inputs; what was to be published is said not to be."""
    if params.publishing_mode != "export":
        await context.warn(
            f"Nothing was published (publishing_mode “{params.publishing_mode}”): the local studio "
            "exports only. Post the files yourself, or use the hosted engine."
        )
    return list(inputs)
