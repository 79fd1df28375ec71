"""The optional quota: how many credits each owner begins with, and which plans bring more.

    A credit is a minute of video. (What costs how much: `runs/charging.py`.)

Off unless MOSAIC_STUDIO_CREDITS is set. Nothing here takes money.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from mosaic_mcp.contract.credits import CREDITS_PER_MONTH, PLAN_IDS, PlanOffer
from mosaic_mcp.errors import Fault, InvalidRequest

UNITS = 1000
"""A credit, as it is counted."""

MOST = 1_000_000_000

NOTES = "Begins at once and takes no money: this studio only counts."


@dataclass(frozen=True, slots=True)
class Quota:
    """Who gets how much to begin with, and which plans an owner may choose."""

    default: int | None
    """Units of every owner who is not named; None: they are not counted."""
    owners: Mapping[str, int]
    plans: tuple[str, ...] = PLAN_IDS

    def starting(self, owner: str) -> int | None:
        """Units that an owner begins with; None: nothing is counted for that owner."""
        return self.owners.get(owner, self.default)

    def offers(self) -> tuple[PlanOffer, ...]:
        """The plans, as GET /plan/list tells them."""
        return tuple(
            PlanOffer(
                id=plan,
                billing="annual" if plan.endswith("_annual") else "monthly",
                price_usd=0,
                credits_per_month=per_month(plan),
                top_up_rate_per_100_credits_usd=0,
                notes=NOTES,
            )
            for plan in self.plans
        )

    @classmethod
    def of(cls, credits: Sequence[tuple[str, str]], plans: Sequence[str] | None) -> Quota | None:
        """The quota of MOSAIC_STUDIO_CREDITS and MOSAIC_STUDIO_PLANS; None when it is off.

        `credits` are pairs of an owner and his credits; credits alone stand for everybody.
        """
        if not credits:
            return None
        default: int | None = None
        owners: dict[str, int] = {}
        for name, number in credits:
            if number:
                owners[name] = _said_units(number)
            else:
                default = _said_units(name)
        return cls(default, owners, PLAN_IDS if plans is None else _said_plans(plans))


def _said_units(text: str) -> int:
    try:
        number = Decimal(text)
        if not 0 <= number <= MOST:  # also false for NaN
            raise InvalidOperation
    except InvalidOperation:
        fault = Fault(
            "MOSAIC_STUDIO_CREDITS",
            f"{text!r} is no number of credits.",
            "Write 60 for everybody, or 60,anna=600.",
        )
        raise InvalidRequest([fault]) from None
    return int(number * UNITS)


def _said_plans(names: Sequence[str]) -> tuple[str, ...]:
    if list(names) == ["none"]:
        return ()
    if unknown := [name for name in names if name not in PLAN_IDS]:
        fault = Fault(
            "MOSAIC_STUDIO_PLANS",
            f"there is no plan {', '.join(unknown)}.",
            f"Use {', '.join(PLAN_IDS)}, or none.",
        )
        raise InvalidRequest([fault])
    return tuple(names)


def credits_of(units: int) -> int | float:
    """Units as credits: 1500 are 1.5, 2000 are 2."""
    whole, rest = divmod(units, UNITS)
    return units / UNITS if rest else whole


def per_month(plan_id: str) -> int:
    """Credits that a plan brings each month."""
    return CREDITS_PER_MONTH[plan_id.removesuffix("_annual")]
