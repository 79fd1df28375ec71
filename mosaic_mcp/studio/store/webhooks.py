"""The log of webhooks as their owner reads it, and whether any are to be waited for."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa

from mosaic_mcp.contract.extensions import WebhookDelivery, WebhookLog
from mosaic_mcp.studio.runs.states import own_run
from mosaic_mcp.studio.store.database import Store
from mosaic_mcp.studio.store.paging import Cursor
from mosaic_mcp.studio.store.tables import webhooks
from mosaic_mcp.studio.webhooks.outbox import awaited


class Webhooks:
    """The outbox of all owners."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def log(
        self, owner: str, *, run_id: str | None, limit: int, cursor: str | None
    ) -> WebhookLog:
        """A page of the owner's events, newest first; NotFound for another owner's run."""
        query = sa.select(webhooks).where(webhooks.c.owner == owner)
        if run_id is not None:
            query = query.where(webhooks.c.run_id == run_id)
        after = Cursor.parse(cursor)
        if after is not None:
            query = query.where(after.follows(webhooks.c.recorded_at, webhooks.c.id))
        query = query.order_by(webhooks.c.recorded_at.desc(), webhooks.c.id.desc())

        def read(connection: sa.Connection) -> WebhookLog:
            if run_id is not None:
                own_run(connection, owner, run_id)
            rows = connection.execute(query.limit(limit + 1)).all()
            page = rows[:limit]
            more = str(Cursor(page[-1].recorded_at, page[-1].id)) if len(rows) > limit else None
            return WebhookLog(deliveries=tuple(map(_shown, page)), next_cursor=more)

        return await self._store.read(read)

    async def awaited(self) -> bool:
        """True while the studio should stay awake for an event that is to be delivered."""
        return await self._store.read(lambda c: awaited(c, time.time()))


def _shown(row: Any) -> WebhookDelivery:
    pending = row.state == "pending"
    return WebhookDelivery(
        id=row.id,
        run_id=row.run_id,
        event=row.event,
        host=urlsplit(str(row.url)).hostname or "",  # the rest of an address may hold keys
        state=row.state,
        attempts=row.attempts,
        last_status=row.last_status,
        last_error=row.last_error,
        recorded_at=datetime.fromisoformat(row.recorded_at),
        next_attempt_at=datetime.fromtimestamp(row.next_at, UTC) if pending else None,
        delivered_at=datetime.fromisoformat(row.delivered_at) if row.delivered_at else None,
    )
