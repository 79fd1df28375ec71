"""Which processes live: each says so in the database, and what a silent one did goes to others.

One of them leads: the one that lives longest. It alone mends and takes from the dead. All times
are of the database's clock, so that no machine's own clock matters.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import sqlalchemy as sa

from mosaic_mcp.contract.extensions import LOCAL_OWNER
from mosaic_mcp.errors import EngineUnavailable
from mosaic_mcp.studio.store.database import Store
from mosaic_mcp.studio.store.tables import workers

BEATS = 6
"""How often a process says that it lives, in the time after which its silence means death."""
NO_WORKER = "no worker is running: start `mosaic-mcp worker`"
REAPING = 0x6D6F7362
"""Number of the lock of whoever takes from the dead."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Round:
    """What a process saw when it last said that it lives."""

    at: float
    gap: float
    """Seconds since it said so before."""
    leads: bool
    dead: tuple[str, ...]


def beat(connection: sa.Connection, me: str, dead_s: float) -> Round:
    """Say that `me` lives, and look who else does."""
    at = _clock(connection)
    ours = workers.c.id == me
    before = connection.execute(sa.select(workers.c.beat).where(ours)).scalar()
    if before is None:
        row = {"id": me, "owner": LOCAL_OWNER, "beat": at, "since": at}
        connection.execute(workers.insert().values(row))
    else:
        connection.execute(workers.update().where(ours).values(beat=at))
    query = sa.select(workers.c.id, workers.c.beat).order_by(workers.c.since, workers.c.id)
    rows = connection.execute(query).all()
    alive = [row.id for row in rows if at - row.beat < dead_s]
    dead = tuple(row.id for row in rows if at - row.beat >= dead_s)
    return Round(at, at - (at if before is None else before), alive[0] == me, dead)


def forget(connection: sa.Connection, worker: str) -> None:
    """A worker is no more."""
    connection.execute(workers.delete().where(workers.c.id == worker))


def alive(connection: sa.Connection, dead_s: float) -> int:
    """How many processes that work have said in the last `dead_s` seconds that they live."""
    lately = workers.c.beat > _clock(connection) - dead_s
    query = sa.select(sa.func.count()).select_from(workers).where(lately)
    return int(connection.execute(query).scalar_one())


def _clock(connection: sa.Connection) -> float:
    """Now, in seconds: of PostgreSQL, or of the one machine that a SQLite file is on."""
    if connection.dialect.name != "postgresql":
        return time.time()
    moment = sa.extract("epoch", sa.func.clock_timestamp())
    return float(connection.execute(sa.select(moment)).scalar_one())


@dataclass(slots=True)
class Liveness:
    """Keeps this process known as alive."""

    store: Store
    me: str
    dead_s: float
    take_over: Callable[[str], Awaitable[None]]
    """Gives the work of a dead process to the others; may be repeated."""
    leads: bool = False
    _steady_since: float | None = field(default=None)

    async def run(self) -> None:
        """Say so again and again; as the leader, take from the dead."""
        while True:
            try:
                await self.once()
            except EngineUnavailable as away:
                self.leads = False
                log.warning("%s", away.message)
            except Exception:
                self.leads = False
                log.exception("heartbeat")
            await asyncio.sleep(self.dead_s / BEATS)

    async def once(self) -> None:
        """One round."""
        seen = await self.store.write(lambda c: beat(c, self.me, self.dead_s))
        # After the database was away, or this machine asleep, all others look dead. Only who has
        # seen them silent while it was heard itself may tell.
        if self._steady_since is None or seen.gap > self.dead_s / 2:
            self._steady_since = seen.at
        self.leads = seen.leads
        if not seen.leads or not seen.dead or seen.at - self._steady_since < self.dead_s:
            return
        async with self.store.alone(REAPING) as alone:
            for worker in seen.dead if alone else ():
                log.warning("worker %s is dead: others go on with its work", worker)
                await self.take_over(worker)
                await self.store.write(lambda c, w=worker: forget(c, w))
