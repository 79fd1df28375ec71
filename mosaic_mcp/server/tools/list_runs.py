"""`list_runs`: runs, newest first."""

from __future__ import annotations

from typing import Annotated, Literal

from mcp_types import CallToolResult
from pydantic import Field

from mosaic_mcp.server.answers import RunLine, RunsAnswer
from mosaic_mcp.server.arguments import Cursor
from mosaic_mcp.server.engine import Engine
from mosaic_mcp.server.results import clipped, result
from mosaic_mcp.server.tooling import READS, ClosedTool, build_tool

Status = Annotated[
    list[Literal["running", "completed", "partial_complete", "failed", "cancelled"]] | None,
    Field(max_length=5, description="Only these"),
]
AgentFilter = Annotated[str | None, Field(max_length=120, description="Only this agent's runs")]
Since = Annotated[str | None, Field(max_length=40, description="Only runs started after, ISO 8601")]
Limit = Annotated[int, Field(ge=1, le=20, description="Runs a page, 1-20")]


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

        client = await engine.client()
        agent_id = (await find_agent(client, agent)).agent.id if agent else None
        page = await client.list_runs(
            agent_id, status=status or None, from_=since, limit=limit, cursor=cursor
        )
        names = {a.id: a.name or a.id for a in (await client.list_agents(limit=100)).agents}
        runs = [
            RunLine(
                run_id=run.run_id,
                agent=clipped(names.get(run.agent_id, run.agent_id), 60),
                status=str(run.status),
                started_at=run.started_at.isoformat(timespec="seconds"),
                outputs=len(run.outputs),
                message=clipped(run.status_message, 120) if run.status_message else None,
            )
            for run in page.runs
        ]
        more = f"list_runs(cursor='{page.next_cursor}')" if page.next_cursor else None
        return result(RunsAnswer(runs=tuple(runs), next_cursor=page.next_cursor, next=more))

    return build_tool(list_runs, title="List runs", annotations=READS)
