"""Changes of what the account pays: never without the user's word.

The user is asked through the client where it can ask. Elsewhere the call needs the `confirm` of a
`dry_run`, which stands for exactly that change. MOSAIC_SPENDING=allow is about runs, not about
this. A studio takes no money, so there nobody is asked.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Annotated, Any

from mcp.server.elicitation import ElicitationResult
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.resolve import Elicit, Resolve
from pydantic import BaseModel, Field

from mosaic_mcp.server import questions
from mosaic_mcp.server.answers import BillingAnswer
from mosaic_mcp.server.engine import engine_of
from mosaic_mcp.server.failures import did_you_mean
from mosaic_mcp.server.recovery import amount, left, offered

DryRun = Annotated[bool, Field(description="Answer what would be changed; change nothing")]
Confirm = Annotated[
    str | None,
    Field(max_length=64, description="`confirm` of a dry_run that the user agreed to"),
]


class Agreed(BaseModel):
    """The user's word on a change of his account."""

    agree: bool = Field(title="Agree", description="It changes what your account is charged")


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the account that was checked and not made yet."""

    sentence: str
    facts: tuple[Any, ...]
    """What the user agrees to: with other facts, an earlier `confirm` no longer counts."""
    paid: bool
    plan_id: str = ""

    @property
    def token(self) -> str:
        """Stands for exactly this change."""
        return hashlib.sha256(json.dumps(self.facts).encode()).hexdigest()[:16]

    def shown(self) -> BillingAnswer:
        """What a `dry_run` answers."""
        return BillingAnswer(
            status="dry_run",
            summary=f"Nothing was changed. This would be done: {self.sentence}",
            confirm=self.token,
            next="show this to the user; when they agree, the same call without dry_run and "
            "with this confirm",
        )

    def check(self, agreed: ElicitationResult[Any], confirm: str | None) -> None:
        """Raises InvalidRequest for another change's `confirm`, NeedsConfirmation without a yes."""
        from mosaic_mcp.errors import Fault, InvalidRequest, NeedsConfirmation

        if confirm is not None and confirm != self.token:
            fault = Fault("confirm", "belongs to another change than this.", "Repeat the dry_run.")
            raise InvalidRequest([fault])
        go: Agreed | None = questions.answered(agreed)
        if go is None or not go.agree:
            raise NeedsConfirmation(
                f"The user has not agreed to this: {self.sentence}",
                remedy="Call again with dry_run=true and show the user what it answers; when they "
                "agree, repeat the call with its `confirm`.",
            )


async def upgrade_change(ctx: Context[Any, Any], plan: str) -> Change:
    """The change of upgrade_plan; InvalidRequest when there is no such plan."""
    from mosaic_mcp.errors import Conflict, Fault, InvalidRequest

    client = await engine_of(ctx).client()
    present = await client.get_plan()
    offers = (await client.list_plans()).plans
    if present.credits.unlimited:
        raise Conflict("Credits are not limited here.", remedy="Nothing needs to be bought.")
    offer = next((o for o in offers if o.id == plan.strip().lower()), None)
    if offer is None:
        names = [o.id for o in offers]
        known = f"Plans: {', '.join(names)}." if names else "None is offered here."
        guess = did_you_mean(plan, names)
        raise InvalidRequest([Fault("plan", f"there is no plan {plan[:64]!r}.{guess}", known)])
    return Change(
        f"change to the plan {offered(offer)}. Now: {left(present)}",
        ("plan", offer.id, offer.price_usd, present.plan.id if present.plan else None),
        paid=await client.studio() is None,
        plan_id=offer.id,
    )


async def topup_change(
    ctx: Context[Any, Any], automatic_top_up: bool, threshold: int, quantity: int
) -> Change:
    """The change of set_credits."""
    client = await engine_of(ctx).client()
    if automatic_top_up:
        said = f"buy {amount(quantity)} credits whenever fewer than {amount(threshold)} are left."
    else:
        said = "turn automatic top-ups off."
    return Change(
        said,
        ("topup", automatic_top_up, threshold, quantity),
        paid=automatic_top_up and await client.studio() is None,
    )


async def agree_to_upgrade(
    ctx: Context[Any, Any],
    dry_run: bool,
    confirm: str | None,
    change: Annotated[Any, Resolve(upgrade_change)],
) -> Agreed | Elicit[Agreed]:
    """upgrade_plan's leave."""
    return _agree(ctx, change, asked=not dry_run and confirm is None)


async def agree_to_topup(
    ctx: Context[Any, Any],
    dry_run: bool,
    confirm: str | None,
    change: Annotated[Any, Resolve(topup_change)],
) -> Agreed | Elicit[Agreed]:
    """set_credits' leave."""
    return _agree(ctx, change, asked=not dry_run and confirm is None)


def _agree(ctx: Context[Any, Any], change: Change, *, asked: bool) -> Agreed | Elicit[Agreed]:
    if not asked or not change.paid:
        return Agreed(agree=True)
    if not questions.can_ask(ctx):
        return Agreed(agree=False)
    return Elicit(f"Your Mosaic account: {change.sentence}", Agreed)
