"""Agents by id or by name."""

from __future__ import annotations

from mosaic_mcp.client import MosaicClient
from mosaic_mcp.contract.agents import AgentDetail, AgentHead
from mosaic_mcp.contract.tiles.catalogue import tile_type
from mosaic_mcp.contract.words import listed, nearest
from mosaic_mcp.errors import Fault, InvalidRequest, NotFound
from mosaic_mcp.intent.names import match
from mosaic_mcp.intent.sources import is_uuid

MAX_PAGES = 20
"""Pages of 100 agents that are searched for a name."""


async def find_agent(client: MosaicClient, said: str) -> AgentDetail:
    """The agent with that id or name, with its graph.

    A name may be shortened while only one agent fits. Raises NotFound with the nearest name, or
    InvalidRequest with the choices when several fit.
    """
    text = said.strip()
    if is_uuid(text):
        try:
            return await client.get_agent(text.lower())
        except NotFound as error:
            raise NotFound(
                f"There is no agent {text}.", remedy="find_agents() lists the agents there are."
            ) from error
    heads = await all_agents(client)
    result = match(text, {head.id: (head.name or head.id,) for head in heads})
    if result.found is not None:
        return await client.get_agent(result.found)
    names = {head.id: head.name or head.id for head in heads}
    if result.choices:
        could = listed([f"{names[i]!r} ({i})" for i in result.choices])
        raise InvalidRequest([Fault("agent", f"{said!r} can mean {could}.", "Give the id.")])
    if (tile := tile_type(text)) is not None:
        call = f"build_agent(name={tile.name!r}, tiles=[{tile.name!r}])"
        raise NotFound(
            f"There is no agent called {said!r}; {tile.name} is a tile.",
            remedy=f"{call} makes an agent of it.",
        )
    have = f"Agents: {listed(sorted(names.values()))}." if names else "There are none yet."
    raise NotFound(
        f"There is no agent called {said!r}.",
        remedy=f"{nearest(text, list(names.values()))}{have}",
    )


async def could_mean(client: MosaicClient, said: str) -> list[tuple[str, str]]:
    """Id and name of the agents that a name could mean; empty unless there are several."""
    text = said.strip()
    if is_uuid(text):
        return []
    names = {head.id: head.name or head.id for head in await all_agents(client)}
    return [(i, names[i]) for i in match(text, {i: (n,) for i, n in names.items()}).choices]


async def all_agents(client: MosaicClient) -> list[AgentHead]:
    """The heads of all agents, up to `MAX_PAGES` pages."""
    heads: list[AgentHead] = []
    cursor: str | None = None
    for _ in range(MAX_PAGES):
        page = await client.list_agents(limit=100, cursor=cursor)
        heads += page.agents
        cursor = page.next_cursor
        if cursor is None:
            break
    return heads
