"""The database of agents, assets and runs: SQLite in the data folder.

Statements are SQLAlchemy's, so that the same code speaks to PostgreSQL. They run in threads: the
loop that serves requests never waits for a disk.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import anyio.to_thread
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from anyio import CapacityLimiter
from sqlalchemy import event

from mosaic_mcp.errors import Conflict

T = TypeVar("T")

MIGRATIONS = Path(__file__).parent / "migrations"
MIGRATING = 0x6D6F7361
"""Number of the lock under which PostgreSQL is migrated."""


class Store:
    """Short transactions on one database; migrated to the newest schema when opened."""

    def __init__(self, database: Path | str) -> None:
        """`database` is a SQLite file, or the URL of another database.

        Parameters stay out of its errors: those get into logs, and a transcript may be one.
        """
        self._writers: CapacityLimiter | None = None
        if isinstance(database, Path):
            database.parent.mkdir(parents=True, exist_ok=True)
            self.engine = sa.create_engine(f"sqlite:///{database}", hide_parameters=True)
            event.listen(self.engine, "connect", _configure)
            event.listen(self.engine, "begin", _begin_immediate)
            # SQLite has one writer at a time; queued here, nobody polls for its lock.
            self._writers = CapacityLimiter(1)
        else:
            self.engine = sa.create_engine(database, pool_pre_ping=True, hide_parameters=True)
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
        found = MigrationContext.configure(connection).get_current_revision()
        if found is not None and found not in known_revisions():
            raise Conflict(
                f"The data folder's schema ({found}) is newer than this program: a newer "
                "mosaic-mcp has used it.",
                remedy="Update mosaic-mcp, or set MOSAIC_HOME to another folder.",
            )
        command.upgrade(config, "head")


def known_revisions() -> set[str]:
    """The versions of the schema that this program can bring to the newest, and that one."""
    return {script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()}


def _configure(connection: Any, _record: Any) -> None:
    # SQLAlchemy begins transactions itself (see _begin_immediate), the driver must not.
    connection.isolation_level = None
    cursor = connection.cursor()
    # WAL lets readers go on while a writer writes; it stays with the file.
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA busy_timeout=30000")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin_immediate(connection: sa.Connection) -> None:
    """Take the write lock at once: a transaction that reads first could not get it later."""
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
