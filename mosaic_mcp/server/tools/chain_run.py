"""`chain_run`: feed finished videos to another agent, without a re-encode in between."""

from __future__ import annotations

from typing import Annotated, Any

from mcp.server.elicitation import ElicitationResult
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.resolve import Resolve
from mcp_types import CallToolResult
from pydantic import Field

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
    WaitS,
)
from mosaic_mcp.server.engine import Engine
from mosaic_mcp.server.planning import agree_to_chain, plan_chain
from mosaic_mcp.server.questions import Go, answered
from mosaic_mcp.server.starting import How, start_run
from mosaic_mcp.server.tooling import STARTS, ClosedTool, build_tool

Source = Annotated[
    str | list[str],
    Field(description="A run id (all its outputs), or output ids"),
]


def tool(engine: Engine) -> ClosedTool:
    """The tool, bound to an engine."""

    async def chain_run(
        ctx: Context[Any, Any],
        planned: Annotated[Any, Resolve(plan_chain)],
        go: Annotated[ElicitationResult[Go], Resolve(agree_to_chain)],
        source: Source,
        agent: Agent,
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
        """Run another agent on videos that a run made. The edit is carried over, not re-encoded,
        where the engine can. Otherwise like run_agent."""
        how = How(quality, idempotency_key, dry_run, confirm, wait_s)
        return await start_run(engine, planned, answered(go), how, ctx)

    return build_tool(chain_run, title="Chain a run", annotations=STARTS)
