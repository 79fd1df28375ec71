"""`find_agents`: which agents there are, and what one of them takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from mcp_types import CallToolResult
from pydantic import Field

from mosaic_mcp.server.answers import AgentLine, AgentsAnswer
from mosaic_mcp.server.arguments import Cursor
from mosaic_mcp.server.engine import Engine
from mosaic_mcp.server.results import clipped, result
from mosaic_mcp.server.tooling import READS, ClosedTool, build_tool

if TYPE_CHECKING:
    from mosaic_mcp.client import MosaicClient

PAGE = 15
MOST_LINES = 20
MOST_PAGES = 40
"""Pages of the engine that one search walks."""

Query = Annotated[str | None, Field(max_length=200, description="Words to look for")]
Which = Annotated[
    str | None, Field(max_length=120, description="Agent id or name to describe in full")
]


def tool(engine: Engine) -> ClosedTool:
    """The tool, bound to an engine."""

    async def find_agents(
        query: Query = None, agent: Which = None, cursor: Cursor = None
    ) -> Annotated[CallToolResult, AgentsAnswer]:
        """Find agents to run, or describe one: its video inputs, nodes in order, and every
        parameter with range and default. Without arguments it lists all agents, and the tiles
        that build_agent can use."""
        from mosaic_mcp.intent import find_agent
        from mosaic_mcp.server.describe import describe, tile_lines

        client = await engine.client()
        if agent is not None:
            detail = await find_agent(client, agent)
            labels = engine.ledger().labels(detail.agent.id)
            return result(AgentsAnswer(agent=await describe(client, detail, labels)))
        lines, next_cursor = await _page(client, query, cursor)
        first = lines[0].name if lines else None
        answer = AgentsAnswer(
            agents=tuple(lines),
            tiles=await tile_lines(client) if query is None and cursor is None else (),
            next_cursor=next_cursor,
            next=f"find_agents(agent='{first}') describes it"
            if first
            else "find_agents() lists all agents and tiles; build_agent makes one",
        )
        return result(answer)

    return build_tool(find_agents, title="Find agents", annotations=READS)


async def _page(
    client: MosaicClient, query: str | None, cursor: str | None
) -> tuple[list[AgentLine], str | None]:
    """The next agents that match, and where to go on: pages of the engine are never split."""
    lines: list[AgentLine] = []
    for _ in range(MOST_PAGES):
        page = await client.list_agents(cursor=cursor, limit=PAGE)
        lines += [
            AgentLine(
                agent_id=agent.id,
                name=agent.name or agent.id,
                description=clipped(agent.description or "", 160) or None,
            )
            for agent in page.agents
            if _matches(query, f"{agent.name} {agent.description}")
        ]
        cursor = page.next_cursor
        if cursor is None or len(lines) + PAGE > MOST_LINES:
            break
    return lines, cursor


def _matches(query: str | None, text: str) -> bool:
    """True when every word of the query is part of the text."""
    return all(word in text.casefold() for word in (query or "").casefold().split())
