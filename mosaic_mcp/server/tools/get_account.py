"""`get_account`: credits and plan. Part of the toolset `account`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from mcp_types import CallToolResult

from mosaic_mcp.server.answers import AccountAnswer, PlanLine, TopUpLine, UsedLine
from mosaic_mcp.server.engine import Engine
from mosaic_mcp.server.recovery import BILLING, amount, left, next_plan
from mosaic_mcp.server.results import result
from mosaic_mcp.server.tooling import READS, ClosedTool, build_tool

if TYPE_CHECKING:
    from mosaic_mcp.contract.credits import Credits, Plan, PlanList, UsageLine


MOST_LINES = 40
"""Lines of usage, of which the newest tell most."""


def tool(engine: Engine) -> ClosedTool:
    """The tool, bound to an engine."""

    async def get_account() -> Annotated[CallToolResult, AccountAnswer]:
        """Look at the account: credits left and used, and by what; the plan and when its credits
        renew, automatic top-ups, and the plans on offer. Changes and buys nothing."""
        client = await engine.client()
        plan = await client.get_plan()
        offers = await client.list_plans()
        billing = BILLING in engine.settings.toolsets
        # The hosted API has such a page too, in a form that is not public.
        by_tile = not plan.credits.unlimited and await client.studio() is not None
        used = (await client.get_credit_usage()).usage if by_tile else ()
        credits = await client.get_credits()
        return result(_answer(plan, credits, offers, used, billing=billing))

    return build_tool(get_account, title="Get the account", annotations=READS)


def _answer(
    plan: Plan, credits: Credits, offers: PlanList, used: Sequence[UsageLine], *, billing: bool
) -> AccountAnswer:
    use = plan.credits
    if use.unlimited:
        return AccountAnswer(
            summary="Nothing is limited here: no credits are counted.", unlimited=True
        )
    spent = f" {amount(use.usage)} are used." if use.usage is not None else ""
    more = next_plan(plan, offers.plans)
    end = credits.billing_cycle.current_period_end
    top_up = credits.auto_topup
    return AccountAnswer(
        summary=f"{left(plan)}{spent}",
        balance=use.balance,
        used=use.usage,
        included=use.included_usage,
        used_by=tuple(
            UsedLine(
                date=str(line.date),
                tile=line.tile,
                kind=line.kind if line.kind != "tile" else None,
                credits=line.credits,
            )
            for line in used[:MOST_LINES]
        ),
        plan=plan.plan.id if plan.plan else None,
        renews_at=end.isoformat(timespec="seconds") if end else None,
        automatic_top_up=TopUpLine(
            enabled=top_up.enabled,
            below=top_up.threshold if top_up.enabled else None,
            adds=top_up.quantity if top_up.enabled else None,
        ),
        plans=tuple(
            PlanLine(
                plan=offer.id,
                credits_per_month=offer.credits_per_month,
                price_usd=offer.price_usd,
                billing=offer.billing,
                notes=offer.notes,
            )
            for offer in offers.plans
        ),
        next=f"upgrade_plan(plan='{more.id}') when the user wants more"
        if billing and more
        else None,
    )
