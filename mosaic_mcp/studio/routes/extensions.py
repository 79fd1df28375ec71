"""`/studio/v1`: what the studio is, what its tiles can do, and how to end it."""

from __future__ import annotations

from fastapi import APIRouter

import mosaic_mcp
from mosaic_mcp.contract.extensions import PREFIX, StudioInfo, TileInfo, Tiles
from mosaic_mcp.contract.keeping import Collect, Collected
from mosaic_mcp.contract.tiles.catalogue import TILE_TYPES, TileType
from mosaic_mcp.errors import Forbidden
from mosaic_mcp.studio.providers import Providers
from mosaic_mcp.studio.routes.dependencies import CallerDep, StudioDep
from mosaic_mcp.studio.tiles.catalogue import TILES

router = APIRouter(prefix=PREFIX, tags=["studio"])


@router.get("")
async def studio_info(caller: CallerDep) -> StudioInfo:
    """The probe: an engine that answers here has the endpoints below."""
    return StudioInfo(version=mosaic_mcp.__version__, local_files=caller.local)


@router.get("/tiles")
async def list_tiles(studio: StudioDep, _caller: CallerDep) -> Tiles:
    """How well this studio does each tile, and the schema of its parameters."""
    return Tiles(tiles=tuple(_tile_info(tile, studio.providers) for tile in TILE_TYPES))


def _tile_info(tile: TileType, providers: Providers) -> TileInfo:
    ours = TILES[tile.name]
    return TileInfo(
        node_type_id=tile.node_type_id,
        name=tile.name,
        standing=ours.standing,
        note=ours.note,
        verified=tile.verified,
        params=tile.params.model_json_schema() if tile.params else {},
        means=ours.means(providers) if ours.means else "",
    )


@router.post("/gc")
async def collect(body: Collect, studio: StudioDep, caller: CallerDep) -> Collected:
    """Make room on the disk, or say what that would delete."""
    if not caller.here:
        raise Forbidden(
            "Only the user of this machine may delete files of all owners.",
            remedy="Use the token of the discovery file.",
        )
    return await studio.keeper.collect(body)


@router.post("/shutdown")
async def shutdown(studio: StudioDep, caller: CallerDep) -> StudioInfo:
    """End the studio in good order; running work goes on at its next start."""
    if not caller.here:
        raise Forbidden(
            "Only the user of this machine may end the studio.",
            remedy="Use the token of the discovery file.",
        )
    studio.closing.set()
    return StudioInfo(version=mosaic_mcp.__version__, local_files=True)
