"""Serving: the discovery file, and the reasons to end."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import anyio
import uvicorn
from fastapi import FastAPI

import mosaic_mcp
from mosaic_mcp import logs
from mosaic_mcp.contract.extensions import Discovery
from mosaic_mcp.errors import EngineUnavailable
from mosaic_mcp.settings import Settings
from mosaic_mcp.studio.app import build_app
from mosaic_mcp.studio.lock import FolderLock
from mosaic_mcp.studio.process import DISCOVERY, Options
from mosaic_mcp.studio.studio import Studio, open_studio
from mosaic_mcp.studio.workflows import LOCAL, new_executor
from mosaic_mcp.web.hurried import MOST_CONNECTIONS, HurriedProtocol

_WATCH_S = 1.0
_GRACE_S = 5
"""Seconds that open requests get to finish when the studio ends."""

log = logging.getLogger(__name__)


class _Server(uvicorn.Server):
    """Uvicorn that says when it answers, and leaves the meaning of a signal to us.

    Its own handling raises the signal again after serving, which would end the process before it
    has cleaned up.
    """

    def __init__(
        self, config: uvicorn.Config, on_ready: Callable[[], None], on_signal: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self._on_signal = on_signal

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self._on_signal()


def http_server(
    app: FastAPI, on_ready: Callable[[], None], on_signal: Callable[[], None]
) -> uvicorn.Server:
    """A server of the app, to be run on a listening socket; `on_signal` is called in the signal."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,  # it would write signatures of links into the log
        server_header=False,
        http=HurriedProtocol,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=_GRACE_S,
    )
    return _Server(config, on_ready, on_signal)


async def serve(
    settings: Settings, options: Options, lock: FolderLock | None, listener: socket.socket
) -> None:
    """Serve the data folder on `listener` until there is a reason to end.

    `lock` is the folder's; without it this is one of several processes on one database.
    """
    host, port = listener.getsockname()[:2]
    url = f"http://{host}:{port}"
    token = None if options.require_key else secrets.token_urlsafe(32)
    logs.keep_secret(token)
    # Only one who is alone with his database may come back under the name of the one before.
    alone = lock is not None and options.works and settings.studio_database is None
    executor = LOCAL if alone else new_executor()

    def ready() -> None:
        if lock is not None and token is not None:
            _announce(lock.path.parent / DISCOVERY, port, token)
        log.info("serving %s on port %d as %s", settings.home, port, executor)
        if options.foreground:
            print(f"Studio at {url}, data in {settings.home}. Ctrl+C ends it.", flush=True)

    async with open_studio(
        settings, base_url=url, token=token, executor=executor, works=options.works
    ) as studio:
        loop = asyncio.get_running_loop()

        def signalled() -> None:
            loop.call_soon_threadsafe(studio.closing.set)

        server = http_server(build_app(studio), ready, signalled)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_end_when_due, studio, server, lock)
            await server.serve(sockets=[listener])
            tasks.cancel_scope.cancel()
    log.info("ended")


async def _end_when_due(studio: Studio, server: uvicorn.Server, lock: FolderLock | None) -> None:
    """Wait for a reason to end: told to, idle for long enough, or the world is gone."""
    reason = None
    while reason is None:
        with anyio.move_on_after(min(_WATCH_S, studio.settings.studio_idle_s)):
            await studio.closing.wait()
        reason = await _reason_to_end(studio, lock)
    log.info("ending: %s", reason)
    if lock is not None:
        (lock.path.parent / DISCOVERY).unlink(missing_ok=True)
    studio.closing.set()  # wakes the long polls, so that they do not hold the end up
    server.should_exit = True


async def _reason_to_end(studio: Studio, lock: FolderLock | None) -> str | None:
    if studio.closing.is_set():
        return "told to"
    if not Path(__file__).exists():
        return "the program is gone"
    if lock is None:  # started by whoever runs the cluster, not by a client that needed it
        return None
    if not lock.holds():
        return "the data folder is gone"
    if studio.activity.idle_s() >= studio.settings.studio_idle_s and not await _busy(studio):
        return f"idle for {studio.settings.studio_idle_s:g} s"
    return None


async def _busy(studio: Studio) -> bool:
    try:
        return await studio.busy()
    except EngineUnavailable:  # who cannot look may not say that there is nothing to do
        return True


def _announce(path: Path, port: int, token: str) -> None:
    """Write the discovery file at once and readable by its user alone (mkstemp makes 0600)."""
    found = Discovery(
        pid=os.getpid(),
        port=port,
        token=token,
        version=mosaic_mcp.__version__,
        started_at=datetime.now(UTC),
    )
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix="studio-", suffix=".json")
    with os.fdopen(descriptor, "w") as file:
        file.write(found.model_dump_json())
    Path(name).replace(path)
