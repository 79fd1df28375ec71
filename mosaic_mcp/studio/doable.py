"""What of a run this studio cannot do, said before the run is made."""

from __future__ import annotations

from collections.abc import Iterator

from mosaic_mcp.contract.doable import not_done
from mosaic_mcp.contract.graph import Graph
from mosaic_mcp.contract.params import merged_params
from mosaic_mcp.contract.runs import RunRequest
from mosaic_mcp.errors import Fault, InvalidRequest
from mosaic_mcp.studio.tiles.catalogue import TILES


async def check_doable(request: RunRequest, graph: Graph, *, here: bool) -> list[Fault]:
    """A fault for each tile, and for each parameter, that is not done here whatever the videos.

    Nodes whose parameters are wrong by the contract are left to its own rules. What parameters are
    not done `here`, by this process, others find out: they may have voices that are not on this
    machine.
    """
    runnable = graph.runnable(request.ignore_nodes)
    faults = [*_tiles(runnable)]
    if here:
        faults += await _parameters(request, runnable)
    return faults


def _tiles(runnable: Graph) -> Iterator[Fault]:
    """A fault for each node that would fail in the run; a trigger is part of none."""
    for node_id in runnable.order:
        tile = runnable.tile(node_id)
        if tile is None or TILES[tile.name].standing != "unsupported":
            continue
        skip = None if node_id in runnable.sources else f'ignore_nodes=["{node_id}"]'
        yield not_done(tile.name, TILES[tile.name].note, node_id, skip)


async def _parameters(request: RunRequest, runnable: Graph) -> list[Fault]:
    faults: list[Fault] = []
    for node_id in runnable.order:
        tile = runnable.tile(node_id)
        check = TILES[tile.name].check if tile is not None else None
        if check is None:
            continue
        changes = request.update_params.get(node_id, {})
        try:
            params = merged_params(runnable.nodes[node_id], changes)
        except InvalidRequest:
            continue
        where = f"update_params.{node_id}"
        instead = "" if node_id in runnable.sources else " Or leave the node out: ignore_nodes."
        for fault in await check(params):
            saved = "" if fault.where in changes else "As saved in the agent: "
            faults.append(
                Fault(
                    f"{where}.{fault.where}",
                    f"{saved}{fault.what}",
                    f"{fault.remedy}{instead}".strip(),
                    fault.rule,
                )
            )
    return faults
