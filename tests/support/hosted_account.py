"""The account of the hosted API's double: credits and plan, as Mosaic's pages show them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mosaic_mcp.contract.credits import (
    ActivePlan,
    AutoTopup,
    AutoTopupWish,
    BillingCycle,
    Credits,
    CreditSettings,
    CreditSettingsSaved,
    CreditUse,
    Plan,
    PlanList,
    PlanUpgraded,
    UpgradePlan,
)
from mosaic_mcp.errors import Fault, Forbidden, InvalidRequest

DOCS = Path(__file__).parents[1] / "golden" / "docs"
CHECKOUT = "https://billing.example.com/checkout/1"


def page(name: str) -> Any:
    return json.loads((DOCS / f"{name}.json").read_text("utf-8"))


class HostedAccount:
    """One organization without a plan, whose first plan needs a checkout."""

    def __init__(self) -> None:
        self.id: str = page("plan")["organization_id"]
        self.offers = PlanList.model_validate(page("plan_list"))
        self.plan_id: str | None = None
        self.balance = 0
        self.usage = 0
        self.paid = False
        """True once the organization has a payment method: changes are immediate."""
        self.awaited: str | None = None
        """The plan whose checkout is open."""
        self.topup = AutoTopupWish(enabled=False, threshold=0, quantity=0)

    def pay(self) -> None:
        """What the user does at the checkout."""
        assert self.awaited is not None
        self.paid = True
        self._take(self.awaited)

    def _take(self, plan_id: str) -> None:
        self.plan_id, self.awaited = plan_id, None
        self.balance += self._included()

    def _included(self) -> int:
        return next((int(o.credits_per_month) for o in self.offers.plans if self._has(o.id)), 0)

    def _has(self, plan_id: str) -> bool:
        return plan_id == self.plan_id

    @property
    def _family(self) -> str | None:
        return self.plan_id and self.plan_id.removesuffix("_annual")

    def get_credits(self) -> Credits:
        shown = page("credits")
        cycle = BillingCycle.model_validate(shown["billing_cycle"])
        none = BillingCycle(current_period_start=None, current_period_end=None)
        answer = Credits(
            organization_id=self.id,
            balance=self.balance,
            plan=self._family,
            plan_id=self.plan_id,
            billing_cycle=cycle if self.plan_id else none,
            auto_topup=AutoTopup(eligible=self.plan_id is not None, **self.topup.model_dump()),
        )
        assert answer.model_dump(exclude_unset=True).keys() == shown.keys()
        return answer

    def get_plan(self) -> Plan:
        shown = page("plan")
        active = {**shown["plan"], "id": self.plan_id, "family": self._family}
        answer = Plan(
            organization_id=self.id,
            plan=ActivePlan.model_validate(active) if self.plan_id else None,
            scheduled_plan=None,
            credits=CreditUse(
                balance=self.balance,
                usage=self.usage,
                included_usage=self._included(),
                unlimited=False,
            ),
        )
        assert answer.model_dump(exclude_unset=True).keys() == shown.keys()
        return answer

    def upgrade(self, said: UpgradePlan) -> PlanUpgraded:
        plan = "professional" if said.plan_id == "pro" else said.plan_id
        if plan not in [offer.id for offer in self.offers.plans]:
            raise InvalidRequest([Fault("plan_id", "is not a purchasable plan.")])
        if not self.paid:
            self.awaited = plan
            return PlanUpgraded(success=False, requires_checkout=True, checkout_url=CHECKOUT)
        self._take(plan)
        return PlanUpgraded(success=True, requires_checkout=False, plan_id=plan, plan=self._family)

    def set_topup(self, said: CreditSettings) -> CreditSettingsSaved:
        if self.plan_id is None:
            raise Forbidden("No active paid plan, or plan is not eligible for auto top-ups")
        self.topup = said.auto_topup
        return CreditSettingsSaved(auto_topup=self.topup)
