"""What an owner is told of his credits and plan, and what he may change about them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from mosaic_mcp.contract.credits import (
    ALIASES,
    ActivePlan,
    AutoTopup,
    AutoTopupWish,
    BillingCycle,
    Credits,
    CreditUsage,
    CreditUse,
    Plan,
    PlanUpgraded,
    UsageLine,
)
from mosaic_mcp.contract.tiles.catalogue import tile_type
from mosaic_mcp.errors import Conflict, Fault, Forbidden, InvalidRequest
from mosaic_mcp.studio.quota import UNITS, Quota, credits_of, per_month
from mosaic_mcp.studio.runs.states import now
from mosaic_mcp.studio.store.credits import balance, locked_account, month, used, used_by
from mosaic_mcp.studio.store.database import Store
from mosaic_mcp.studio.store.tables import credit_accounts


class Accounts:
    """The accounts of all owners; every answer says so where nothing is counted."""

    def __init__(self, store: Store, quota: Quota | None) -> None:
        self._store = store
        self.quota = quota

    def starting(self, owner: str) -> int | None:
        """Units that the owner begins with; None: nothing is counted for him."""
        return None if self.quota is None else self.quota.starting(owner)

    async def credits(self, owner: str, organization_id: str) -> Credits:
        """GET /credits."""
        starting = self.starting(owner)
        if starting is None:
            return Credits(organization_id=organization_id, unlimited=True)

        def look(connection: sa.Connection) -> Credits:
            account = locked_account(connection, owner)
            begin, end = _month(account)
            return Credits(
                organization_id=organization_id,
                balance=credits_of(balance(connection, owner, starting)),
                plan=_family(account),
                plan_id=account.plan_id,
                billing_cycle=BillingCycle(current_period_start=begin, current_period_end=end),
                auto_topup=AutoTopup(
                    eligible=account.plan_id is not None,
                    enabled=account.topup_enabled,
                    threshold=account.topup_threshold,
                    quantity=account.topup_quantity,
                ),
            )

        return await self._store.write(look)  # a month that began brings its credits

    async def plan(self, owner: str, organization_id: str) -> Plan:
        """GET /plan. Without a plan, usage is counted from the beginning."""
        starting = self.starting(owner)
        if starting is None:
            return Plan(organization_id=organization_id, credits=CreditUse(unlimited=True))

        def look(connection: sa.Connection) -> Plan:
            account = locked_account(connection, owner)
            begin, _ = _month(account)
            included = starting if begin is None else per_month(account.plan_id) * UNITS
            return Plan(
                organization_id=organization_id,
                plan=_plan(account),
                credits=CreditUse(
                    balance=credits_of(balance(connection, owner, starting)),
                    usage=credits_of(used(connection, owner, begin)),
                    included_usage=credits_of(included),
                ),
            )

        return await self._store.write(look)

    async def usage(self, owner: str, organization_id: str) -> CreditUsage:
        """GET /credits/usage: what GET /plan counts, by tile and day."""
        if self.starting(owner) is None:
            return CreditUsage(organization_id=organization_id, unlimited=True)

        def look(connection: sa.Connection) -> CreditUsage:
            begin, end = _month(locked_account(connection, owner))
            return CreditUsage(
                organization_id=organization_id,
                billing_cycle=BillingCycle(current_period_start=begin, current_period_end=end),
                total=credits_of(used(connection, owner, begin)),
                usage=tuple(map(_usage_line, used_by(connection, owner, begin))),
            )

        return await self._store.write(look)

    async def upgrade(self, owner: str, plan_id: str) -> PlanUpgraded:
        """POST /plan/upgrade: at once, as there is nothing to pay. The same plan again is fine."""
        if self.quota is None or self.starting(owner) is None:
            raise Conflict("Credits are not limited here.", remedy="Nothing needs to be bought.")
        offered = self.quota.plans
        if not offered:
            raise Forbidden("This studio offers no plans.", remedy="Ask whoever runs it.")
        plan = ALIASES.get(plan_id, plan_id)
        if plan not in offered:
            fault = Fault("plan_id", f"there is no plan {plan_id!r}.", f"Use {', '.join(offered)}.")
            raise InvalidRequest([fault])
        await self._store.write(lambda c: _change_plan(c, owner, plan))
        return PlanUpgraded(plan_id=plan, plan=plan.removesuffix("_annual"))

    async def set_topup(self, owner: str, wish: AutoTopupWish) -> AutoTopupWish:
        """POST /credits/settings; only with a plan."""

        def change(connection: sa.Connection) -> None:
            if self.starting(owner) is None:
                raise Forbidden(
                    "Credits are not limited here.", remedy="Nothing needs to be topped up."
                )
            if locked_account(connection, owner).plan_id is None:
                raise Forbidden(
                    "Automatic top-ups need an active plan.",
                    remedy="Choose one of GET /plan/list with POST /plan/upgrade first.",
                )
            connection.execute(
                credit_accounts.update()
                .where(credit_accounts.c.owner == owner)
                .values(
                    topup_enabled=wish.enabled,
                    topup_threshold=wish.threshold,
                    topup_quantity=wish.quantity,
                )
            )

        await self._store.write(change)
        return wish


def _change_plan(connection: sa.Connection, owner: str, plan: str) -> None:
    account = locked_account(connection, owner)
    if account.plan_id is not None and per_month(plan) < per_month(account.plan_id):
        raise Conflict(
            f"The plan {account.plan_id} brings more than {plan}; this studio only goes up.",
            remedy="Keep it, or choose a larger one.",
        )
    connection.execute(
        credit_accounts.update()
        .where(credit_accounts.c.owner == owner)
        # The months go on as they were: each brings a family's credits once.
        .values(plan_id=plan, plan_since=account.plan_since or now())
    )
    locked_account(connection, owner)  # brings the credits of this month


def _family(account: Any) -> str | None:
    return account.plan_id and account.plan_id.removesuffix("_annual")


def _usage_line(row: tuple[str, str, str, int]) -> UsageLine:
    day, kind, node_type, units = row
    tile = tile_type(node_type)
    return UsageLine(
        date=date.fromisoformat(day),
        kind="output" if kind == "render" else "tile",
        tile=tile.name if tile else node_type,
        credits=credits_of(units),
    )


def _month(account: Any) -> tuple[datetime | None, datetime | None]:
    return (None, None) if account.plan_id is None else month(account)


def _plan(account: Any) -> ActivePlan | None:
    if account.plan_id is None:
        return None
    begin, end = month(account)
    return ActivePlan(
        id=account.plan_id,
        family=_family(account),
        status="active",
        started_at=datetime.fromisoformat(account.plan_since),
        current_period_start=begin,
        current_period_end=end,
    )
