"""The node catalogue (docs.mosaic.so/api/agent-nodes/, api/node-types/)."""

from __future__ import annotations

from fastapi import APIRouter

from mosaic_mcp.contract.node_types import NodeTypeAnswer, NodeTypes
from mosaic_mcp.contract.tiles.catalogue import TILE_TYPES
from mosaic_mcp.errors import NotFound
from mosaic_mcp.studio.routes.dependencies import CallerDep

router = APIRouter(tags=["node types"])


@router.get("/node_types")
async def list_node_types(_caller: CallerDep) -> NodeTypes:
    """Every kind of tile; GET /studio/v1/tiles says how well this studio does each."""
    return NodeTypes(node_types=tuple(tile.node_type() for tile in TILE_TYPES))


@router.get("/node_type/{node_type_id}")
async def get_node_type(node_type_id: str, _caller: CallerDep) -> NodeTypeAnswer:
    """One kind of tile."""
    for tile in TILE_TYPES:
        if tile.node_type_id == node_type_id:
            return NodeTypeAnswer(node_type=tile.node_type())
    raise NotFound(
        f"There is no node type {node_type_id!r}.", remedy="GET /node_types lists them all."
    )
