"""`find_agents`: which agents there are, and what one of them takes."""

from __future__ import annotations

import re
from collections.abc import Sequence
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
    from mosaic_mcp.contract.agents import AgentHead

PAGE = 15
MOST_LINES = 20
MOST_PAGES = 40
"""Pages of the engine that one search walks."""
ENDING = re.compile(r"(?<=\w{3})(?:ing|ed|es|s|e)$")
"""English endings: captions, captioning and captioned are found by "caption"."""
SAYING_NOTHING = frozenset(("a", "an", "and", "for", "in", "into", "my", "of", "on", "the", "with"))

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
        every = "find_agents() lists all agents and tiles; build_agent makes one"
        answer = AgentsAnswer(
            agents=tuple(lines),
            tiles=await tile_lines(client) if query is None and cursor is None else (),
            next_cursor=next_cursor,
            next=f"find_agents(agent='{first}') describes it"
            if first
            else f"Nothing matches {query!r}. {every}"
            if query
            else every,
        )
        return result(answer)

    return build_tool(find_agents, title="Find agents", annotations=READS)


async def _page(
    client: MosaicClient, query: str | None, cursor: str | None
) -> tuple[list[AgentLine], str | None]:
    """The next agents that match, and where to go on: pages of the engine are never split."""
    found: list[tuple[int, AgentLine]] = []
    words = search_words(query or "")
    for _ in range(MOST_PAGES):
        page = await client.list_agents(cursor=cursor, limit=PAGE)
        for agent in page.agents:
            matched = await _matched(client, words, agent)
            if matched or not words:
                line = AgentLine(
                    agent_id=agent.id,
                    name=agent.name or agent.id,
                    description=clipped(agent.description or "", 160) or None,
                )
                found.append((matched, line))
        cursor = page.next_cursor
        if cursor is None or sum(n == len(words) for n, _ in found) + PAGE > MOST_LINES:
            break
    # Those that have every word; where none has, those that have the most.
    best = max((n for n, _ in found), default=0)
    return [line for n, line in found if n == best][:MOST_LINES], cursor


async def _matched(client: MosaicClient, words: Sequence[str], agent: AgentHead) -> int:
    """How many of the words are in an agent's name, description or tiles."""
    from mosaic_mcp.contract.builtin import BUILTIN_AGENTS

    text = f"{agent.name} {agent.description}".casefold()
    if all(word in text for word in words):
        return len(words)
    detail = next((a for a in BUILTIN_AGENTS if a.agent.id == agent.id), None)
    if detail is None and await client.studio() is not None:  # a question more, of this machine
        detail = await client.get_agent(agent.id)
    tiles = [n.node_type.node_type_name or "" for n in detail.agent_nodes] if detail else []
    text = " ".join([text, *tiles]).casefold()
    return sum(word in text for word in words)


def search_words(query: str) -> list[str]:
    """What to look for: the words that say something, without the endings of English."""
    words = [w for w in re.findall(r"\w+", query.casefold()) if w not in SAYING_NOTHING]
    return list(dict.fromkeys(ENDING.sub("", word) for word in words))
