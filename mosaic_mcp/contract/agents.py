"""Agents: saved graphs of tiles (docs.mosaic.so/api/agents/)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from mosaic_mcp.contract.base import Id, Page, Request, Response
from mosaic_mcp.contract.node_types import AgentNode

Name = Annotated[str, Field(min_length=1, max_length=120)]
Description = Annotated[str, Field(max_length=5000)]
Visibility = Literal["public", "private"]


class CreateAgent(Request):
    """The body of POST /agent/create: metadata only, the graph is made by updates."""

    name: Name | None = None
    description: Description | None = None
    visibility: Visibility | None = None
    workspace_id: Id | None = None


class CreateNode(Request):
    """ "create_node": the engine assigns the id and reports it in `created_nodes`."""

    op: Literal["create_node"] = "create_node"
    node_type_id: Id
    temp_ref_id: Id | None = None
    params_used: dict[str, Any] = Field(default_factory=dict[str, Any])


class UpdateNode(Request):
    """ "update_node": `params_used` is a patch merged into the current parameters."""

    op: Literal["update_node"] = "update_node"
    agent_node_id: Id
    params_used: dict[str, Any]


class DeleteNode(Request):
    """ "delete_node": also removes every connection of the node."""

    op: Literal["delete_node"] = "delete_node"
    agent_node_id: Id


class _Ends(Request):
    source_agent_node_id: Id | None = None
    source_temp_ref_id: Id | None = None
    target_agent_node_id: Id | None = None
    target_temp_ref_id: Id | None = None


class CreateConnection(_Ends):
    """ "create_connection": one of each pair, an id or a reference made in this request."""

    op: Literal["create_connection"] = "create_connection"


class DeleteConnection(_Ends):
    """ "delete_connection": its fields are inferred from create_connection (mosaic_contract §2)."""

    op: Literal["delete_connection"] = "delete_connection"


Operation = Annotated[
    CreateNode | UpdateNode | DeleteNode | CreateConnection | DeleteConnection,
    Field(discriminator="op"),
]


class UpdateAgent(Request):
    """The body of POST|PATCH /agent/{agent_id}/update; operations are applied in order."""

    name: Name | None = None
    description: Description | None = None
    visibility: Visibility | None = None
    operations: tuple[Operation, ...] = ()


class DuplicateAgent(Request):
    """The body of POST /agent/{agent_id}/duplicate; the name defaults to "Copy of <source>"."""

    name: Name | None = None
    description: Description | None = None
    visibility: Visibility | None = None


class CreatedNode(Response):
    """Which id a `create_node` operation was given."""

    agent_node_id: str
    temp_ref_id: str | None = None
    node_type_id: str | None = None


class AgentChanged(Response):
    """The answer of create and update."""

    success: bool = True
    agent_id: str
    operations_applied: int = 0
    created_nodes: tuple[CreatedNode, ...] = ()


class AgentDeleted(Response):
    """The answer of delete."""

    success: bool = True
    agent_id: str
    message: str = "Agent deleted successfully"


class AgentHead(Response):
    """An agent without its graph."""

    id: str
    name: str | None = None
    description: str | None = None
    visibility: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


class Connection(Response):
    """An edge: the renders of the source flow to the target."""

    source_agent_node_id: str
    target_agent_node_id: str


class AgentDetail(Response):
    """The answer of GET /agent/{agent_id} and of duplicate."""

    agent: AgentHead
    agent_nodes: tuple[AgentNode, ...] = ()
    connections: tuple[Connection, ...] = ()


class AgentList(Page):
    """The answer of GET /agents."""

    agents: tuple[AgentHead, ...] = ()
