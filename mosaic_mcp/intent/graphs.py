"""`build_graph`: an agent from a list of tiles, in a line unless `connect` says otherwise.

A line is put into the advised order (`contract.ordering`); `connect` is taken as it is given.
Everything is checked before anything is made, and a half-made agent is never left behind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, pairwise
from typing import Any

import anyio

from mosaic_mcp.client import MosaicClient
from mosaic_mcp.contract.agents import (
    AgentChanged,
    AgentDetail,
    AgentHead,
    CreateAgent,
    CreateConnection,
    CreateNode,
    DeleteNode,
    Operation,
    UpdateAgent,
)
from mosaic_mcp.contract.editing import apply_operations
from mosaic_mcp.contract.ordering import advised
from mosaic_mcp.contract.params import check_params
from mosaic_mcp.contract.tiles.catalogue import TILE_TYPES, TileType, tile_type
from mosaic_mcp.contract.words import listed, nearest
from mosaic_mcp.errors import Fault, InvalidRequest, MosaicError
from mosaic_mcp.intent.agents import find_agent
from mosaic_mcp.intent.names import match, plain
from mosaic_mcp.intent.params import unconfirmed_warnings

VIDEO_INPUT, DESTINATION = "Video Input", "Destination"
Edge = tuple[str, str]


@dataclass(frozen=True, slots=True)
class TileWish:
    """A tile in the caller's words."""

    tile: str
    label: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Built:
    """The agent as the engine has it now. `labels` are those that the caller gave, by node."""

    detail: AgentDetail
    labels: Mapping[str, str]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """A tile to be made; `ref` names it within the one request that makes all."""

    ref: str
    tile: TileType
    node_type_id: str
    label: str
    """The caller's, or the tile's name, numbered when it stands more than once."""
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])


class Offer:
    """The tiles of an engine. Ids that are not public are the hosted engine's to tell."""

    def __init__(self, ids: Mapping[str, str] | None) -> None:
        self._ids = ids
        """Plain name -> id; None on the studio, which knows every tile by our ids."""

    @classmethod
    async def of(cls, client: MosaicClient) -> Offer:
        """What this engine offers."""
        if await client.studio() is not None:
            return cls(None)
        types = (await client.node_types()).node_types
        return cls({plain(t.node_type_name): t.node_type_id for t in types if t.node_type_name})

    @property
    def hosted(self) -> bool:
        """True when Mosaic itself has the last word on parameters."""
        return self._ids is not None

    def tile(self, said: str) -> tuple[TileType, str] | None:
        """The tile and its id on this engine, or None when it has no such tile."""
        tile = tile_type(said)
        if tile is not None and (self._ids is None or tile.verified):
            return tile, tile.node_type_id
        node_type_id = (self._ids or {}).get(plain(tile.name if tile else said))
        if node_type_id is None:
            return None
        return tile or TileType(node_type_id, said, plain(said), "action"), node_type_id


async def build_graph(
    client: MosaicClient,
    *,
    name: str,
    tiles: Sequence[TileWish],
    connect: Sequence[Sequence[str]] | None = None,
    agent: str | None = None,
    description: str | None = None,
) -> Built:
    """Make an agent, or with `agent` replace the graph of that one."""
    offer = await Offer.of(client)
    nodes, edges, warnings = plan_graph(tiles, connect, offer)
    operations = _operations(nodes, edges)
    if agent is None:
        changed = await _create(client, name, description, operations)
    else:
        changed = await _replace(client, agent, name, description, operations)
    detail = await client.get_agent(changed.agent_id)
    ids = {made.temp_ref_id: made.agent_node_id for made in changed.created_nodes}
    labels = {
        ids[node.ref]: wish.label
        for node, wish in zip(nodes, tiles, strict=False)
        if wish.label and node.ref in ids
    }
    return Built(detail, labels, tuple(warnings))


async def rename_agent(
    client: MosaicClient, agent: str, name: str, description: str | None = None
) -> AgentDetail:
    """Change what an agent is called; its graph stays."""
    detail = await find_agent(client, agent)
    await client.update_agent(detail.agent.id, UpdateAgent(name=name, description=description))
    return await client.get_agent(detail.agent.id)


def plan_graph(
    tiles: Sequence[TileWish], connect: Sequence[Sequence[str]] | None, offer: Offer
) -> tuple[list[Node], list[Edge], list[str]]:
    """Nodes (those of `tiles` first, in their order), edges by `ref`, what moved and was added.

    Raises InvalidRequest with every fault.
    """
    faults: list[Fault] = []
    nodes = _nodes(tiles, offer, faults)
    if connect is None:
        line, warnings = _in_line(nodes)
        edges = [(a.ref, b.ref) for a, b in pairwise(line)]
    else:
        edges, warnings = _edges(connect, nodes, faults), []
    if faults:
        raise InvalidRequest(faults)
    warnings += _add_ends(nodes, edges, offer)
    if offer.hosted:
        warnings += unconfirmed_warnings((n.label, n.tile, n.params) for n in nodes)
    else:
        # What the studio would answer, before an agent is made.
        ids = count()
        nothing = AgentDetail(agent=AgentHead(id=""))
        apply_operations(nothing, _operations(nodes, edges), lambda: f"node-{next(ids)}")
    return nodes, edges, warnings


