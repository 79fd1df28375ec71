"""Our server as a host's configuration names it: a command and its environment, or a URL."""

from __future__ import annotations

import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from socket import SOMAXCONN, create_server

import uvicorn

from mosaic_mcp.server import build_server
from mosaic_mcp.settings import Settings
from tests.acceptance.conftest import environment


@dataclass(frozen=True)
class Ours:
    """Our server; `url` is set where it is served over HTTP, else `command` starts it."""

    env: dict[str, str]
    """The whole environment."""
    url: str | None = None
    command: tuple[str, ...] = (sys.executable, "-m", "mosaic_mcp")


def over_stdio(settings: Settings) -> Ours:
    """The server that a host starts."""
    key = {"MOSAIC_API_KEY": settings.api_key, "MOSAIC_API_URL": settings.api_url}
    hosted = {k: v for k, v in key.items() if v} if settings.api_key else {}
    return Ours(environment(settings) | hosted)


@contextmanager
def over_http(settings: Settings) -> Generator[Ours]:
    """The server at an address on loopback."""
    # Connections queue up from here on, so nobody has to wait for the server's start.
    listener = create_server(("127.0.0.1", 0), backlog=SOMAXCONN)
    app = build_server(settings).streamable_http_app(host="127.0.0.1")
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield Ours({}, f"http://127.0.0.1:{listener.getsockname()[1]}/mcp")
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
