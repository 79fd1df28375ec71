"""What was and is to be posted to the `callback_url` of runs, and what it is signed with."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from mosaic_mcp.contract.extensions import PREFIX, WebhookLog, WebhookSecret
from mosaic_mcp.studio.routes.dependencies import CallerDep, PageDep, StudioDep

router = APIRouter(prefix=f"{PREFIX}/webhooks", tags=["studio"])


@router.get("")
async def list_webhooks(
    studio: StudioDep,
    caller: CallerDep,
    page: PageDep,
    run_id: Annotated[str | None, Query(max_length=128)] = None,
) -> WebhookLog:
    """The events of a run, or of all, newest first: sent, waiting for another attempt, or not."""
    return await studio.webhooks.log(
        caller.owner, run_id=run_id, limit=page.limit, cursor=page.cursor
    )


@router.get("/secret")
async def webhook_secret(studio: StudioDep, caller: CallerDep) -> WebhookSecret:
    """What the caller's webhooks carry and are signed with."""
    return WebhookSecret(secret=studio.webhook_secrets.of(caller.owner))
