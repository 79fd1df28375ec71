"""The server that other people's programs talk to: over stdio, and over HTTP."""

from collections.abc import Iterator

import pytest

from mosaic_mcp.settings import Settings
from tests.acceptance.conftest import end_studio
from tests.support.ours import Ours, over_http, over_stdio


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A private data folder; the studio that tools start there ends with the tests."""
    folder = tmp_path_factory.mktemp("hosts")
    yield Settings(home=folder / "home", allowed_dirs=(folder,))
    end_studio(folder / "home")


@pytest.fixture(scope="session")
def stdio(settings: Settings) -> Ours:
    return over_stdio(settings)


@pytest.fixture(scope="session")
def http(settings: Settings) -> Iterator[Ours]:
    with over_http(settings) as ours:
        yield ours


@pytest.fixture(params=["stdio", "http"])
def ours(request: pytest.FixtureRequest) -> Ours:
    """Our server, over each transport."""
    return request.getfixturevalue(request.param)
