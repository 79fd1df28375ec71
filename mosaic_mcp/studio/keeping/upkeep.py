"""What the studio does about its disk by itself: a minute after its start, then every hour."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import anyio

from mosaic_mcp.contract.keeping import Collect
from mosaic_mcp.settings import Settings
from mosaic_mcp.studio.engine import Engine
from mosaic_mcp.studio.keeping.collecting import Keeper
from mosaic_mcp.studio.keeping.records import trim_events
from mosaic_mcp.studio.machine import size
from mosaic_mcp.studio.store.database import Store

UPKEEP = 0x6D6F7375
"""Number of the lock under which one of several processes does it."""
FIRST_S, EVERY_S = 60.0, 3600.0
HISTORY = timedelta(days=1)
"""How long a run's events stay after its end; its state stays for ever."""
FORGET = timedelta(hours=1)
"""How long DBOS remembers a job after its end: far longer than a sweep takes to find a lost one."""

log = logging.getLogger(__name__)


def wish_of(settings: Settings) -> Collect:
    """What MOSAIC_STUDIO_KEEP_DAYS and MOSAIC_STUDIO_MAX_GB ask for."""
    days, most = settings.studio_keep_days, settings.studio_max_gb
    return Collect(
        older_than_s=None if days is None else days * 86_400,
        max_bytes=None if most is None else int(most * 1e9),
    )


@dataclass(frozen=True, slots=True)
class Upkeep:
    """Keeps disk and databases from growing for ever."""

    settings: Settings
    store: Store
    keeper: Keeper
    engine: Engine

    async def run(self) -> None:
        """Never ends by itself."""
        pause = FIRST_S
        while True:
            await anyio.sleep(pause)
            pause = EVERY_S
            try:
                await self.once()
            except Exception:
                log.exception("upkeep")  # the next hour tries again

    async def once(self) -> None:
        """One round: of this machine, and of one process where several share a database."""
        await self.keeper.tidy()
        async with self.store.alone(UPKEEP) as alone:
            if alone:
                await self._round(datetime.now(UTC))

    async def _round(self, now: datetime) -> None:
        await self._collect(wish_of(self.settings))
        before = (now - HISTORY).isoformat()
        await self.store.write(lambda c: trim_events(c, before))
        await self.engine.forget_ended(now - FORGET)

    async def _collect(self, wish: Collect) -> None:
        told = await self.keeper.collect(wish)
        if told.removed:
            log.info("deleted %d things, %s", len(told.removed), size(told.freed_bytes))
        if told.log_entries:
            log.info("deleted %d entries of old logs and webhooks", told.log_entries)
        if told.over_bytes:
            log.warning(
                "%s more than MOSAIC_STUDIO_MAX_GB: the rest is needed", size(told.over_bytes)
            )