def _nodes(tiles: Sequence[TileWish], offer: Offer, faults: list[Fault]) -> list[Node]:
    nodes: list[Node] = []
    taken: dict[str, str] = {}
    for index, wish in enumerate(tiles):
        where = f"tiles[{index}]"
        offered = offer.tile(wish.tile)
        if offered is None:
            names = [t.name for t in TILE_TYPES if t.kind != "trigger"]
            remedy = f"{nearest(wish.tile, names)}Tiles: {listed(names, 40)}."
            faults.append(Fault(where, f"There is no tile {wish.tile!r} here.", remedy))
            continue
        tile, node_type_id = offered
        faults += check_params(
            tile, wish.params, f"{where}.params", complete=False, hosted=offer.hosted
        )
        label = wish.label or _numbered(tile.name, taken)
        if plain(label) in taken:
            faults.append(
                Fault(f"{where}.label", f"{label!r} is given twice.", "Labels must differ.")
            )
        taken[plain(label)] = label
        nodes.append(Node(f"t{index}", tile, node_type_id, label, wish.params))
    return nodes


def _numbered(name: str, taken: Mapping[str, str]) -> str:
    if plain(name) not in taken:
        return name
    return next(label for n in count(2) if plain(label := f"{name} {n}") not in taken)


def _in_line(nodes: Sequence[Node]) -> tuple[list[Node], list[str]]:
    """The nodes in the advised order, and what moved and why."""
    order, moves = advised([n.tile for n in nodes])
    warnings = [
        f"{nodes[m.tile].label} now stands after {listed([nodes[b].label for b in m.behind])}. "
        f"{m.why}"
        for m in moves
    ]
    if moves:
        warnings.append("To keep the order that was given, name its pairs in connect.")
    return [nodes[i] for i in order], warnings


def _edges(
    connect: Sequence[Sequence[str]], nodes: Sequence[Node], faults: list[Fault]
) -> list[Edge]:
    names = {n.ref: (n.label, n.tile.name) for n in nodes}
    labels = [n.label for n in nodes]
    edges: list[Edge] = []
    for index, pair in enumerate(connect):
        if len(pair) != 2:
            faults.append(
                Fault(f"connect[{index}]", "is not a pair.", "Write it as ['from', 'to'].")
            )
            continue
        ends: list[str] = []
        for side, said in enumerate(pair):
            result = match(said, names)
            if result.found is not None:
                ends.append(result.found)
                continue
            could = [n.label for n in nodes if n.ref in result.choices] or labels
            faults.append(
                Fault(
                    f"connect[{index}][{side}]",
                    f"{said!r} {'can mean several tiles' if result.choices else 'is no label'}.",
                    f"{nearest(said, labels)}Labels: {listed([repr(c) for c in could])}.",
                )
            )
        if len(ends) == 2:
            edges.append((ends[0], ends[1]))
    return edges


def _add_ends(nodes: list[Node], edges: list[Edge], offer: Offer) -> list[str]:
    """Give every tile that needs one a Video Input, and every open end a Destination."""
    warnings: list[str] = []
    fed = {target for _, target in edges}
    unfed = [n for n in nodes if n.ref not in fed and n.tile.kind in ("action", "creation")]
    if unfed:
        start = next((n for n in nodes if n.tile.kind == "input"), None)
        if start is None:
            start = _end(VIDEO_INPUT, "video-input", offer)
            warnings.append(f"{VIDEO_INPUT} was added before {listed([n.label for n in unfed])}.")
            nodes.append(start)
            edges += [(start.ref, n.ref) for n in unfed]
    feeding = {source for source, _ in edges}
    open_ends = [n for n in nodes if n.ref not in feeding and n.tile.kind not in _CLOSED]
    if open_ends and offer.tile(DESTINATION) is not None:
        stop = next((n for n in nodes if n.tile.kind == "destination"), None)
        if stop is None:
            stop = _end(DESTINATION, "destination", offer)
            warnings.append(
                f"{DESTINATION} was added after {listed([n.label for n in open_ends])}."
            )
            nodes.append(stop)
            edges += [(n.ref, stop.ref) for n in open_ends]
    return warnings


_CLOSED = ("destination", "trigger")


def _end(name: str, ref: str, offer: Offer) -> Node:
    offered = offer.tile(name)
    if offered is None:
        raise InvalidRequest([Fault("tiles", f"This engine offers no {name}.", "")])
    return Node(ref, offered[0], offered[1], name)


def _operations(nodes: Sequence[Node], edges: Sequence[Edge]) -> list[Operation]:
    operations: list[Operation] = [
        CreateNode(node_type_id=n.node_type_id, temp_ref_id=n.ref, params_used=dict(n.params))
        for n in nodes
    ]
    operations += [
        CreateConnection(source_temp_ref_id=source, target_temp_ref_id=target)
        for source, target in edges
    ]
    return operations


async def _create(
    client: MosaicClient, name: str, description: str | None, operations: Sequence[Operation]
) -> AgentChanged:
    created = await client.create_agent(CreateAgent(name=name, description=description))
    try:
        return await client.update_agent(
            created.agent_id, UpdateAgent(operations=tuple(operations))
        )
    except (MosaicError, anyio.get_cancelled_exc_class()):
        with anyio.CancelScope(shield=True):
            await client.delete_agent(created.agent_id)
        raise


async def _replace(
    client: MosaicClient,
    agent: str,
    name: str,
    description: str | None,
    operations: Sequence[Operation],
) -> AgentChanged:
    detail = await find_agent(client, agent)
    gone = [DeleteNode(agent_node_id=n.agent_node_id) for n in detail.agent_nodes]
    change = UpdateAgent(name=name, description=description, operations=(*gone, *operations))
    return await client.update_agent(detail.agent.id, change)
