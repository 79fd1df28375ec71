import os
import sys
from collections.abc import Iterator

import pytest

from tests.support.postgres import Postgres, postgres_server

# The tests start hundreds of Python processes. Where the machine keeps Python from keeping what it
# compiled (containers often do), each would compile all of it again: half of its time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL server for all tests that ask for it."""
    with postgres_server() as server:
        yield server
