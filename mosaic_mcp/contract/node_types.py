"""The node catalogue as the API shows it (docs.mosaic.so/api/agent-nodes/get-agent-nodes)."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from mosaic_mcp.contract.base import Response


class NodeType(Response):
    """One kind of tile. The API gives links to its parameters, not their schema."""

    node_type_id: str
    node_type_name: str | None = None
    docs_url: str | None = None
    params_docs_url: str | None = None


class NodeTypes(Response):
    """The answer of GET /node_types."""

    node_types: tuple[NodeType, ...] = ()


class NodeTypeAnswer(Response):
    """The answer of GET /node_type/{node_type_id}."""

    node_type: NodeType


class AgentNode(Response):
    """A tile in an agent; `params_used` are its saved parameters."""

    agent_node_id: str
    node_type: NodeType
    params_used: dict[str, Any] = Field(default_factory=dict[str, Any])


class AgentNodeAnswer(Response):
    """The answer of GET /agent_nodes/{agent_node_id}."""

    agent_node: AgentNode
