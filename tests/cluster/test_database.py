"""The studio's database on PostgreSQL: migrations, old data, transactions that meet."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anyio
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from mosaic_mcp.contract.runs import RunRequest
from mosaic_mcp.errors import Conflict, EngineUnavailable, InvalidRequest
from mosaic_mcp.studio.runs.feed import Feed
from mosaic_mcp.studio.store.database import Store
from mosaic_mcp.studio.store.migrating import migrate
from mosaic_mcp.studio.store.postgres import connections, postgres_url
from mosaic_mcp.studio.store.runs import Runs
from mosaic_mcp.studio.store.secrets import signing_key
from mosaic_mcp.studio.store.tables import events, metadata, runs
from tests.support.agents import agent
from tests.support.postgres import Postgres
from tests.support.run_states import OWNER, MovedRun
from tests.support.schemas import at_revision, details

pytestmark = [pytest.mark.cluster, pytest.mark.short]

BRANCHES = {"in": "Video Input", **{f"b{n}": "Watermark" for n in range(6)}, "out": "Destination"}
PATHS = " ".join(f"in>b{n} b{n}>out" for n in range(6))


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    store = Store(database)
    yield store
    store.close()


OLD = (
    "insert into runs (id, owner, agent_id, status, generation, request, quality, started_at, "
    "updated_at) values ('r', 'anna', 'a', 'completed', 1, '{\"video_ids\": [\"v\"]}', 'draft', "
    "'2026-01-01', '2026-01-01')",
    "insert into workers (id, owner, beat) values ('w', 'local', 5.5)",
    "insert into events (owner, run_id, type, data, at) "
    "values ('anna', 'r', 'run.started', '{}', '2026-01-01')",
)


def old(database: str, folder: Path) -> sa.Engine:
    """A database with the first schema and a row in some tables."""
    if database == "sqlite":
        engine = sa.create_engine(f"sqlite:///{folder / 'studio.db'}")
    else:
        engine = connections(postgres_url(database))
    at_revision(engine, "0001")
    with engine.begin() as connection:
        for statement in OLD:
            connection.exec_driver_sql(statement)
    return engine


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_an_old_database_is_brought_to_the_tables_of_the_code_and_keeps_its_rows(
    kind: str, postgres: Postgres, tmp_path: Path
):
    engine = old(kind if kind == "sqlite" else postgres.create(), tmp_path)
    migrate(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, metadata) == []
        run = connection.execute(sa.select(runs)).one()
        assert (run.id, run.status, run.request) == ("r", "completed", {"video_ids": ["v"]})
        assert connection.exec_driver_sql("select beat, since from workers").one() == (5.5, 0)
        assert connection.execute(sa.select(events.c.type)).scalars().all() == ["run.started"]
    engine.dispose()


def test_a_new_database_is_what_migrations_make_of_an_empty_one(postgres: Postgres):
    made, migrated = (connections(postgres_url(postgres.create())) for _ in range(2))
    migrate(made)
    at_revision(migrated, "head")
    assert details(made) == details(migrated)
    for engine in (made, migrated):
        engine.dispose()


def test_numbers_of_events_go_on_past_32_bits(database: str, tmp_path: Path):
    engine = old(database, tmp_path)
    migrate(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("select setval('events_seq_seq', 3000000000)")
        row = {"owner": "a", "run_id": "r", "type": "t", "data": {}, "at": ""}
        query = events.insert().values(row).returning(events.c.seq)
        assert connection.execute(query).scalar_one() == 3_000_000_001
    engine.dispose()


def test_several_openings_at_once_migrate_once(database: str):
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(lambda _: Store(database), range(4)))
    with stores[0].engine.connect() as connection:
        versions = connection.exec_driver_sql("select version_num from alembic_version").all()
    assert len(versions) == 1
    for store in stores:
        store.close()


async def test_all_processes_have_one_signing_key(database: str):
    stores = [Store(database) for _ in range(3)]
    keys: list[bytes] = []

    async def ask(store: Store) -> None:
        keys.append(await signing_key(store))

    async with anyio.create_task_group() as group:
        for store in stores:
            group.start_soon(ask, store)
    assert len(keys) == 3
    assert len(set(keys)) == 1
    assert len(keys[0]) == 32
    for store in stores:
        store.close()


async def test_twenty_posts_with_one_key_at_once_are_one_run(database: str):
    stores = [Store(database), Store(database)]
    apis = [Runs(store, Feed()) for store in stores]
    answers: list[str] = []

    async def post(number: int) -> None:
        run_id = await apis[number % 2].create(
            OWNER,
            agent({"in": "Video Input", "logo": "Watermark"}),
            RunRequest(video_ids=("v",)),
            quality="draft",
            idempotency_key="once",
        )
        answers.append(run_id)

    async with anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(post, number)
    assert len(answers) == 20
    assert len(set(answers)) == 1
    count = await stores[0].read(lambda c: c.execute(sa.select(sa.func.count(runs.c.id))).scalar())
    assert count == 1
    with pytest.raises(Conflict):
        await apis[0].create(
            OWNER,
            agent({"in": "Video Input", "logo": "Watermark"}),
            RunRequest(video_ids=("other",)),
            quality="draft",
            idempotency_key="once",
        )
    for store in stores:
        store.close()


def test_branches_that_end_while_the_run_is_cancelled_and_resumed_never_wait_for_each_other(
    store: Store,
):
    """Without retries: a collision of two transactions fails this test."""
    for _ in range(5):
        run = MovedRun(store, BRANCHES, PATHS)
        run.do("in")
        start = threading.Barrier(8)

        def branch(node: str, run: MovedRun = run, start: threading.Barrier = start) -> None:
            start.wait()
            fence = run.start(node)
            if fence is not None and run.decide(fence):
                run.plan(fence, f"{node}-a", f"{node}-b")
                for row in run.renders(node):
                    held = run.start_render(row)
                    if held is not None:
                        run.progress_render(held, 0.5)
                        run.finish_render(held)

        def stop(run: MovedRun = run, start: threading.Barrier = start) -> None:
            start.wait()
            run.cancel()
            if run.run.status == "cancelled":
                run.resume()

        def watch(run: MovedRun = run, start: threading.Barrier = start) -> None:
            start.wait()
            for _ in range(20):
                run.jobs()

        with ThreadPoolExecutor(8) as pool:
            work = [pool.submit(branch, f"b{n}") for n in range(6)]
            work += [pool.submit(stop), pool.submit(watch)]
            for done in work:
                done.result(60)
        assert run.run.status in ("running", "completed", "cancelled")


def test_two_resumes_at_once_are_one(store: Store):
    run = MovedRun(store, BRANCHES, PATHS)
    run.cancel()
    start = threading.Barrier(4)

    def resume() -> bool:
        start.wait()
        try:
            run.resume()
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(lambda _: resume(), range(4))) == [False, False, False, True]
    assert run.run.generation == 2


async def test_a_reader_sees_one_moment(store: Store):
    run = MovedRun(store, BRANCHES, PATHS)

    def look(connection: sa.Connection) -> tuple[str, int]:
        status = connection.execute(sa.select(runs.c.status)).scalar_one()
        run.cancel()  # somebody else, between two statements of ours
        numbers = connection.execute(sa.select(sa.func.count(events.c.seq))).scalar_one()
        return status, numbers

    status, numbers = await store.read(look)
    assert (status, numbers) == ("running", 2)
    assert len(run.events()) == 3


async def test_who_was_alone_for_too_long_has_lost_it_and_goes_on(
    store: Store, database: str, postgres: Postgres
):
    """Making room in a bucket takes longer than PostgreSQL lets a lock's holder be idle."""
    name = database.rpartition("/")[2]
    async with store.alone(7) as alone:
        assert alone
        ended = postgres.execute(
            name,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            f"WHERE datname = '{name}' AND state = 'idle in transaction'",
        )
        assert ended == [(True,)]
    assert store.engine.pool.checkedout() == 0
    async with store.alone(7) as alone:
        assert alone


def test_an_address_of_something_else_is_refused_with_the_right_form():
    for text in (
        "mysql://u:secret@h/d",
        "postgresql://u:sec:ret@h:port/d",
        "nonsense",
        "postgres://h",
    ):
        with pytest.raises(InvalidRequest) as caught:
            Store(text)
        assert "postgresql://user:password@host" in str(caught.value)
        assert "sec" not in str(caught.value)


def test_a_database_that_is_not_there_is_named_without_its_password(postgres: Postgres):
    with pytest.raises(EngineUnavailable) as caught:
        Store(postgres.address("nobody_made_it"))
    assert f"127.0.0.1:{postgres.port}/nobody_made_it" in str(caught.value)
    assert "does not exist" in str(caught.value)
    assert "geheim" not in str(caught.value)


def test_a_password_with_any_character_and_the_other_schemes_work(postgres: Postgres):
    address = postgres.create()
    for scheme in ("postgres", "postgresql+psycopg"):
        Store(address.replace("postgresql", scheme)).close()
