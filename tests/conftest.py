import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from mosaic_mcp.studio.store.database import Store
from mosaic_mcp.studio.store.tables import metadata
from tests.support.postgres import Postgres, postgres_server

# No test may spend what these belong to, nor behave otherwise on a machine that has them.
for _name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "REPLICATE_API_TOKEN", "FAL_KEY"):
    os.environ.pop(_name, None)

# The tests start hundreds of Python processes. Where the machine keeps Python from keeping what it
# compiled (containers often do), each would compile all of it again: half of its time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


# How fast examples are says how loaded the machine is, and nothing of the code.
settings.register_profile(
    "untimed", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("untimed")

gc.disable()  # each process collects thousands of tests, and all of them stay


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL server for all tests that ask for it."""
    with postgres_server() as server:
        yield server


BOTH = ["sqlite", pytest.param("postgresql", marks=[pytest.mark.cluster, pytest.mark.short])]


@pytest.fixture(scope="session", params=BOTH)
def either_database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Path | str:
    """A database of each kind, for what has to be the same on both."""
    if request.param == "sqlite":
        return tmp_path_factory.mktemp("store") / "studio.db"
    return request.getfixturevalue("postgres").create()


@pytest.fixture(scope="session")
def opened_store(either_database: Path | str) -> Iterator[Store]:
    """One store for all tests: making its tables takes longer than any of them."""
    store = Store(either_database)
    yield store
    store.close()


@pytest.fixture
def store(opened_store: Store) -> Store:
    """A store without rows."""
    with opened_store.engine.begin() as connection:
        for table in metadata.sorted_tables:
            connection.execute(table.delete())
    return opened_store
