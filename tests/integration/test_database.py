"""The store migrates itself, and its schema is the one in the code."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from mosaic_mcp.studio.store.database import Store
from mosaic_mcp.studio.store.migrating import (
    MIGRATIONS,
    known_revisions,
    migrate,
    newest_revision,
)
from mosaic_mcp.studio.store.tables import agents, metadata
from tests.support.schemas import at_revision, details

ROW = {
    "id": "a",
    "owner": "local",
    "graph": {},
    "created_at": "2026-01-01T00:00:00Z",
    "updated_at": "2026-01-01T00:00:00Z",
}


def test_migrations_lead_to_exactly_the_tables_of_the_code(tmp_path):
    """A new database is made from the code, so both must be the same to the last detail."""
    made, migrated = Store(tmp_path / "made.db"), sa.create_engine(f"sqlite:///{tmp_path / 'm.db'}")
    at_revision(migrated, "head")
    with migrated.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
    assert details(made.engine) == details(migrated)
    made.close()
    migrated.dispose()


def test_the_versions_are_those_that_alembic_finds():
    scripts = ScriptDirectory(str(MIGRATIONS))
    assert known_revisions() == {script.revision for script in scripts.walk_revisions()}
    assert newest_revision() == scripts.get_current_head()


def schema(store: Store) -> list[tuple[str, str]]:
    """Every table and index as SQLite has it, and the version that Alembic wrote down."""
    with store.engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master ORDER BY name")
        version = connection.exec_driver_sql("SELECT 'version', version_num FROM alembic_version")
        return [*map(tuple, found), *map(tuple, version)]


def test_an_empty_file_is_migrated_from_the_start(tmp_path):
    (tmp_path / "empty.db").touch()
    from_empty, from_nothing = Store(tmp_path / "empty.db"), Store(tmp_path / "new" / "studio.db")
    assert schema(from_empty) == schema(from_nothing) != []
    newest = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    assert schema(from_empty)[-1] == ("version", newest)
    from_empty.close()
    from_nothing.close()


def test_migrating_again_changes_nothing(tmp_path):
    store = Store(tmp_path / "studio.db")
    before = schema(store)
    migrate(store.engine)
    migrate(store.engine)
    assert schema(store) == before
    store.close()


def test_several_openings_at_once_migrate_once(tmp_path):
    path = tmp_path / "studio.db"
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(lambda _: Store(path), range(4)))
    assert len({tuple(schema(store)) for store in stores}) == 1
    for store in stores:
        store.close()


def test_there_is_one_line_of_migrations():
    assert len(ScriptDirectory(str(MIGRATIONS)).get_heads()) == 1


def test_every_table_has_an_owner():
    assert [t.name for t in metadata.sorted_tables if "owner" not in t.c] == []


async def test_opening_again_keeps_the_data(tmp_path):
    first = Store(tmp_path / "studio.db")
    await first.write(lambda c: c.execute(agents.insert().values(**ROW)))
    first.close()
    second = Store(tmp_path / "studio.db")
    assert await second.read(lambda c: c.execute(sa.select(agents.c.id)).scalars().all()) == ["a"]
    second.close()


async def test_a_failed_write_leaves_nothing(tmp_path):
    store = Store(tmp_path / "studio.db")

    def half(connection: sa.Connection) -> None:
        connection.execute(agents.insert().values(**ROW))
        raise LookupError

    with contextlib.suppress(LookupError):
        await store.write(half)
    count = await store.read(lambda c: c.execute(sa.select(sa.func.count(agents.c.id))).scalar())
    assert count == 0
    store.close()


def test_a_connection_that_comes_back_after_the_end_is_closed(either_database: Path | str):
    store = Store(either_database)
    late = store.engine.connect()
    driver = late.connection.dbapi_connection
    store.close()
    late.close()
    with pytest.raises(Exception, match="closed"):
        driver.cursor().execute("select 1")
