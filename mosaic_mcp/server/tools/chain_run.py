"""`chain_run`: feed finished videos to another agent, without a re-encode in between."""

from __future__ import annotations

from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp_types import CallToolResult
from pydantic import BeforeValidator, Field

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
from mosaic_mcp.server.starting import Wish, start_run
from mosaic_mcp.server.tooling import STARTS, ClosedTool, build_tool

Source = Annotated[
    list[str],
    BeforeValidator(lambda said: [said] if isinstance(said, str) else said),
    Field(min_length=1, max_length=50, description="A run id (all its outputs), or output ids"),
]


def tool(engine: Engine) -> ClosedTool:
    """The tool, bound to an engine."""

    async def chain_run(
        ctx: Context[Any, Any],
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
        client = await engine.client()
        outputs = await _outputs(client, source)
        wish = Wish(
            agent=agent,
            videos=[f"render:{output}" for output in outputs],
            clip=clip,
            params=params or {},
            skip=skip or [],
            quality=quality,
            callback_url=callback_url,
            idempotency_key=idempotency_key,
            confirm=confirm,
            from_outputs=outputs,
        )
        return await start_run(engine, wish, dry_run=dry_run, wait_s=wait_s, ctx=ctx)

    return build_tool(chain_run, title="Chain a run", annotations=STARTS)


async def _outputs(client: Any, source: list[str]) -> list[str]:
    """The output ids behind a run id, or the ids as given."""
    from mosaic_mcp.errors import Conflict, NotFound

    if len(source) > 1:
        return source
    [run_id] = source
    try:
        run = await client.get_run(run_id)
    except NotFound:
        return source
    if not run.outputs:
        state = "has no outputs yet" if not run.status.terminal else "made no outputs"
        raise Conflict(
            f"Run {run_id} is {run.status} and {state}.",
            remedy=f"get_run(run_id='{run_id}') tells how it stands.",
        )
    return [output.id for output in run.outputs]
