"""`cancel_run`: stop a run and keep what it finished."""

from __future__ import annotations

from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp_types import CallToolResult

from mosaic_mcp.server.answers import RunAnswer
from mosaic_mcp.server.arguments import RunId
from mosaic_mcp.server.engine import Engine
from mosaic_mcp.server.nearest import known_run
from mosaic_mcp.server.outputs import answer_with_outputs
from mosaic_mcp.server.tooling import CHANGES, ClosedTool, build_tool
from mosaic_mcp.server.waiting import Progress, follow


def tool(engine: Engine) -> ClosedTool:
    """The tool, bound to an engine."""

    async def cancel_run(
        ctx: Context[Any, Any], run_id: RunId
    ) -> Annotated[CallToolResult, RunAnswer]:
        """Stop a running run at once. Videos that are finished stay; resume_run goes on from
        there. Cancelling a run that has ended changes nothing."""
        client = await engine.client()
        async with known_run(client, run_id):
            await client.cancel_run(run_id)
        state = await follow(client, run_id, wait_s=0, progress=Progress(ctx.report_progress))
        return await answer_with_outputs(engine, client, state)

    return build_tool(cancel_run, title="Cancel a run", annotations=CHANGES)
