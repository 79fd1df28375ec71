"""The sender: a small loop that posts what is due, beside those of other processes.

An event is claimed by an update that only one process can win, and settled after its attempt. A
process that dies in between leaves a claim that runs out: the event is sent once more.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import sqlalchemy as sa

from mosaic_mcp.contract.runs import AgentRun
from mosaic_mcp.studio.runs.feed import Feed
from mosaic_mcp.studio.runs.views import RunRows
from mosaic_mcp.studio.signing import Links
from mosaic_mcp.studio.store.database import Store
from mosaic_mcp.studio.store.tables import runs
from mosaic_mcp.studio.webhooks import outbox
from mosaic_mcp.studio.webhooks.events import with_links
from mosaic_mcp.studio.webhooks.outbox import Delivery, Outcome
from mosaic_mcp.studio.webhooks.posting import Allowed, client, post
from mosaic_mcp.studio.webhooks.signing import Secrets

LOOK_S = 1.0
"""Seconds between two looks when no bell rings: for what is due again, and for what other
processes wrote."""
AT_ONCE = 16
"""Attempts that are under way together."""
OF_ONE_OWNER = 4
"""Of these: an owner whose endpoint hangs does not hold the others up."""
TROUBLE_S = 5.0

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Sender:
    """Posts the events of the outbox."""

    store: Store
    feed: Feed
    links: Links
    secrets: Secrets
    allowed: Allowed
    clock: Callable[[], float] = time.time
    _sending: dict[asyncio.Task[None], str] = field(default_factory=dict[asyncio.Task[None], str])
    """Attempts under way, with their owners."""

    @asynccontextmanager
    async def sending(self) -> AsyncGenerator[None]:
        """Send until the block ends; what is under way then is sent again when its claim ran out.

        A process to which no link can point, a worker, leaves sending to others.
        """
        if not self.links.base_url:
            yield
            return
        loop = asyncio.create_task(self._run())
        try:
            yield
        finally:
            tasks = [loop, *self._sending]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self) -> None:
        async with client(self.allowed) as http:
            while True:
                try:
                    await self.look(http)
                    await self.feed.wait(LOOK_S)
                except Exception:
                    log.exception("webhooks")
                    await asyncio.sleep(TROUBLE_S)

    async def look(self, http: httpx.AsyncClient) -> None:
        """Begin an attempt for everything that is due and for which there is room."""
        busy = Counter(self._sending.values())
        full = [owner for owner, count in busy.items() if count >= OF_ONE_OWNER]
        at = self.clock()
        heads = await self.store.read(lambda c: outbox.due(c, at, without=full, limit=4 * AT_ONCE))
        for delivery_id, owner in heads:
            if len(self._sending) >= AT_ONCE:
                return
            if busy[owner] >= OF_ONE_OWNER:
                continue
            delivery = await self.store.write(
                lambda c, wanted=delivery_id: outbox.claim(c, wanted, self.clock())
            )
            if delivery is not None:
                busy[owner] += 1
                task = asyncio.create_task(self._send(http, delivery))
                self._sending[task] = owner
                task.add_done_callback(self._sending.pop)

    async def _send(self, http: httpx.AsyncClient, delivery: Delivery) -> None:
        try:
            outcome = await self._attempt(http, delivery)
        except Exception:
            log.exception("webhook %s", delivery.id)
            outcome = Outcome(error="The studio failed to make it; its log says why.")
        try:
            at = self.clock()
            await self.store.write(lambda c: outbox.settle(c, delivery, outcome, at))
        except Exception:
            log.exception("webhook %s", delivery.id)  # sent again when its claim has run out
        self.feed.ring()  # the next event of the run may go now

    async def _attempt(self, http: httpx.AsyncClient, delivery: Delivery) -> Outcome:
        view = await self.store.read(lambda c: self._view(c, delivery.run_id))
        body = with_links(delivery.event, view).model_dump_json()
        headers = self.secrets.headers(delivery.owner, delivery.id, body, self.clock())
        return await post(http, delivery.url, body, headers)

    def _view(self, connection: sa.Connection, run_id: str) -> AgentRun:
        """The run with links that its owner's receiver can follow."""
        run = connection.execute(sa.select(runs).where(runs.c.id == run_id)).mappings().one()
        links = self.links if run["links_at"] is None else self.links.at(run["links_at"])
        return RunRows(connection, dict(run)).view(links)
