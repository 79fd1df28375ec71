"""Starting a run: plan, report all faults, then upload, post and follow. Shared by two tools."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcp.server.mcpserver import Context
from mcp_types import CallToolResult

from mosaic_mcp.server import calls
from mosaic_mcp.server.answers import RunAnswer
from mosaic_mcp.server.engine import Engine
from mosaic_mcp.server.outputs import answer_with_outputs
from mosaic_mcp.server.planning import Planned
from mosaic_mcp.server.questions import Go
from mosaic_mcp.server.results import result
from mosaic_mcp.server.waiting import Progress, follow

if TYPE_CHECKING:
    from mosaic_mcp.client import Submitted
    from mosaic_mcp.intent import Plan

HAND_OVER_S = 40.0
"""Seconds that a call waits for files to be handed over; a call may take 50 in all."""


@dataclass(frozen=True, slots=True)
class How:
    """How the caller wants a planned run started."""

    quality: str
    idempotency_key: str | None
    dry_run: bool
    confirm: str | None
    wait_s: float


async def start_run(
    engine: Engine, planned: Planned, go: Go | None, how: How, ctx: Context[Any, Any]
) -> CallToolResult:
    """Start the planned run and follow it for `wait_s`; or show its request (`dry_run`)."""
    from mosaic_mcp.intent import look_at_files, submit

    client = await engine.client()
    plan: Plan = planned.plan
    if how.dry_run or how.confirm is not None:  # the only two that need the hashes of all files
        calls.meanwhile(result(_reading(plan)))
        request = await plan.preview()
        token = confirmation(plan.agent.agent.id, request)
        if how.dry_run:
            warnings = (*plan.warnings, *await look_at_files(client, plan))
            return result(_shown(plan, request, token, warnings))
        _check_confirmation(how.confirm, token)
    _check_leave(go)
    progress = Progress(ctx.report_progress)
    ledger = engine.ledger()

    async def hand_over() -> Submitted:
        return await submit(
            plan,
            client,
            ledger,
            quality=how.quality,
            idempotency_key=how.idempotency_key,
            from_outputs=planned.from_outputs,
        )

    async def tell() -> None:
        await progress.say(0, "checked; handing over the videos")

    same = (engine.settings.owner, plan.identity, how.quality, how.idempotency_key)
    started = await engine.hand_overs.join(same, hand_over, min(HAND_OVER_S, calls.left_s()), tell)
    if started is None:
        return result(_handing_over(plan))
    state = await follow(
        client,
        started.run_id,
        wait_s=how.wait_s,
        until_done=True,
        progress=progress,
        hints=engine.hints,
    )
    warnings = [*plan.warnings, *started.warnings]
    if started.replayed:
        warnings.append(
            "This is the run that the same request started before. "
            "Give a new idempotency_key to run it once more."
        )
    if started.guessed:
        warnings.append(
            "The engine's answer to this request was lost. This is the only run of the agent that "
            "began then and may be it, but that is a guess: look at its inputs before you cancel "
            "it or use what it made."
        )
    return await answer_with_outputs(
        engine, client, state, warnings=warnings, replayed=started.replayed
    )


def _handing_over(plan: Plan) -> RunAnswer:
    return RunAnswer(
        status="uploading",
        summary=f"Still handing over {len(plan.uploads)} file(s), "
        f"{plan.bytes_to_send / 1e6:.0f} MB in all. The run starts by itself when they are there.",
        agent_id=plan.agent.agent.id,
        warnings=plan.warnings,
        next="the same call again: it waits for the same run, and nothing is sent twice",
    )


def _reading(plan: Plan) -> RunAnswer:
    return RunAnswer(
        status="reading",
        summary=f"Still reading {len(plan.uploads)} file(s) for their hashes, "
        f"{plan.bytes_to_send / 1e6:.0f} MB in all.",
        agent_id=plan.agent.agent.id,
        warnings=plan.warnings,
        next="the same call again: it waits for the same work",
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


def _check_leave(go: Go | None) -> None:
    from mosaic_mcp.errors import NeedsConfirmation

    if go is None or not go.start:
        raise NeedsConfirmation(
            "This run would use credits of the Mosaic account, and the user has not agreed.",
            remedy="Call again with dry_run=true and show the user the request; when they agree, "
            "repeat the call with the `confirm` that it answers. MOSAIC_SPENDING=allow in the "
            "server's environment turns this question off.",
        )


def _shown(plan: Plan, request: dict[str, Any], token: str, warnings: tuple[str, ...]) -> RunAnswer:
    uploads = len(plan.uploads)
    files = f" {uploads} file(s) would be handed over first." if uploads else ""
    return RunAnswer(
        status="dry_run",
        summary=f"Nothing was started. This request would be posted.{files}",
        agent_id=plan.agent.agent.id,
        request=request,
        warnings=warnings,
        confirm=token,
        next="the same call without dry_run, with confirm to be sure that it is this request",
    )
