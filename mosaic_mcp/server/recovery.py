"""What a user does when credits ran out: what is left, and the way to more on this engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mosaic_mcp.server.engine import Engine

if TYPE_CHECKING:
    from mosaic_mcp.client import MosaicClient
    from mosaic_mcp.contract.credits import Plan, PlanOffer

BILLING = "billing"
"""The toolset with `upgrade_plan` and `set_credits`."""


async def recovery(engine: Engine, client: MosaicClient) -> str:
    """The way out for this engine's account, in sentences; general where it does not tell."""
    from mosaic_mcp.errors import MosaicError

    try:
        plan = await client.get_plan()
        offers = (await client.list_plans()).plans
    except MosaicError:
        return "The account does not tell its plan here: look into the Mosaic dashboard."
    ours = await client.studio() is not None
    return way_out(plan, offers, studio=ours, billing=BILLING in engine.settings.toolsets)


def way_out(plan: Plan, offers: Sequence[PlanOffer], *, studio: bool, billing: bool) -> str:
    """What is left and what brings more: a plan, a larger one, or automatic top-ups."""
    if plan.credits.unlimited:
        return "Credits are not limited any more: resume the run."
    told = [left(plan)]
    offer = next_plan(plan, offers)
    if offer is not None:
        told.append(f"The next plan is {offered(offer)}.")
    place = "" if studio else " in the Mosaic dashboard"
    if billing and offer is not None:
        told.append(f"When the user agrees: upgrade_plan(plan='{offer.id}').")
    elif offer is not None:
        told.append(f"The user takes it{place}, or adds upgrade_plan with MOSAIC_TOOLSETS=billing.")
    if plan.plan is not None:
        told.append(f"Automatic top-ups: {'set_credits' if billing else 'the billing tools'}.")
    if studio:
        told.append("Whoever runs this studio can raise MOSAIC_STUDIO_CREDITS.")
    return " ".join(told)


def left(plan: Plan) -> str:
    """ "0.25 credits are left, and no plan is active." """
    have = "no plan is active" if plan.plan is None else f"the plan is {plan.plan.id}"
    if plan.credits.balance is None:
        return f"{have[0].upper()}{have[1:]}."
    return f"{amount(plan.credits.balance)} credits are left, and {have}."


def next_plan(plan: Plan, offers: Sequence[PlanOffer]) -> PlanOffer | None:
    """The smallest plan that brings more than the present one, paid by the month if it can be."""
    now = plan.plan.id.removesuffix("_annual") if plan.plan else None
    present = next((o.credits_per_month for o in offers if o.family == now), 0)
    more = [o for o in offers if o.credits_per_month > present]
    return min(more, key=lambda o: (o.credits_per_month, o.billing != "monthly"), default=None)


def offered(offer: PlanOffer) -> str:
    """ "creator (2,500 credits a month, $50 monthly)" """
    price = f", ${amount(offer.price_usd)} {offer.billing}" if offer.price_usd else ""
    return f"{offer.id} ({amount(offer.credits_per_month)} credits a month{price})"


def amount(number: float) -> str:
    """1840 as "1,840", and 0.25 as it is."""
    return f"{number:,.3f}".rstrip("0").rstrip(".")
