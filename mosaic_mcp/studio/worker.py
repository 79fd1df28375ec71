"""A worker: a process that does runs. Any number may share one database.

It serves nobody, but may tell on a port of its own how it is: /health and /metrics.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import secrets
import signal
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, nullcontext
from types import FrameType

from mosaic_mcp import logs
from mosaic_mcp.errors import Fault, InvalidRequest
from mosaic_mcp.settings import Settings
from mosaic_mcp.studio.listening import HOST, bind
from mosaic_mcp.studio.process import start_log
from mosaic_mcp.studio.store.postgres import place
from mosaic_mcp.studio.studio import Studio, open_studio
from mosaic_mcp.studio.workflows import new_executor

log = logging.getLogger(__name__)


def run_worker(settings: Settings, port: int | None = None, host: str = HOST) -> int:
    """Work until told to end by SIGTERM or SIGINT; what is unfinished goes to others at once.

    With `port` (0: a free one) it answers /health and /metrics there. On another address than
    loopback /metrics needs one of MOSAIC_STUDIO_KEYS.
    """
    if host != HOST and (port is None or not settings.studio_keys):
        said = "goes with --port, and with MOSAIC_STUDIO_KEYS, one of which /metrics then needs."
        raise InvalidRequest([Fault("--host", said, "Set both, or leave --host out.")])
    start_log(settings, None, foreground=True, service="mosaic-worker")
    if port is None:
        asyncio.run(_work(settings, None))
    else:
        with bind(None, port, host) as listener:
            asyncio.run(_work(settings, listener))
    return 0


async def _work(settings: Settings, listener: socket.socket | None) -> None:
    told, loop = asyncio.Event(), asyncio.get_running_loop()

    def end() -> None:
        loop.call_soon_threadsafe(told.set)

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        end()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    executor = new_executor()
    # Only a token lets callers on this machine in without one; nobody is told it.
    here = listener is None or listener.getsockname()[0] == HOST
    token = secrets.token_urlsafe(32) if here else None
    logs.keep_secret(token)
    async with open_studio(settings, token=token, executor=executor) as studio:
        # What was imported stays: looked through once more at the end, it would cost half a second.
        gc.freeze()
        database = studio.store.postgres
        where = f"PostgreSQL at {place(database)}" if database else "SQLite"
        async with nullcontext() if listener is None else _telling(studio, listener, end):
            log.info("worker %s, database %s, data in %s", executor, where, settings.home)
            print(
                f"Worker {executor} takes work from {where}, data in {settings.home}.", flush=True
            )
            if listener is not None:
                at = ":".join(map(str, listener.getsockname()[:2]))
                print(f"It tells how it is at http://{at}/health and /metrics.", flush=True)
            await told.wait()
        log.info("handing over")
    log.info("ended")


@asynccontextmanager
async def _telling(
    studio: Studio, listener: socket.socket, end: Callable[[], None]
) -> AsyncGenerator[None]:
    """Answer /health and /metrics meanwhile."""
    from mosaic_mcp.studio.app import build_app
    from mosaic_mcp.studio.routes import operating
    from mosaic_mcp.studio.serving import http_server

    ready = asyncio.Event()
    # Probes of an orchestrator call a worker by its address.
    app = build_app(studio, [operating.router], any_host=True)
    server = http_server(app, ready.set, end)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    await ready.wait()
    try:
        yield
    finally:
        server.should_exit = True
        await serving
