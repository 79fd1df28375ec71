"""`find_agents`: which agents there are, and what one of them takes."""

from __future__ import annotations

from typing import Annotated

from mcp_types import CallToolResult
from pydantic import Field

from mosaic_mcp.server.answers import AgentLine, AgentsAnswer
from mosaic_mcp.server.arguments import Cursor
from mosaic_mcp.server.engine import Engine
from mosaic_mcp.server.results import result
from mosaic_mcp.server.tooling import READS, ClosedTool, build_tool

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
        page = await client.list_agents(cursor=cursor, limit=50)
        lines = tuple(
            AgentLine(agent_id=a.id, name=a.name or a.id, description=a.description)
            for a in page.agents
            if _matches(query, f"{a.name} {a.description}")
        )
        first = lines[0].name if lines else None
        answer = AgentsAnswer(
            agents=lines,
            tiles=await tile_lines(client) if query is None and cursor is None else (),
            next_cursor=page.next_cursor,
            next=f"find_agents(agent='{first}') describes it" if first else "build_agent",
        )
        return result(answer)

    return build_tool(find_agents, title="Find agents", annotations=READS)


def _matches(query: str | None, text: str) -> bool:
    """True when every word of the query is part of the text."""
    return all(word in text.casefold() for word in (query or "").casefold().split())
