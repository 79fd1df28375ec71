"""Runs: start, look, resume, cancel, list (docs.mosaic.so/api/agent-runs/), and watch (ours)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, Query

from mosaic_mcp.contract.doable import Doable, WrongParam
from mosaic_mcp.contract.extensions import PREFIX, FindRun, RunLog, RunTimeline, RunWatch
from mosaic_mcp.contract.graph import Graph
from mosaic_mcp.contract.rules import check_run
from mosaic_mcp.contract.runs import (
    AgentRun,
    RunCancelled,
    RunList,
    RunNodes,
    RunRequest,
    RunResumed,
    RunStarted,
    RunStatus,
)
from mosaic_mcp.errors import Fault, InvalidRequest
from mosaic_mcp.studio.doable import check_doable
from mosaic_mcp.studio.export.edits import edit_of
from mosaic_mcp.studio.named import check_named
from mosaic_mcp.studio.render.commands import SideFile
from mosaic_mcp.studio.routes.dependencies import CallerDep, LinksDep, PageDep, PageQuery, StudioDep
from mosaic_mcp.studio.runs.rendering import side_file
from mosaic_mcp.studio.webhooks.posting import allowed_by, callback_faults

router = APIRouter(tags=["runs"])
watching = APIRouter(prefix=PREFIX, tags=["studio"])

Key = Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=255)]
Quality = Annotated[
    Literal["draft", "standard", "best"], Query(description="Ours: how carefully to render.")
]


@dataclass(frozen=True, slots=True)
class RunFilter:
    """The filters of a list of runs, as the contract spells them."""

    status: Annotated[
        str | None, Query(max_length=100, description="Statuses, separated by commas")
    ] = None
    since: Annotated[
        datetime | None, Query(alias="from", description="Started at or after, ISO 8601")
    ] = None
    until: Annotated[
        datetime | None, Query(alias="to", description="Started at or before, ISO 8601")
    ] = None

    def statuses(self) -> tuple[RunStatus, ...]:
        """The statuses that are asked for; none means all."""
        names = [name.strip() for name in (self.status or "").split(",") if name.strip()]
        if unknown := [name for name in names if name not in set(RunStatus)]:
            fault = Fault(
                "status",
                f"there is no status {', '.join(unknown)}.",
                f"Use {', '.join(RunStatus)}.",
            )
            raise InvalidRequest([fault])
        return tuple(RunStatus(name) for name in names)


FilterDep = Annotated[RunFilter, Depends()]


@router.post("/agent/{agent_id}/run")
async def run_agent(
    agent_id: str,
    body: RunRequest,
    studio: StudioDep,
    caller: CallerDep,
    idempotency_key: Key = None,
    quality: Quality = "standard",
) -> RunStarted:
    """Check the request and start a run; a repeated Idempotency-Key returns the first run."""
    agent = await studio.agents.get(caller.owner, agent_id)
    if idempotency_key is None or not await studio.runs.by_key(caller.owner, idempotency_key):
        graph = Graph.of(agent)
        wrong = await check_named(caller.owner, body, graph, studio.assets, studio.outputs)
        wrong += await check_doable(body, graph, here=studio.engine.works)
        wrong += await callback_faults(body.callback_url, allowed_by(studio.settings.private_urls))
        if wrong:
            raise InvalidRequest([*check_run(body, graph), *wrong])
    run_id = await studio.runs.create(
        caller.owner,
        agent,
        body,
        quality=quality,
        idempotency_key=idempotency_key,
        links_at=caller.links_at,
    )
    await studio.engine.submit(run_id)
    return RunStarted(run_id=run_id)


@watching.post("/agents/{agent_id}/check")
async def check_agent_run(
    agent_id: str, body: RunRequest, studio: StudioDep, caller: CallerDep
) -> Doable:
    """What of such a run this studio cannot do, whatever its videos; nothing is made."""
    graph = Graph.of(await studio.agents.get(caller.owner, agent_id))
    found = await check_doable(body, graph, here=studio.engine.works)
    return Doable(faults=tuple(WrongParam(**asdict(fault)) for fault in found))


@router.get("/agent_run/{run_id}")
async def get_run(run_id: str, studio: StudioDep, caller: CallerDep, links: LinksDep) -> AgentRun:
    """The state of a run, its inputs, errors and finished outputs."""
    return await studio.runs.view(caller.owner, run_id, links)


@router.get("/agent_run/{run_id}/nodes")
async def get_run_nodes(run_id: str, studio: StudioDep, caller: CallerDep) -> RunNodes:
    """The runtime nodes of a run."""
    return await studio.runs.nodes_view(caller.owner, run_id)


@router.post("/agent_run/{run_id}/resume")
async def resume_run(run_id: str, studio: StudioDep, caller: CallerDep) -> RunResumed:
    """Queue again what failed, was cancelled, lacked credits or whose files are gone; 409 else."""
    return await studio.engine.resume(caller.owner, run_id)


@router.post("/agent_run/{run_id}/cancel")
async def cancel_run(run_id: str, studio: StudioDep, caller: CallerDep) -> RunCancelled:
    """Stop a run at once; what it finished stays."""
    return await studio.engine.cancel(caller.owner, run_id)


@router.get("/agent_runs")
async def list_runs(
    studio: StudioDep,
    caller: CallerDep,
    links: LinksDep,
    page: PageDep,
    wanted: FilterDep,
    agent_id: Annotated[str | None, Query(max_length=128)] = None,
) -> RunList:
    """Runs of all agents, newest first."""
    return await _list(studio, caller, links, page, wanted, agent_id)


@router.get("/agent/{agent_id}/runs")
async def list_agent_runs(
    agent_id: str,
    studio: StudioDep,
    caller: CallerDep,
    links: LinksDep,
    page: PageDep,
    wanted: FilterDep,
) -> RunList:
    """Runs of one agent, newest first."""
    await studio.agents.get(caller.owner, agent_id)
    return await _list(studio, caller, links, page, wanted, agent_id)


async def _list(
    studio: StudioDep,
    caller: CallerDep,
    links: LinksDep,
    page: PageQuery,
    wanted: RunFilter,
    agent_id: str | None,
) -> RunList:
    return await studio.runs.list(
        caller.owner,
        links,
        agent_id=agent_id,
        statuses=wanted.statuses(),
        since=wanted.since,
        until=wanted.until,
        limit=page.limit,
        cursor=page.cursor,
    )


@watching.get("/runs")
async def find_run(
    studio: StudioDep,
    caller: CallerDep,
    idempotency_key: Annotated[str, Query(min_length=1, max_length=255)],
) -> FindRun:
    """The run that was started with this key; for a caller whose answer was lost."""
    return FindRun(run_id=await studio.runs.by_key(caller.owner, idempotency_key))


@watching.get("/runs/{run_id}/watch")
async def watch_run(
    run_id: str,
    studio: StudioDep,
    caller: CallerDep,
    links: LinksDep,
    since: Annotated[int, Query(ge=0)] = 0,
    wait_s: Annotated[float, Query(ge=0, le=50)] = 25.0,
) -> RunWatch:
    """The run and its progress, as soon as something changed after `since`."""
    return await studio.runs.watch(
        caller.owner, run_id, links, since=since, wait_s=wait_s, closing=studio.closing
    )


@watching.get("/runs/{run_id}/timeline")
async def run_timeline(run_id: str, studio: StudioDep, caller: CallerDep) -> RunTimeline:
    """The finished outputs of a run as cuts: what each shows of which source, and when."""
    outputs = await studio.outputs.of_run(caller.owner, run_id)
    return RunTimeline(run_id=run_id, edits=tuple(edit_of(o.id, o.timeline) for o in outputs))


@watching.get("/runs/{run_id}/log", response_model_exclude_none=True)
async def run_log(
    run_id: str,
    studio: StudioDep,
    caller: CallerDep,
    render_id: Annotated[str | None, Query(max_length=128)] = None,
    files: Annotated[bool, Query(description="Also what the commands read")] = False,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str, Query(pattern=r"^\d{1,15}$")] = "0",
) -> RunLog:
    """Every attempt at every node and render: what it said, and its FFmpeg commands."""

    def where(file: SideFile) -> Path | None:
        return side_file(studio.library, file) if caller.here else None

    return await studio.run_logs.page(
        caller.owner,
        run_id,
        render_id=render_id,
        after=int(cursor),
        limit=limit,
        where=where if files else None,
    )
