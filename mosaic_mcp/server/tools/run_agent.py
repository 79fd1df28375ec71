"""`run_agent`: from words to a validated run request, and the run's first seconds."""

from __future__ import annotations

from typing import Annotated, Any

from mcp.server.elicitation import ElicitationResult
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.resolve import Resolve
from mcp_types import CallToolResult

from mosaic_mcp.server.answers import RunAnswer
from mosaic_mcp.server.arguments import (
    Agent,
    CallbackUrl,
    Confirm,
    DryRun,
    IdempotencyKey,
    Params,
    Quality,
    Skip,
    Span,
    Videos,
    WaitS,
)
from mosaic_mcp.server.engine import Engine
from mosaic_mcp.server.planning import agree_to_run, plan_videos
from mosaic_mcp.server.questions import Go, answered
from mosaic_mcp.server.starting import How, start_run
from mosaic_mcp.server.tooling import STARTS, ClosedTool, build_tool


def tool(engine: Engine) -> ClosedTool:
    """The tool, bound to an engine."""

    async def run_agent(
        ctx: Context[Any, Any],
        planned: Annotated[Any, Resolve(plan_videos)],
        go: Annotated[ElicitationResult[Go], Resolve(agree_to_run)],
        agent: Agent,
        videos: Videos = [],  # noqa: B006 - the SDK reads it, nobody changes it
        clip: Span = None,
        params: Params = None,
        skip: Skip = None,
        quality: Quality = "standard",
        callback_url: CallbackUrl = None,
        dry_run: DryRun = False,
        confirm: Confirm = None,
        idempotency_key: IdempotencyKey = None,
        wait_s: WaitS = 20,
    ) -> Annotated[CallToolResult, RunAnswer]:
        """Run an agent on videos. Checks everything first and reports all faults at once, then
        uploads and starts. Answers when the run ends or after wait_s, with the next call; the
        same call again finds the run while it goes on. Local files stay on this machine unless an
        API key is set. Runs that only generate take no videos."""
        how = How(quality, idempotency_key, dry_run, confirm, wait_s)
        return await start_run(engine, planned, answered(go), how, ctx)

    return build_tool(
        run_agent, title="Run an agent", annotations=STARTS, meta={"anthropic/alwaysLoad": True}
    )
