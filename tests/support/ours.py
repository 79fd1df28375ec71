"""Our server as a host's configuration names it: a command and its environment, or a URL."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from mosaic_mcp.server import build_server
from mosaic_mcp.settings import Settings
from tests.acceptance.conftest import environment
from tests.support.loopback import on_loopback


@dataclass(frozen=True)
class Ours:
    """Our server; `url` is set where it is served over HTTP, else `command` starts it."""

    env: dict[str, str]
    """The whole environment."""
    url: str | None = None
    command: tuple[str, ...] = (sys.executable, "-m", "mosaic_mcp")


def over_stdio(settings: Settings) -> Ours:
    """The server that a host starts."""
    env = environment(settings)
    if settings.api_key:
        env |= {"MOSAIC_API_KEY": settings.api_key, "MOSAIC_API_URL": settings.api_url}
        env |= {"MOSAIC_SPENDING": "ask" if settings.ask_before_spending else "allow"}
    return Ours(env)


@contextmanager
def over_http(settings: Settings) -> Generator[Ours]:
    """The server at an address on loopback."""
    with on_loopback(build_server(settings)) as url:
        yield Ours({}, url)
