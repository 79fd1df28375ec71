"""`set_credits`: automatic top-ups. Part of the toolset `billing`."""

from __future__ import annotations

from typing import Annotated, Any

from mcp.server.elicitation import ElicitationResult
from mcp.server.mcpserver.resolve import Resolve
from mcp_types import CallToolResult
from pydantic import Field

from mosaic_mcp.server.answers import BillingAnswer
from mosaic_mcp.server.billing import Agreed, Confirm, DryRun, agree_to_topup, topup_change
from mosaic_mcp.server.engine import Engine
from mosaic_mcp.server.results import result
from mosaic_mcp.server.tooling import PAYS, ClosedTool, build_tool

OnOff = Annotated[bool, Field(description="Buy credits automatically when few are left")]
Threshold = Annotated[
    int, Field(ge=0, le=1_000_000, description="Top up when fewer credits than this are left")
]
Quantity = Annotated[int, Field(ge=0, le=1_000_000, description="Credits of one top-up")]


def tool(engine: Engine) -> ClosedTool:
    """The tool, bound to an engine."""

    async def set_credits(
        change: Annotated[Any, Resolve(topup_change)],
        agreed: Annotated[ElicitationResult[Agreed], Resolve(agree_to_topup)],
        automatic_top_up: OnOff,
        threshold: Threshold = 0,
        quantity: Quantity = 0,
        dry_run: DryRun = False,
        confirm: Confirm = None,
    ) -> Annotated[CallToolResult, BillingAnswer]:
        """Turn automatic top-ups of credits on or off; needs a plan, and on the hosted engine each
        costs money. The user agrees first: they are asked, or agree to a dry_run whose confirm is
        then passed."""
        from mosaic_mcp.contract.credits import AutoTopupWish

        if dry_run:
            return result(change.shown())
        change.check(agreed, confirm)
        wish = AutoTopupWish(enabled=automatic_top_up, threshold=threshold, quantity=quantity)
        await (await engine.client()).set_credits(wish)
        state = "on" if automatic_top_up else "off"
        return result(
            BillingAnswer(
                status="done",
                summary=f"Automatic top-ups are {state}.",
                next="resume_run(run_id=…) of the run that waits" if automatic_top_up else None,
            )
        )

    return build_tool(set_credits, title="Set top-ups", annotations=PAYS)
