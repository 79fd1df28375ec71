"""A worker: a process that does runs and serves nobody. Any number may share one database."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
from types import FrameType

from mosaic_mcp.settings import Settings
from mosaic_mcp.studio.process import start_log
from mosaic_mcp.studio.store.postgres import place
from mosaic_mcp.studio.studio import open_studio
from mosaic_mcp.studio.workflows import new_executor

log = logging.getLogger(__name__)


def run_worker(settings: Settings) -> int:
    """Work until told to end by SIGTERM or SIGINT; what is unfinished goes to others at once."""
    start_log(settings, None, foreground=True, service="mosaic-worker")
    asyncio.run(_work(settings))
    return 0


async def _work(settings: Settings) -> None:
    told, loop = asyncio.Event(), asyncio.get_running_loop()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(told.set)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    executor = new_executor()
    async with open_studio(settings, executor=executor) as studio:
        # What was imported stays: looked through once more at the end, it would cost half a second.
        gc.freeze()
        database = studio.store.postgres
        where = f"PostgreSQL at {place(database)}" if database else "SQLite"
        log.info("worker %s, database %s, data in %s", executor, where, settings.home)
        print(f"Worker {executor} takes work from {where}, data in {settings.home}.", flush=True)
        await told.wait()
        log.info("handing over")
    log.info("ended")
