"""Tiles that pass timelines on: where a graph begins and where it ends."""

from __future__ import annotations

from collections.abc import Sequence

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
