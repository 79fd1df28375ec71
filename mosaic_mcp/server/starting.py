"""Starting a run: plan, report all faults, then upload, post and follow. Shared by two tools."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mcp.server.mcpserver import Context
from mcp_types import CallToolResult

from mosaic_mcp.server.answers import RunAnswer
from mosaic_mcp.server.arguments import VideoArgument
from mosaic_mcp.server.engine import Engine
from mosaic_mcp.server.outputs import answer_with_outputs
from mosaic_mcp.server.results import result
from mosaic_mcp.server.waiting import Progress, follow

if TYPE_CHECKING:
    from mosaic_mcp.intent import Plan


@dataclass(frozen=True, slots=True)
class Wish:
    """What the caller asked for, in the caller's words."""

    agent: str
    videos: Sequence[str | VideoArgument]
    clip: str | None
    params: dict[str, dict[str, Any]]
    skip: Sequence[str]
    quality: str
    callback_url: str | None
    idempotency_key: str | None
    confirm: str | None = None
    from_outputs: Sequence[str] = field(default_factory=tuple[str, ...])


async def start_run(
    engine: Engine, wish: Wish, *, dry_run: bool, wait_s: float, ctx: Context[Any, Any]
) -> CallToolResult:
    """Check the wish; then start its run and follow it for `wait_s`, or show it (`dry_run`)."""
    from mosaic_mcp.intent import VideoWish, plan_run, submit

    client = await engine.client()
    videos = [
        VideoWish(source=v) if isinstance(v, str) else VideoWish(**v.model_dump())
        for v in wish.videos
    ]
    plan = await plan_run(
        client,
        engine.settings,
        agent=wish.agent,
        videos=videos,
        clip=wish.clip,
        params=wish.params,
        skip=wish.skip,
        callback_url=wish.callback_url,
        labels=engine.ledger().labels,
    )
    if dry_run or wish.confirm is not None:  # the only two that need the hashes of all files
        request = await plan.preview()
        token = confirmation(plan.agent.agent.id, request)
        if dry_run:
            return result(_shown(plan, request, token))
        _check_confirmation(wish.confirm, token)
    progress = Progress(ctx.report_progress)
    await progress.say(0, "checked; handing over the videos")
    started = await submit(
        plan,
        client,
        engine.ledger(),
        quality=wish.quality,
        idempotency_key=wish.idempotency_key,
        from_outputs=wish.from_outputs,
    )
    state = await follow(client, started.run_id, wait_s=wait_s, until_done=True, progress=progress)
    warnings = list(plan.warnings)
    if started.replayed:
        warnings.append(
            "This is the run that the same request started before. "
            "Give a new idempotency_key to run it once more."
        )
    return await answer_with_outputs(
        engine, client, state, warnings=warnings, replayed=started.replayed
    )


def confirmation(agent_id: str, request: dict[str, Any]) -> str:
    """A token for exactly this request: it changes with every byte of it."""
    text = json.dumps([agent_id, request], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _check_confirmation(given: str | None, token: str) -> None:
    from mosaic_mcp.errors import Fault, InvalidRequest

    if given is not None and given != token:
        raise InvalidRequest(
            [Fault("confirm", "belongs to another request than this one.", "Repeat the dry_run.")]
        )


def _shown(plan: Plan, request: dict[str, Any], token: str) -> RunAnswer:
    uploads = len(plan.uploads)
    files = f" {uploads} file(s) would be handed over first." if uploads else ""
    return RunAnswer(
        status="dry_run",
        summary=f"Nothing was started. This request would be posted.{files}",
        agent_id=plan.agent.agent.id,
        request=request,
        warnings=plan.warnings,
        confirm=token,
        next="the same call without dry_run, with confirm to be sure that it is this request",
    )
