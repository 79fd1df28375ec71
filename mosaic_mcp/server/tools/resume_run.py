"""`resume_run`: go on with a failed or cancelled run."""

from __future__ import annotations

from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp_types import CallToolResult

from mosaic_mcp.server.answers import RunAnswer
from mosaic_mcp.server.arguments import RunId, WaitS
from mosaic_mcp.server.engine import Engine
from mosaic_mcp.server.nearest import known_run
from mosaic_mcp.server.outputs import answer_with_outputs
from mosaic_mcp.server.tooling import STARTS, ClosedTool, build_tool
from mosaic_mcp.server.waiting import Progress, follow


def tool(engine: Engine) -> ClosedTool:
    """The tool, bound to an engine."""

    async def resume_run(
        ctx: Context[Any, Any], run_id: RunId, wait_s: WaitS = 20
    ) -> Annotated[CallToolResult, RunAnswer]:
        """Go on with a failed or cancelled run, or with one that lacked credits. Only unfinished
        steps run again; the run id and the finished videos stay."""
        from mosaic_mcp.errors import Conflict

        client = await engine.client()
        try:
            async with known_run(client, run_id):
                resumed = await client.resume_run(run_id)
        except Conflict as error:
            raise Conflict(
                error.message,
                remedy="Only a failed or cancelled run, or one that lacked credits, goes on; "
                f"get_run(run_id='{run_id}') tells how this one stands.",
            ) from error
        state = await follow(
            client,
            run_id,
            wait_s=wait_s,
            until_done=True,
            progress=Progress(ctx.report_progress),
            hints=engine.hints,
        )
        queued = f"{resumed.requeued_nodes} of {resumed.nodes_considered} steps were queued again."
        return await answer_with_outputs(engine, client, state, warnings=[queued])

    return build_tool(resume_run, title="Resume a run", annotations=STARTS)
