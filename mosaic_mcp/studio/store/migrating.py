"""The schema's version: a new database is made at the newest one, an older one is brought to it.

Alembic is loaded only to migrate: mostly there is nothing to do, and it takes a tenth of a start.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from mosaic_mcp.errors import Conflict
from mosaic_mcp.studio.store.tables import metadata

MIGRATIONS = Path(__file__).parent / "migrations"
MIGRATING = 0x6D6F7361
"""Number of the lock under which PostgreSQL is migrated."""
_version = sa.Table(
    "alembic_version",
    sa.MetaData(),
    sa.Column("version_num", sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
"""Alembic's own table, as it makes it."""


def migrate(engine: sa.Engine) -> None:
    """Bring the schema to the newest version; data is kept.

    Raises Conflict where a newer program has been at it.
    """
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":  # one at a time; SQLite's lock does the same
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATING)))
        tables = sa.inspect(connection).get_table_names()
        if not tables:
            _make(connection)
            return
        found = None
        if _version.name in tables:
            found = connection.execute(sa.select(_version.c.version_num)).scalar()
        if found == newest_revision():
            return
        if found is not None and found not in known_revisions():
            raise Conflict(
                f"The data folder's schema ({found}) is newer than this program: a newer "
                "mosaic-mcp has used it.",
                remedy="Update mosaic-mcp, or set MOSAIC_HOME to another folder.",
            )
        _upgrade(connection)


def newest_revision() -> str:
    """The version of the schema that this program needs."""
    return max(known_revisions())


def known_revisions() -> set[str]:
    """The versions of the schema that this program can bring to the newest, and that one.

    They are the numbers that the files begin with.
    """
    return {path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*.py")}


def _make(connection: sa.Connection) -> None:
    metadata.create_all(connection)
    _version.create(connection)
    connection.execute(_version.insert().values(version_num=newest_revision()))


def _upgrade(connection: sa.Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
