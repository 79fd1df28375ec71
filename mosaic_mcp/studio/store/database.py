"""The database of agents, assets and runs: SQLite in the data folder, or PostgreSQL.

Statements are SQLAlchemy's, so that the same code speaks to both. They run in threads: the loop
that serves requests never waits for a disk.
"""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import anyio
import anyio.to_thread
import sqlalchemy as sa
from anyio import CapacityLimiter
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry

from mosaic_mcp.studio.store.migrating import migrate
from mosaic_mcp.studio.store.postgres import (
    connections,
    is_away,
    is_collision,
    postgres_url,
    unreachable,
)

T = TypeVar("T")

BUSY_S = 30.0
"""How long to wait for other processes that use the file."""
COLLISIONS = 10
"""How often a transaction gives way to others before it fails."""
LONGEST_PAUSE_S = 2.0

_outlasting: ContextVar[bool] = ContextVar("outlasting", default=False)


@contextmanager
def outlasting() -> Generator[None]:
    """Within, whoever needs the database waits while it is away, however long.

    For work that must not be lost; a request is answered at once (EngineUnavailable) instead.
    """
    before = _outlasting.set(True)
    try:
        yield
    finally:
        _outlasting.reset(before)


class Store:
    """Short transactions on one database; migrated to the newest schema when opened."""

    def __init__(self, database: Path | str) -> None:
        """`database` is a SQLite file, or the address of a PostgreSQL database.

        Parameters stay out of its errors: those get into logs, and a transcript may be one. Raises
        EngineUnavailable when PostgreSQL cannot be reached.
        """
        self._writers: CapacityLimiter | None = None
        self.postgres: sa.URL | None = None
        if isinstance(database, Path):
            database.parent.mkdir(parents=True, exist_ok=True)
            self.engine = sa.create_engine(f"sqlite:///{database}", hide_parameters=True)
            event.listen(self.engine, "connect", _configure)
            event.listen(self.engine, "begin", _begin_immediate)
            # SQLite has one writer at a time; queued here, nobody polls for its lock.
            self._writers = CapacityLimiter(1)
            self._reading: dict[str, Any] = {"reading": True}
        else:
            self.postgres = postgres_url(database)
            self.engine = connections(self.postgres)
            # All that a reader reads is of one moment, as it is in SQLite.
            self._reading = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        try:
            migrate(self.engine)
        except Exception as error:
            self.close()
            if self.postgres is None or not (isinstance(error, DBAPIError) and is_away(error)):
                raise
            raise unreachable(self.postgres, error) from None

    async def read(self, work: Callable[[sa.Connection], T]) -> T:
        """Run `work` on a connection; what it changes is thrown away."""

        def run() -> T:
            with self.engine.connect() as connection:
                return work(connection.execution_options(**self._reading))

        return await self._run(run, None)

    async def write(self, work: Callable[[sa.Connection], T]) -> T:
        """Run `work` in one transaction: all of it or nothing.

        It may run more than once: after a collision with others, or after a broken connection
        that left unknown whether it was done.
        """

        def run() -> T:
            with self.engine.begin() as connection:
                return work(connection)

        return await self._run(run, self._writers)

    async def _run(self, run: Callable[[], T], limiter: CapacityLimiter | None) -> T:
        for tries in count(1):
            try:
                return await anyio.to_thread.run_sync(run, limiter=limiter)
            except (DBAPIError, PoolTimeout) as error:
                if self.postgres is None:
                    raise
                if is_collision(error) and tries < COLLISIONS:
                    pass
                elif not is_away(error):
                    raise
                elif not _outlasting.get():
                    raise unreachable(self.postgres, error) from error
            await anyio.sleep(min(LONGEST_PAUSE_S, 0.02 * 2**tries) * random.uniform(0.5, 1))
        raise AssertionError("counts without end")

    @asynccontextmanager
    async def alone(self, number: int) -> AsyncGenerator[bool]:
        """True when no other process is in a block of this number; never waits.

        On SQLite always True. A holder that is frozen loses it after some seconds.
        """
        if self.postgres is None:
            yield True
            return
        connection = await anyio.to_thread.run_sync(self.engine.connect)
        try:
            yield await anyio.to_thread.run_sync(_try_lock, connection, number)
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(_let_go, connection)

    def close(self) -> None:
        """Close the connections, those that a thread still works with when they come back.

        A task that was cancelled does not end the thread in which it read or wrote.
        """
        event.listen(self.engine, "checkin", _close)
        self.engine.dispose()


def _close(_: object, record: ConnectionPoolEntry) -> None:
    record.invalidate()


def _try_lock(connection: sa.Connection, number: int) -> bool:
    connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 20000")
    return bool(connection.execute(sa.select(sa.func.pg_try_advisory_xact_lock(number))).scalar())


def _let_go(connection: sa.Connection) -> None:
    with suppress(DBAPIError):  # PostgreSQL ended it: its holder did something else for too long
        connection.close()


def _configure(connection: Any, _record: Any) -> None:
    # SQLAlchemy begins transactions itself (see _begin_immediate), the driver must not.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_S * 1000:.0f}")
    # WAL lets readers go on while a writer writes; it stays with the file.
    _use_wal(cursor)
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _use_wal(cursor: sqlite3.Cursor) -> None:
    """Of several that switch a new file at once SQLite turns all but one away without waiting."""
    deadline = time.monotonic() + BUSY_S
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _begin_immediate(connection: sa.Connection) -> None:
    """Take the write lock at once: a transaction that reads first could not get it later."""
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
