"""Credits and plans (docs.mosaic.so/api/credits/, docs.mosaic.so/api/plan/).

A lack of credits is no error of a request: the run starts, and its nodes stop with
`needs_credits` (mosaic_contract §0). These endpoints are the way out of that, in the order of the
seed: plan, list of plans, upgrade, settings of top-ups, resume.
"""

from __future__ import annotations

import datetime as dt
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from mosaic_mcp.contract.base import Request, Response

INSUFFICIENT = "Insufficient credits"
"""`status_message` of a node that waits for credits, as in the page Get Agent Run Nodes."""

Amount = int | float
"""Credits. Whole in every example of the contract; the studio counts in thousandths."""


class BillingCycle(Response):
    """The month in which the credits of a plan come in."""

    current_period_start: datetime | None = None
    current_period_end: datetime | None = None


class AutoTopup(Response):
    """Whether and when credits are added by themselves. `eligible` is told by GET /credits only."""

    eligible: bool | None = None
    enabled: bool = False
    threshold: Amount = 0
    quantity: Amount = 0


class Credits(Response):
    """The answer of GET /credits. `balance` is null where nothing is counted, and `unlimited`
    (ours, as in GET /plan) says so."""

    organization_id: str
    balance: Amount | None = None
    plan: str | None = None
    plan_id: str | None = None
    billing_cycle: BillingCycle = BillingCycle()
    auto_topup: AutoTopup = AutoTopup()
    unlimited: bool = False


Limit = Annotated[int, Field(ge=0, le=1_000_000, strict=True)]


class AutoTopupWish(Request):
    """All three are required."""

    enabled: Annotated[bool, Field(strict=True)]
    threshold: Limit
    """Balance below which a top-up is made."""
    quantity: Limit
    """Credits of one top-up."""


class CreditSettings(Request):
    """The body of POST /credits/settings."""

    auto_topup: AutoTopupWish


class CreditSettingsSaved(Response):
    """The answer of POST /credits/settings."""

    auto_topup: AutoTopupWish


class ActivePlan(Response):
    """A plan that an organization has."""

    id: str
    family: str | None = None
    status: str | None = None
    started_at: datetime | None = None
    current_period_start: datetime | None = None
    current_period_end: datetime | None = None
    canceled_at: datetime | None = None


class CreditUse(Response):
    """How much of the period's credits is used. Null where nothing is counted (`unlimited`)."""

    balance: Amount | None = None
    usage: Amount | None = None
    included_usage: Amount | None = None
    unlimited: bool = False


class Plan(Response):
    """The answer of GET /plan; `plan` is null without a paid one."""

    organization_id: str
    plan: ActivePlan | None = None
    scheduled_plan: dict[str, Any] | None = None
    credits: CreditUse = CreditUse()


class UsageLine(Response):
    """Credits that were used on one day (UTC): the work of a tile, or the videos that it ended
    with (`output`)."""

    date: dt.date
    kind: Literal["tile", "output"] | str = "tile"
    tile: str
    credits: Amount


class CreditUsage(Response):
    """The answer of GET /credits/usage: by tile and date, newest first. The shape is ours.

    It covers what `usage` of GET /plan counts: the plan's month, everything without a plan.
    """

    organization_id: str
    billing_cycle: BillingCycle = BillingCycle()
    total: Amount | None = None
    usage: tuple[UsageLine, ...] = ()
    unlimited: bool = False


class PlanOffer(Response):
    """A plan that can be chosen."""

    id: str
    billing: Literal["monthly", "annual"] | str = "monthly"
    price_usd: Amount | None = None
    credits_per_month: Amount = 0
    top_up_rate_per_100_credits_usd: Amount | None = None
    notes: str | None = None

    @property
    def family(self) -> str:
        """`creator` of `creator_annual`."""
        return self.id.removesuffix("_annual")


class PlanList(Response):
    """The answer of GET /plan/list."""

    plans: tuple[PlanOffer, ...] = ()


Address = Annotated[str, Field(min_length=1, max_length=2048)]


class UpgradePlan(Request):
    """The body of POST /plan/upgrade."""

    plan_id: Annotated[str, Field(min_length=1, max_length=64)]
    success_url: Address | None = None
    cancel_url: Address | None = None


class PlanUpgraded(Response):
    """The answer of POST /plan/upgrade: done, or to be completed at `checkout_url`."""

    success: bool = True
    requires_checkout: bool = False
    checkout_url: str | None = None
    plan_id: str | None = None
    plan: str | None = None


PLAN_IDS = ("creator", "creator_annual", "professional", "professional_annual")
"""The plans of GET /plan/list, which are also those that may have automatic top-ups."""

CREDITS_PER_MONTH = {"creator": 2500, "professional": 10_000}
"""By family, as GET /plan/list tells them."""

ALIASES = {"pro": "professional"}
""" "or `pro`", says the page Upgrade Plan; it is in no list."""
