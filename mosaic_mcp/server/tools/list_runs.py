"""`list_runs`: runs, newest first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

from mcp_types import CallToolResult
from pydantic import Field

from mosaic_mcp.server.answers import RunLine, RunsAnswer
from mosaic_mcp.server.arguments import Cursor
from mosaic_mcp.server.engine import Engine
from mosaic_mcp.server.results import clipped, page_of, result
from mosaic_mcp.server.tooling import READS, ClosedTool, build_tool

if TYPE_CHECKING:
    from mosaic_mcp.contract.runs import RunSummary

ROOM = 7_000
"""Characters for the rows of a page."""

Status = Annotated[
    list[Literal["running", "completed", "partial_complete", "failed", "cancelled"]] | None,
    Field(max_length=5, description="Only these"),
]
AgentFilter = Annotated[str | None, Field(max_length=120, description="Only this agent's runs")]
Since = Annotated[str | None, Field(max_length=40, description="Only runs started after, ISO 8601")]
Limit = Annotated[int, Field(ge=1, le=50, description="Runs a page, 1-50")]


def tool(engine: Engine) -> ClosedTool:
    """The tool, bound to an engine."""

    async def list_runs(
        status: Status = None,
        agent: AgentFilter = None,
        since: Since = None,
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> Annotated[CallToolResult, RunsAnswer]:
        """List runs, newest first: find a lost run id, or see what is under way."""
        from mosaic_mcp.intent import find_agent

        _check_since(since)
        client = await engine.client()
        agent_id = (await find_agent(client, agent)).agent.id if agent else None
        names = {a.id: a.name or a.id for a in (await client.list_agents(limit=100)).agents}

        async def page(count: int) -> RunsAnswer:
            found = await client.list_runs(
                agent_id, status=status or None, from_=since, limit=count, cursor=cursor
            )
            more = f"the same call with cursor='{found.next_cursor}'" if found.next_cursor else None
            runs = tuple(_line(run, names) for run in found.runs)
            return RunsAnswer(runs=runs, next_cursor=found.next_cursor, next=more)

        answer = await page(limit)
        fitting = page_of(answer.runs, ROOM)
        # A shorter page of the engine, not a part of this one: its cursor goes on from there.
        return result(answer if fitting == len(answer.runs) else await page(fitting))

    return build_tool(list_runs, title="List runs", annotations=READS)


def _check_since(since: str | None) -> None:
    from mosaic_mcp.errors import Fault, InvalidRequest

    try:
        datetime.fromisoformat(since or "2026-01-01")
    except ValueError:
        fault = Fault("since", f"{since!r} is no time.", "Write it as 2026-01-31T14:30:00Z.")
        raise InvalidRequest([fault]) from None


def _line(run: RunSummary, names: Mapping[str, str]) -> RunLine:
    return RunLine(
        run_id=run.run_id,
        agent=clipped(names.get(run.agent_id, run.agent_id), 60),
        status=str(run.status),
        started_at=run.started_at.isoformat(timespec="seconds"),
        outputs=len(run.outputs),
        message=clipped(run.status_message, 120) if run.status_message else None,
    )
