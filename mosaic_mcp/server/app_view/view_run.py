"""`view_run`: what the viewer draws beyond `get_run`: the graph, live progress, pictures."""

from __future__ import annotations

import base64
from collections.abc import Collection
from typing import TYPE_CHECKING, Annotated

import anyio
from mcp_types import CallToolResult, TextContent
from pydantic import Field

from mosaic_mcp.server.answers import Line, OutputLine
from mosaic_mcp.server.arguments import RunId
from mosaic_mcp.server.engine import Engine
from mosaic_mcp.server.outputs import output_line
from mosaic_mcp.server.results import Answer
from mosaic_mcp.server.tooling import READS, ClosedTool, build_tool
from mosaic_mcp.server.views import RunState, summary

if TYPE_CHECKING:
    from mosaic_mcp.client import MosaicClient
    from mosaic_mcp.contract.runs import RunOutput

AT_ONCE = 6
"""Outputs described in one answer: each carries a picture of up to 100 kB."""
MAX_PICTURE = 300_000
"""Bytes of a thumbnail that is passed on."""

Known = Annotated[
    list[str] | None,
    Field(max_length=500, description="Ids of outputs that the view has already"),
]
WithGraph = Annotated[bool, Field(description="Answer the agent's name and the graph's edges too")]


class NodeView(Line):
    """One node of a run; `percent` only while it is running."""

    id: str
    label: str
    status: str
    percent: int | None = None
    doing: str | None = None


class RunView(Answer):
    """A run as the viewer draws it."""

    run_id: str
    status: str
    summary: str
    percent: int
    pushed: bool = Field(description="True where looking often costs nothing")
    nodes: tuple[NodeView, ...]
    outputs: tuple[OutputLine, ...] = Field(
        description="Those not in `known`, at most 6; thumbnails as data: URLs"
    )
    more_outputs: bool
    agent: str | None = None
    edges: tuple[tuple[str, str], ...] | None = Field(
        default=None, description="Pairs of node ids; none when the agent is gone or was changed"
    )


def tool(engine: Engine) -> ClosedTool:
    """The tool, bound to an engine."""

    async def view_run(
        run_id: RunId, known: Known = None, graph: WithGraph = False
    ) -> Annotated[CallToolResult, RunView]:
        """For the run viewer only: a run's nodes with live progress, and new outputs with
        thumbnails. get_run tells a model more in fewer words."""
        client = await engine.client()
        studio = await client.studio()
        if studio is not None:
            seen = await studio.watch(run_id, since=0, wait_s=0)
            state = RunState(run_id, seen.run, seen.nodes)
        else:
            run = await client.get_run(run_id)
            state = RunState(run_id, run, (await client.get_run_nodes(run_id)).nodes)
        state = RunState(run_id, state.run, state.nodes, engine.ledger().labels(state.run.agent_id))
        new = [o for o in state.run.outputs if o.id not in (known or ())]
        name, edges = await _graph(client, state) if graph else (None, None)
        answer = RunView(
            run_id=run_id,
            status=str(state.run.status),
            summary=summary(state),
            percent=round(state.percent()),
            pushed=studio is not None,
            nodes=_nodes(state),
            outputs=await _outputs(client, state, new[:AT_ONCE]),
            more_outputs=len(new) > AT_ONCE,
            agent=name,
            edges=edges,
        )
        return CallToolResult(
            content=[TextContent(type="text", text=answer.summary)],
            structured_content=answer.model_dump(mode="json", exclude_none=True),
        )

    return build_tool(view_run, title="View a run", annotations=READS)


def _nodes(state: RunState) -> tuple[NodeView, ...]:
    names = state.names()
    views: list[NodeView] = []
    for node in state.nodes:
        node_id = node.original_node_id or node.agent_node_id
        running = node.status == "running"
        progress = getattr(node, "progress", None)
        views.append(
            NodeView(
                id=node_id,
                label=names[node_id],
                status=str(node.status),
                percent=round(100 * progress) if running and progress is not None else None,
                doing=(getattr(node, "step", "") or None) if running else None,
            )
        )
    return tuple(views)


async def _graph(
    client: MosaicClient, state: RunState
) -> tuple[str | None, tuple[tuple[str, str], ...]]:
    """The agent's name and the edges among the run's nodes; skipped nodes are bridged."""
    from mosaic_mcp.contract.graph import Graph
    from mosaic_mcp.errors import InvalidRequest, NotFound

    ran = {n.original_node_id or n.agent_node_id for n in state.nodes}
    try:
        detail = await client.get_agent(state.run.agent_id)
        graph = Graph.of(detail)
        left = graph.runnable([n for n in graph.nodes if n not in ran])
    except NotFound:
        return None, ()
    except InvalidRequest:  # a graph that no rule of ours explains is shown as a list
        return None, ()
    return detail.agent.name, left.edges


async def _outputs(
    client: MosaicClient, state: RunState, outputs: Collection[RunOutput]
) -> tuple[OutputLine, ...]:
    views: dict[str, OutputLine] = {}

    async def view(output: RunOutput) -> None:
        line = await output_line(client, output, state)
        link = output.thumbnail_url
        picture = await _picture(client, link) if link else None
        views[output.id] = line.model_copy(update={"thumbnail": picture})

    async with anyio.create_task_group() as group:
        for output in outputs:
            group.start_soon(view, output)
    return tuple(views[output.id] for output in outputs)


async def _picture(client: MosaicClient, link: str) -> str | None:
    """The picture as a `data:` URL; None when it cannot be had or is no small one."""
    from mosaic_mcp.client import fetch_picture
    from mosaic_mcp.errors import MosaicError

    try:
        data, kind = await fetch_picture(client.reach(link), within=client.within)
    except MosaicError:
        return None  # the viewer draws its own stand-in
    if len(data) > MAX_PICTURE or kind not in ("image/jpeg", "image/png", "image/webp"):
        return None
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
