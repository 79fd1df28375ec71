import pytest

from tests.support.postgres import Postgres


@pytest.fixture
def database(postgres: Postgres) -> str:
    """The address of an empty database."""
    return postgres.create()
