"""An agent as the assistant needs it: inputs, nodes in order, parameters with their ranges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from mosaic_mcp.contract.graph import Graph
from mosaic_mcp.contract.lint import lint
from mosaic_mcp.contract.tiles.catalogue import TILE_TYPES, TileType, tile_type
from mosaic_mcp.contract.words import listed
from mosaic_mcp.server.answers import AgentAnswer, NodeLine, ParameterLine

if TYPE_CHECKING:
    from mosaic_mcp.client import MosaicClient
    from mosaic_mcp.contract.agents import AgentDetail
    from mosaic_mcp.contract.extensions import TileInfo
    from mosaic_mcp.contract.node_types import AgentNode


async def describe(
    client: MosaicClient, detail: AgentDetail, labels: Mapping[str, str], *, said: str | None = None
) -> AgentAnswer:
    """The agent with everything that run_agent may refer to; the next call names it as `said`."""
    graph = Graph.of(detail)
    names = {**graph.labels(), **labels}
    standing = await tile_standing(client)
    nodes = _once_a_tile(
        [
            _node_line(graph.nodes[node_id], graph, names, standing, hosted=not standing)
            for node_id in graph.order
        ]
    )
    cannot = [
        node_id
        for node_id in graph.order
        if (info := standing.get(graph.nodes[node_id].node_type.node_type_id))
        and info.standing == "unsupported"
    ]
    head = detail.agent
    return AgentAnswer(
        agent_id=head.id,
        name=head.name or head.id,
        description=head.description,
        inputs=tuple(names[i] for i in graph.video_inputs),
        nodes=tuple(nodes),
        findings=tuple(
            f"{names.get(f.node, f.node)}: {f.message} {f.advice}"
            for f in lint(graph, hosted=not standing)
        ),
        warnings=tuple(f"{names[n]}: the local studio cannot do this tile." for n in cannot),
        next=_next_call(said or head.name or head.id, graph, names, cannot),
    )


def _next_call(said: str, graph: Graph, names: Mapping[str, str], cannot: Sequence[str]) -> str:
    """The call that runs the agent: without videos where it takes none, and what cannot be done
    left out, if a run can do without it."""
    if without := [names[n] for n in cannot if n in graph.sources]:
        return f"an agent without {listed(without)}, or the hosted engine (set MOSAIC_API_KEY)"
    arguments = [f"agent='{said}'"]
    if graph.video_inputs:
        arguments.append("videos=[…]")
    if cannot:
        arguments.append(f"skip={[names[n] for n in cannot]}")
    return f"run_agent({', '.join(arguments)})"


async def tile_standing(client: MosaicClient) -> dict[str, TileInfo]:
    """How well this engine does each tile, by id; empty where the engine does not say."""
    studio = await client.studio()
    if studio is None:
        return {}
    return {tile.node_type_id: tile for tile in (await studio.tiles()).tiles}


async def tile_lines(client: MosaicClient) -> tuple[str, ...]:
    """The tiles that build_agent can use, each with its standing where that is not `exact`."""
    standing = await tile_standing(client)
    lines: list[str] = []
    for tile in TILE_TYPES:
        info = standing.get(tile.node_type_id)
        if tile.protected or (info and info.standing == "unsupported"):
            continue
        lines.append(
            f"{tile.name} (approximate)" if info and info.standing != "exact" else tile.name
        )
    return tuple(lines)


def _once_a_tile(nodes: Sequence[NodeLine]) -> list[NodeLine]:
    """The nodes, each tile explained where it stands first; later ones tell what they set."""
    first: dict[str, str] = {}
    told: list[NodeLine] = []
    for node in nodes:
        if (like := first.setdefault(node.tile, node.node)) == node.node:
            told.append(node)
            continue
        own = tuple(
            ParameterLine(name=p.name, value=p.value)
            for p in node.parameters
            if p.value is not None
        )
        note = f"Parameters as in {like!r}." if node.parameters else None
        told.append(node.model_copy(update={"note": note, "parameters": own}))
    return told


def _node_line(
    node: AgentNode,
    graph: Graph,
    names: Mapping[str, str],
    standing: Mapping[str, TileInfo],
    *,
    hosted: bool,
) -> NodeLine:
    tile = tile_type(node.node_type.node_type_id)
    info = standing.get(node.node_type.node_type_id)
    parents = graph.parents(node.agent_node_id)
    return NodeLine(
        node=names[node.agent_node_id],
        node_id=node.agent_node_id,
        tile=tile.name if tile else (node.node_type.node_type_name or "unknown tile"),
        after=tuple(names[p] for p in parents),
        standing=info.standing if info else None,
        note=(info.note or None) if info else None,
        parameters=parameter_lines(tile, node.params_used, hosted=hosted) if tile else (),
    )


def parameter_lines(
    tile: TileType, saved: Mapping[str, Any], *, hosted: bool
) -> tuple[ParameterLine, ...]:
    """A line for each parameter of a tile, with the agent's saved value where there is one.

    On the hosted engine without what only the studio has: parameters, defaults, ranges.
    """
    if tile.params is None or tile.protected:
        return ()
    properties = cast(dict[str, Any], tile.params.model_json_schema().get("properties", {}))
    return tuple(
        _parameter_line(name, schema, saved.get(name), hosted=hosted)
        for name, schema in properties.items()
        if not (hosted and "ours" in schema)
    )


def _parameter_line(
    name: str, schema: Mapping[str, Any], value: Any, *, hosted: bool
) -> ParameterLine:
    about = schema.get("description")
    if hosted and ("inferred" in schema or "guessed" in schema):
        unsure = " (Mosaic's name for it is not public: this one may be wrong)"
        about = f"{about}{unsure if 'inferred' in schema else ''}"
        return ParameterLine(name=name, type=_type(schema), about=about, value=value)
    return ParameterLine(
        name=name,
        type=_type(schema),
        default=schema.get("default"),
        allowed=_allowed(schema),
        about=about,
        value=value,
    )


def _branches(schema: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The alternatives of a schema, without null."""
    branches = cast(list[dict[str, Any]], schema.get("anyOf") or [dict(schema)])
    return [b for b in branches if b.get("type") != "null"]


def _type(schema: Mapping[str, Any]) -> str:
    return " or ".join(b.get("type", "choice" if "enum" in b else "any") for b in _branches(schema))


def _allowed(schema: Mapping[str, Any]) -> str | None:
    for branch in _branches(schema):
        if "enum" in branch:
            return " | ".join(str(value) for value in branch["enum"])
        low = branch.get("minimum", branch.get("exclusiveMinimum"))
        high = branch.get("maximum", branch.get("exclusiveMaximum"))
        if low is not None or high is not None:
            return f"{'' if low is None else low}…{'' if high is None else high}"
    return None
