"""The server that other people's programs talk to: over stdio, and over HTTP."""

import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from socket import SOMAXCONN, create_server

import pytest
import uvicorn

from mosaic_mcp.server import build_server
from mosaic_mcp.settings import Settings
from tests.acceptance.conftest import end_studio, environment

COMMAND = (sys.executable, "-m", "mosaic_mcp")


@dataclass(frozen=True)
class Ours:
    """Our server as a host's configuration names it: a command and its environment, or a URL."""

    env: dict[str, str]
    url: str | None = None

    @property
    def command(self) -> tuple[str, ...]:
        return COMMAND


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A private data folder; the studio that tools start there ends with the tests."""
    folder = tmp_path_factory.mktemp("hosts")
    yield Settings(home=folder / "home", allowed_dirs=(folder,))
    end_studio(folder / "home")


@pytest.fixture(scope="session")
def stdio(settings: Settings) -> Ours:
    return Ours(environment(settings))


@pytest.fixture(scope="session")
def http(settings: Settings) -> Iterator[Ours]:
    # Connections queue up from here on, so nobody has to wait for the server's start.
    listener = create_server(("127.0.0.1", 0), backlog=SOMAXCONN)
    app = build_server(settings).streamable_http_app(host="127.0.0.1")
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield Ours(environment(settings), f"http://127.0.0.1:{listener.getsockname()[1]}/mcp")
    server.should_exit = True
    thread.join()
    listener.close()


@pytest.fixture(params=["stdio", "http"])
def ours(request: pytest.FixtureRequest) -> Ours:
    """Our server, over each transport."""
    return request.getfixturevalue(request.param)
