"""Agents for tests: graphs by tile names, with node ids that read well."""

from itertools import pairwise
from typing import Any

from mosaic_mcp.contract.agents import AgentDetail, AgentHead, Connection
from mosaic_mcp.contract.node_types import AgentNode, NodeType
from mosaic_mcp.contract.tiles.catalogue import tile_type


def agent(
    nodes: dict[str, str | tuple[str, dict[str, Any]]],
    edges: str | None = None,
    *,
    agent_id: str = "0a9e0000-0000-4000-8000-000000000001",
    name: str = "Test agent",
) -> AgentDetail:
    """Node id -> tile name (or name and saved parameters); edges as "a>b b>c", default a line."""
    ids = list(nodes)
    pairs = (
        list(pairwise(ids)) if edges is None else [tuple(edge.split(">")) for edge in edges.split()]
    )
    return AgentDetail(
        agent=AgentHead(id=agent_id, name=name),
        agent_nodes=tuple(_node(node_id, given) for node_id, given in nodes.items()),
        connections=tuple(
            Connection(source_agent_node_id=a, target_agent_node_id=b) for a, b in pairs
        ),
    )


def _node(node_id: str, given: str | tuple[str, dict[str, Any]]) -> AgentNode:
    tile_name, params = (given, {}) if isinstance(given, str) else given
    tile = tile_type(tile_name)
    kind = tile.node_type() if tile else NodeType(node_type_id=tile_name, node_type_name=tile_name)
    return AgentNode(agent_node_id=node_id, node_type=kind, params_used=params)
