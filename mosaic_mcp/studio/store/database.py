"""The database of agents, assets and runs: SQLite in the data folder.

Statements are SQLAlchemy's, so that the same code speaks to PostgreSQL. They run in threads: the
loop that serves requests never waits for a disk.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import anyio.to_thread
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from anyio import CapacityLimiter
from sqlalchemy import event

T = TypeVar("T")

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_S = 30.0
"""How long to wait for other processes that use the file."""
MIGRATING = 0x6D6F7361
"""Number of the lock under which PostgreSQL is migrated."""


class Store:
    """Short transactions on one database; migrated to the newest schema when opened."""

    def __init__(self, database: Path | str) -> None:
        """`database` is a SQLite file, or the URL of another database."""
        self._writers: CapacityLimiter | None = None
        if isinstance(database, Path):
            database.parent.mkdir(parents=True, exist_ok=True)
            self.engine = sa.create_engine(f"sqlite:///{database}")
            event.listen(self.engine, "connect", _configure)
            event.listen(self.engine, "begin", _begin_immediate)
            # SQLite has one writer at a time; queued here, nobody polls for its lock.
            self._writers = CapacityLimiter(1)
        else:
            self.engine = sa.create_engine(database, pool_pre_ping=True)
        migrate(self.engine)

    async def read(self, work: Callable[[sa.Connection], T]) -> T:
        """Run `work` on a connection; what it changes is thrown away."""

        def run() -> T:
            with self.engine.connect() as connection:
                return work(connection.execution_options(reading=True))

        return await anyio.to_thread.run_sync(run)

    async def write(self, work: Callable[[sa.Connection], T]) -> T:
        """Run `work` in one transaction: all of it or nothing."""

        def run() -> T:
            with self.engine.begin() as connection:
                return work(connection)

        return await anyio.to_thread.run_sync(run, limiter=self._writers)

    def close(self) -> None:
        """Close the connections."""
        self.engine.dispose()


def migrate(engine: sa.Engine) -> None:
    """Bring the schema to the newest version; data is kept."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":  # one at a time; SQLite's lock does the same
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATING)))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


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
