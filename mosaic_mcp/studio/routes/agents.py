"""Agents: create, change, copy, list (docs.mosaic.so/api/agents/)."""

from __future__ import annotations

from fastapi import APIRouter

from mosaic_mcp.contract.agents import (
    AgentChanged,
    AgentDeleted,
    AgentDetail,
    AgentList,
    CreateAgent,
    DuplicateAgent,
    UpdateAgent,
)
from mosaic_mcp.contract.node_types import AgentNodeAnswer
from mosaic_mcp.errors import Fault, InvalidRequest
from mosaic_mcp.studio.routes.dependencies import CallerDep, PageDep, StudioDep

router = APIRouter(tags=["agents"])


@router.post("/agent/create")
async def create_agent(
    studio: StudioDep, caller: CallerDep, body: CreateAgent | None = None
) -> AgentChanged:
    """Make an agent without tiles; updates add them."""
    return await studio.agents.create(caller.owner, body or CreateAgent())


@router.get("/agents")
async def list_agents(studio: StudioDep, caller: CallerDep, page: PageDep) -> AgentList:
    """The caller's agents and the built-in ones, newest first."""
    return await studio.agents.list(caller.owner, page.limit, page.cursor)


@router.get("/agent/{agent_id}")
async def get_agent(agent_id: str, studio: StudioDep, caller: CallerDep) -> AgentDetail:
    """An agent with its tiles and connections."""
    return await studio.agents.get(caller.owner, agent_id)


@router.patch("/agent/{agent_id}/update", operation_id="patch_agent")
@router.post("/agent/{agent_id}/update", operation_id="update_agent")
async def update_agent(
    agent_id: str, body: UpdateAgent, studio: StudioDep, caller: CallerDep
) -> AgentChanged:
    """Change the name, the description, the visibility or the graph: all of it or nothing."""
    if not body.model_fields_set:
        fault = Fault(
            "",
            "nothing to change.",
            "Send at least one of name, description, visibility, operations.",
            rule="At least one of name, description, visibility, operations[] must be present.",
        )
        raise InvalidRequest([fault])
    return await studio.agents.update(caller.owner, agent_id, body)


@router.delete("/agent/{agent_id}/delete", operation_id="remove_agent")
@router.post("/agent/{agent_id}/delete", operation_id="delete_agent")
async def delete_agent(agent_id: str, studio: StudioDep, caller: CallerDep) -> AgentDeleted:
    """Take an agent out of the lists; its runs stay."""
    return await studio.agents.delete(caller.owner, agent_id)


@router.post("/agent/{agent_id}/duplicate")
async def duplicate_agent(
    agent_id: str, studio: StudioDep, caller: CallerDep, body: DuplicateAgent | None = None
) -> AgentDetail:
    """Copy an agent, a built-in one too, into one that the caller may change."""
    return await studio.agents.duplicate(caller.owner, agent_id, body or DuplicateAgent())


@router.get("/agent_nodes/{agent_node_id}")
async def get_agent_node(
    agent_node_id: str, studio: StudioDep, caller: CallerDep
) -> AgentNodeAnswer:
    """One tile of an agent."""
    return AgentNodeAnswer(agent_node=await studio.agents.node(caller.owner, agent_node_id))
