"""Letting a job begin where there is memory and disk space for it; else it goes back and waits."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import anyio

from mosaic_mcp.studio.disk import no_space
from mosaic_mcp.studio.machine import Machine
from mosaic_mcp.studio.runs.feed import Feed
from mosaic_mcp.studio.runs.queueing import look_at, put_back, raise_need
from mosaic_mcp.studio.runs.states import Job
from mosaic_mcp.studio.store.database import Store

T = TypeVar("T")
FULL_S = 2.0
"""How long to wait when even the database has no room to say that there is none."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Admission:
    """The door that every job of this process goes through."""

    store: Store
    feed: Feed
    machine: Machine
    worker: str | None
    """The process that does them."""

    async def admit(self, job: Job, do: Callable[[], Awaitable[T]]) -> T | None:
        """Do the job when the machine has room for it, else put it back; None when it was.

        `do` claims the job and lets a full disk through as it met it. The job is put back then too,
        and estimated at twice as much.
        """
        while True:
            try:
                return await self._try(job, do)
            except Exception as error:
                if no_space(error) is None:
                    raise
                log.warning("%s: the database has no room, %s", job.key, error)
            await anyio.sleep(FULL_S)

    async def _try(self, job: Job, do: Callable[[], Awaitable[T]]) -> T | None:
        seen = await self.store.read(lambda c: look_at(c, job, self.worker))
        if seen is None:
            return None
        need = seen.need
        async with self.machine.memory(need.memory):
            short = self.machine.short_of(need.disk)
            if short is None:
                try:
                    with self.machine.disk(need.disk):
                        return await do()
                except Exception as error:
                    if no_space(error) is None:
                        raise
                    log.warning("%s: the disk is full", job.key)
                more = await self.store.write(lambda c: raise_need(c, seen))
                short = self.machine.told(more)
        await self.store.write(lambda c: put_back(c, seen, f"disk space: {short}"))
        self.feed.ring()
        return None
