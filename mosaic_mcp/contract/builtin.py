"""Agents that the studio brings along, as data. They belong to everybody and cannot be changed."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from mosaic_mcp.contract.agents import AgentDetail, AgentHead, Connection
from mosaic_mcp.contract.node_types import AgentNode
from mosaic_mcp.contract.tiles.catalogue import NAMESPACE, tile_type

_MADE = datetime(2026, 11, 1, tzinfo=UTC)

Tiles = tuple[tuple[str, dict[str, Any]], ...]


def linear(name: str, description: str, tiles: Tiles) -> AgentDetail:
    """An agent whose tiles stand one after the other; ids are made from its name."""
    agent_id = str(uuid.uuid5(NAMESPACE, f"agent:{name}"))
    nodes: list[AgentNode] = []
    for index, (tile_name, params) in enumerate(tiles):
        tile = tile_type(tile_name)
        if tile is None:
            raise ValueError(f"no tile {tile_name!r}")
        node_id = str(uuid.uuid5(NAMESPACE, f"agent:{name}:{index}:{tile_name}"))
        nodes.append(
            AgentNode(agent_node_id=node_id, node_type=tile.node_type(), params_used=params)
        )
    return AgentDetail(
        agent=AgentHead(
            id=agent_id,
            name=name,
            description=description,
            visibility="public",
            created_at=_MADE,
            updated_at=_MADE,
        ),
        agent_nodes=tuple(nodes),
        connections=tuple(
            Connection(source_agent_node_id=a.agent_node_id, target_agent_node_id=b.agent_node_id)
            for a, b in pairwise(nodes)
        ),
    )


BUILTIN_AGENTS: tuple[AgentDetail, ...] = (
    linear(
        "Talking head to vertical clips",
        "Turns a talk into short vertical clips: silences and filler words out, the best moments, "
        "9:16 on the face, captions, even loudness.",
        (
            ("Video Input", {}),
            ("Silence Removal", {"remove_filler_words": True}),
            ("Clips", {"num_clips": 2, "target_duration": 15}),
            ("Reframe", {"aspect_ratio": "9:16"}),
            ("Captions", {}),
            ("Audio Enhance", {}),
            ("Destination", {}),
        ),
    ),
    linear(
        "Clean up a talking head",
        "Removes silences, filler words and repeated takes, and evens out the sound.",
        (
            ("Video Input", {}),
            ("Rough Cut", {"prompt": "Keep the best take of everything."}),
            ("Silence Removal", {"remove_filler_words": True}),
            ("Audio Enhance", {}),
            ("Destination", {}),
        ),
    ),
    linear(
        "Caption and reframe",
        "Makes a whole video vertical with captions, ready for social media.",
        (
            ("Video Input", {}),
            ("Reframe", {"aspect_ratio": "9:16"}),
            ("Captions", {}),
            ("Destination", {}),
        ),
    ),
)
