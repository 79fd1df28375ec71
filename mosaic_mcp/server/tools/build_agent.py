"""`build_agent`: make or change an agent from a list of tiles."""

from __future__ import annotations

from typing import Annotated, Any

from mcp_types import CallToolResult
from pydantic import BaseModel, ConfigDict, Field

from mosaic_mcp.server.answers import AgentAnswer
from mosaic_mcp.server.engine import Engine
from mosaic_mcp.server.results import result
from mosaic_mcp.server.tooling import CHANGES, ClosedTool, build_tool


class TileArgument(BaseModel):
    """A tile with more than its name."""

    model_config = ConfigDict(extra="forbid")

    tile: Annotated[str, Field(min_length=1, max_length=80, description="Tile name")]
    label: Annotated[
        str | None, Field(max_length=80, description="Your name for it, unique in the agent")
    ] = None
    params: Annotated[dict[str, Any] | None, Field(description="Its parameters")] = None


Name = Annotated[str, Field(min_length=1, max_length=120, description="The agent's name")]
Tiles = Annotated[
    list[str | TileArgument] | None,
    Field(
        min_length=1,
        max_length=40,
        description="Tiles in order, as ['Silence Removal', 'Captions']; or objects",
    ),
]
Connect = Annotated[
    list[list[str]] | None,
    Field(max_length=80, description="Pairs [from, to] of labels; default: the advised order"),
]
Change = Annotated[
    str | None,
    Field(max_length=120, description="Agent to change: its graph, or without tiles its name"),
]
Description = Annotated[str | None, Field(max_length=5000, description="What it is for")]


def tool(engine: Engine) -> ClosedTool:
    """The tool, bound to an engine."""

    async def build_agent(
        name: Name,
        tiles: Tiles = None,
        connect: Connect = None,
        agent: Change = None,
        description: Description = None,
    ) -> Annotated[CallToolResult, AgentAnswer]:
        """Make an agent from tiles, in the advised order unless connect says otherwise; Video
        Input and Destination are added when missing. Answers the agent as find_agents describes
        it, with advice on the order. With agent it changes that one."""
        from mosaic_mcp.intent import TileWish, build_graph, could_mean, rename_agent
        from mosaic_mcp.server.describe import describe

        client = await engine.client()
        if tiles is None:
            detail = await rename_agent(client, _named(agent), name, description)
            return result(await describe(client, detail, engine.ledger().labels(detail.agent.id)))
        wishes = [
            TileWish(tile=t)
            if isinstance(t, str)
            else TileWish(tile=t.tile, label=t.label, params=t.params or {})
            for t in tiles
        ]
        built = await build_graph(
            client,
            name=name,
            tiles=wishes,
            connect=connect,
            agent=agent,
            description=description,
        )
        engine.ledger().set_labels(built.detail.agent.id, built.labels)
        answer = await describe(client, built.detail, built.labels, said=built.detail.agent.id)
        warnings = [*answer.warnings, *built.warnings]
        if others := await could_mean(client, name):
            warnings.append(f"{len(others)} agents are called {name!r}: name this one by its id.")
        return result(answer.model_copy(update={"warnings": tuple(warnings)}))

    return build_tool(build_agent, title="Build an agent", annotations=CHANGES)


def _named(agent: str | None) -> str:
    """The agent to rename; without one there is nothing that tiles could be left out for."""
    from mosaic_mcp.errors import Fault, InvalidRequest

    if agent is None:
        fault = Fault("tiles", "is required for a new agent.", "Give tiles, or agent to rename it.")
        raise InvalidRequest([fault])
    return agent
