"""The studio as a process: one per data folder, found by its discovery file, gone when idle.

| file in `studio/` | what it is for |
| --- | --- |
| studio.lock | held for the whole life; a second start leaves quietly |
| studio.json | the discovery file, there exactly while the studio can be called |
| port | the port of last time, so that links outlive a restart |
| log/studio.log | the log, rotated |
| log/console.log | raw output of a detached studio: empty, unless it crashes |
| log/crash.log | console.log of the last studio that crashed |

What serves is imported after the lock is taken, so that a start that is not needed costs little.
"""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import logging
import logging.handlers
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from mosaic_mcp import logs, traces
from mosaic_mcp.contract.extensions import Discovery
from mosaic_mcp.errors import Fault, InvalidRequest
from mosaic_mcp.settings import Settings
from mosaic_mcp.studio.library import Library
from mosaic_mcp.studio.listening import bind
from mosaic_mcp.studio.lock import FolderLock

ALREADY_RUNNING = 3
"""Exit code of a start that found another studio at work on the same data folder."""
DISCOVERY = "studio.json"
LAST_CRASH = "crash.log"
_TAKE_OVER_S = 30.0
"""How long a start waits for a studio that holds the lock but is not to be found: it is ending."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to start."""

    foreground: bool = False
    port: int | None = None
    """None: the port of last time, or a free one."""
    require_key: bool = False
    """Accept only MOSAIC_STUDIO_KEYS, and do not announce the studio to local clients."""


def run(settings: Settings, options: Options) -> int:
    """Serve until told to stop or idle; the exit code."""
    if options.require_key and not settings.studio_keys:
        raise InvalidRequest(
            [Fault("--require-key", "no keys are set.", "Set MOSAIC_STUDIO_KEYS to mk_key=owner.")]
        )
    folder = Library(settings.home).studio
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = FolderLock(folder / "studio.lock")
    if not _take(lock, folder):
        other = read_discovery(folder)
        where = f" at {other.url} (process {other.pid})" if other else ""
        print(f"Another studio already serves {settings.home}{where}.")
        return ALREADY_RUNNING
    (folder / DISCOVERY).unlink(missing_ok=True)  # of a studio that was killed
    try:
        with bind(folder / "port", options.port) as listener:
            _start_log(settings, folder / "log", foreground=options.foreground)
            traces.start_traces("mosaic-studio")
            from mosaic_mcp.studio.serving import serve

            asyncio.run(serve(settings, options, lock, listener))
    finally:
        lock.release()
    return 0


def read_discovery(folder: Path) -> Discovery | None:
    """The discovery file of the studio folder, None without a readable one."""
    try:
        return Discovery.model_validate_json((folder / DISCOVERY).read_bytes())
    except (OSError, ValidationError):
        return None


def _take(lock: FolderLock, folder: Path) -> bool:
    """Take the lock; wait while its holder is starting or ending, leave when it can be found."""
    deadline = time.monotonic() + _TAKE_OVER_S
    while not lock.take():
        if read_discovery(folder) is not None or time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _start_log(settings: Settings, folder: Path, *, foreground: bool) -> None:
    folder.mkdir(exist_ok=True)
    handlers: list[logging.Handler] = [
        logging.handlers.RotatingFileHandler(
            folder / "studio.log", maxBytes=1_000_000, backupCount=3, encoding="utf-8"
        )
    ]
    if foreground:
        handlers.append(logging.StreamHandler())
    else:
        _leave_terminal(folder / "console.log")
    logs.start_logs(settings, *handlers, level="info")


def _leave_terminal(console: Path) -> None:
    """Let go of the starter's terminal, pipes and session; raw output goes to `console`."""
    with contextlib.suppress(OSError, AttributeError):  # already a session's leader; Windows
        os.setsid()
    if console.exists() and console.stat().st_size:
        # What a studio said as it crashed is for the doctor, also after the next has started.
        console.replace(console.with_name(LAST_CRASH))
    output = os.open(console, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    sys.stdout.flush()
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(nothing)
    os.close(output)
    faulthandler.enable()
