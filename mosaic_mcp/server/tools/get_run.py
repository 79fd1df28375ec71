"""`get_run`: how a run stands, with a bounded wait for news."""

from __future__ import annotations

from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp_types import CallToolResult
from pydantic import Field

from mosaic_mcp.server.answers import RunAnswer
from mosaic_mcp.server.arguments import ResponseFormat, RunId, WaitS
from mosaic_mcp.server.engine import Engine
from mosaic_mcp.server.nearest import known_run
from mosaic_mcp.server.outputs import answer_with_outputs
from mosaic_mcp.server.tooling import READS, ClosedTool, build_tool
from mosaic_mcp.server.waiting import Progress, follow

Since = Annotated[
    str | None,
    Field(
        max_length=64, description="`since` of the last answer: return at once on anything newer"
    ),
]


def tool(engine: Engine) -> ClosedTool:
    """The tool, bound to an engine."""

    async def get_run(
        ctx: Context[Any, Any],
        run_id: RunId,
        wait_s: WaitS = 20,
        since: Since = None,
        response_format: ResponseFormat = "concise",
    ) -> Annotated[CallToolResult, RunAnswer]:
        """Ask how a run stands; waits up to wait_s for a change. Answers status, percent, steps,
        errors by node and the next call. Cancelling this call does not stop the run."""
        client = await engine.client()
        async with known_run(client, run_id):
            state = await follow(
                client,
                run_id,
                wait_s=wait_s,
                since=since,
                progress=Progress(ctx.report_progress),
                hints=engine.hints,
            )
        return await answer_with_outputs(
            engine, client, state, detailed=response_format == "detailed"
        )

    return build_tool(
        get_run, title="Get a run", annotations=READS, meta={"anthropic/alwaysLoad": True}
    )
