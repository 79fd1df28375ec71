"""The store migrates itself, and its schema is the one in the code."""

import contextlib

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from mosaic_mcp.studio.store.database import Store
from mosaic_mcp.studio.store.tables import agents, metadata

ROW = {
    "id": "a",
    "owner": "local",
    "graph": {},
    "created_at": "2026-01-01T00:00:00Z",
    "updated_at": "2026-01-01T00:00:00Z",
}


def test_migrations_lead_to_exactly_the_tables_of_the_code(tmp_path):
    store = Store(tmp_path / "studio.db")
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    store.close()


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
