"""Can this studio work? Asked often and by anybody, so it is cheap and tells no secret.

Alive is a process that answers at all. Ready is one that can also take and do work: it can write
its database, its disk has room, FFmpeg is there, somebody works, and what is queued is taken up.
"""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio.to_thread
import sqlalchemy as sa

from mosaic_mcp.contract.extensions import Health, HealthCheck
from mosaic_mcp.contract.runs import NodeStatus, RunStatus
from mosaic_mcp.studio.liveness import NO_WORKER, alive
from mosaic_mcp.studio.machine import Machine, size
from mosaic_mcp.studio.runs.retrying import LONGEST_S
from mosaic_mcp.studio.store.database import Store
from mosaic_mcp.studio.store.tables import renders, run_nodes, runs

STUCK_S = LONGEST_S + 60
"""Seconds in which work is queued, nothing is done, and no run changes. Pauses before a next try
are shorter."""
WAIT_S = 2.0
"""Seconds that the database has to take a write."""
KEEP_S = 1.0
"""Seconds for which an answer holds, however often it is asked."""


@dataclass(slots=True)
class Examiner:
    """Examines one studio."""

    store: Store
    home: Path
    ffmpeg: Path
    dead_s: float
    """Seconds of silence after which a worker counts as dead."""
    works: bool
    """This process does runs itself."""
    _known: Health | None = None
    _until: float = 0.0
    _writing: asyncio.Task[None] | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def health(self) -> Health:
        """How it stands, at most KEEP_S old."""
        async with self._lock:
            if self._known is None or time.monotonic() > self._until:
                checks = (
                    await self._database(),
                    await anyio.to_thread.run_sync(self._disk),
                    await anyio.to_thread.run_sync(self._ffmpeg),
                    await self._queue(),
                    await self._workers(),
                )
                self._known = Health(ready=all(c.ok for c in checks), checks=checks)
                self._until = time.monotonic() + KEEP_S
            return self._known

    async def _database(self) -> HealthCheck:
        if self._writing is None:
            self._writing = asyncio.create_task(self.store.write(_touch))
        # One that waits for a stuck lock is waited for again by the next question, not joined.
        done, _ = await asyncio.wait({self._writing}, timeout=WAIT_S)
        if not done:
            return _sick("database", f"took no write within {WAIT_S:g} s: another program holds it")
        task, self._writing = self._writing, None
        error = task.exception()
        if error is None:
            return HealthCheck(name="database", ok=True, says="writable")
        # The words of the driver; SQLAlchemy's would quote the statement.
        return _sick("database", f"cannot be written: {getattr(error, 'orig', None) or error}")

    def _disk(self) -> HealthCheck:
        machine = Machine(self.home)
        try:
            short = machine.short_of(0)
            says = f"{size(machine.free)} free"
        except OSError as error:
            return _sick("disk", f"the data folder is gone: {error.strerror}")
        if short is not None:  # no job begins then
            return _sick("disk", short)
        return HealthCheck(name="disk", ok=True, says=says)

    def _ffmpeg(self) -> HealthCheck:
        if not os.access(self.ffmpeg, os.X_OK):
            return _sick("ffmpeg", "is gone, or may not be run")
        return HealthCheck(name="ffmpeg", ok=True, says="there")

    async def _queue(self) -> HealthCheck:
        queued, running, changed = await self.store.read(_work)
        says = f"{queued} queued, {running} running"
        if queued and not running and changed is not None:
            still = datetime.now(UTC) - datetime.fromisoformat(changed)
            if still > timedelta(seconds=STUCK_S):
                return _sick("queue", f"{says}, and nothing has moved for {still.seconds} s")
        return HealthCheck(name="queue", ok=True, says=says)

    async def _workers(self) -> HealthCheck:
        living = await self.store.read(lambda c: alive(c, self.dead_s))
        living = max(living, int(self.works))  # who answers lives, also before it has said so
        if not living:
            return _sick("workers", NO_WORKER)
        return HealthCheck(name="workers", ok=True, says=f"{living} alive")


def _sick(name: str, says: str) -> HealthCheck:
    return HealthCheck(name=name, ok=False, says=says)


def _touch(connection: sa.Connection) -> None:
    """A write that changes nothing, but needs everything that a write needs."""
    connection.execute(runs.update().where(sa.false()).values(status=runs.c.status))


def _work(connection: sa.Connection) -> tuple[int, int, str | None]:
    """How much is queued, how much runs, and when a running run last changed."""

    def count(status: NodeStatus) -> int:
        return sum(
            connection.execute(
                sa.select(sa.func.count()).select_from(table).where(table.c.status == status)
            ).scalar_one()
            for table in (run_nodes, renders)
        )

    newest = sa.select(sa.func.max(runs.c.updated_at)).where(runs.c.status == RunStatus.running)
    changed = connection.execute(newest).scalar_one_or_none()
    return count(NodeStatus.queued), count(NodeStatus.running), changed
