"""`upgrade_plan`: another plan for the account. Part of the toolset `billing`."""

from __future__ import annotations

from typing import Annotated, Any

from mcp.server.elicitation import ElicitationResult
from mcp.server.mcpserver.resolve import Resolve
from mcp_types import CallToolResult
from pydantic import Field

from mosaic_mcp.server.answers import BillingAnswer
from mosaic_mcp.server.billing import (
    Agreed,
    Change,
    Confirm,
    DryRun,
    agree_to_upgrade,
    upgrade_change,
)
from mosaic_mcp.server.engine import Engine
from mosaic_mcp.server.recovery import left
from mosaic_mcp.server.results import result
from mosaic_mcp.server.tooling import PAYS, ClosedTool, build_tool

PlanId = Annotated[
    str, Field(min_length=1, max_length=64, description="Plan id from get_account: 'creator'")
]


def tool(engine: Engine) -> ClosedTool:
    """The tool, bound to an engine."""

    async def upgrade_plan(
        change: Annotated[Any, Resolve(upgrade_change)],
        agreed: Annotated[ElicitationResult[Agreed], Resolve(agree_to_upgrade)],
        plan: PlanId,  # noqa: ARG001 - its resolvers read it
        dry_run: DryRun = False,
        confirm: Confirm = None,
    ) -> Annotated[CallToolResult, BillingAnswer]:
        """Change the account's plan; on the hosted engine that costs money. The user chooses the
        plan and agrees first: they are asked, or agree to a dry_run whose confirm is then passed.
        May answer a checkout address, where the user pays."""
        if dry_run:
            return result(change.shown())
        change.check(agreed, confirm)
        return result(await _upgrade(engine, change))

    return build_tool(upgrade_plan, title="Change the plan", annotations=PAYS)


async def _upgrade(engine: Engine, change: Change) -> BillingAnswer:
    from mosaic_mcp.contract.credits import UpgradePlan
    from mosaic_mcp.errors import OutcomeUnknown

    client = await engine.client()
    try:
        done = await client.upgrade_plan(UpgradePlan(plan_id=change.plan_id))
    except OutcomeUnknown as error:
        raise OutcomeUnknown(
            error.message, remedy="get_account() tells whether the plan changed: look before again."
        ) from error
    if done.requires_checkout:
        return BillingAnswer(
            status="checkout",
            summary=f"Nothing is paid yet: the user completes the change to {change.plan_id} at "
            "checkout_url.",
            checkout_url=done.checkout_url,
            next="when the user has paid: get_account() to see the plan, then resume_run of the "
            "run that waits",
        )
    now = await client.get_plan()
    return BillingAnswer(
        status="done", summary=left(now), next="resume_run(run_id=…) of the run that waits"
    )
