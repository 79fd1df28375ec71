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

On PostgreSQL others may serve too: the one that holds the lock is the one that local clients find,
the others know only callers with a key.
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
from mosaic_mcp.importing import all_at_once
from mosaic_mcp.settings import Settings
from mosaic_mcp.studio.library import Library
from mosaic_mcp.studio.listening import HOST, bind
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
    host: str = HOST
    """Address to listen on; another than loopback only with `require_key`."""
    works: bool = True
    """False: other processes on the same database do the work."""


def run(settings: Settings, options: Options) -> int:
    """Serve until told to stop or idle; the exit code."""
    _check(settings, options)
    folder = Library(settings.home).studio
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if settings.studio_database and options.require_key:
        return _serve(settings, options, folder, None)
    lock = FolderLock(folder / "studio.lock")
    if not _take(lock, folder):
        other = read_discovery(folder)
        where = f" at {other.url} (process {other.pid})" if other else ""
        print(f"Another studio already serves {settings.home}{where}.")
        if settings.studio_database and options.foreground:
            print("To serve beside it, set MOSAIC_STUDIO_KEYS and add --require-key.")
        return ALREADY_RUNNING
    (folder / DISCOVERY).unlink(missing_ok=True)  # of a studio that was killed
    try:
        return _serve(settings, options, folder, lock)
    finally:
        lock.release()


def _check(settings: Settings, options: Options) -> None:
    faults: list[Fault] = []
    if options.require_key and not settings.studio_keys:
        faults.append(
            Fault("--require-key", "no keys are set.", "Set MOSAIC_STUDIO_KEYS to mk_key=owner.")
        )
    if options.host != HOST and not options.require_key:
        faults.append(Fault("--host", "goes with --require-key.", "Add --require-key."))
    if faults:
        raise InvalidRequest(faults)


def _serve(settings: Settings, options: Options, folder: Path, lock: FolderLock | None) -> int:
    remembered = folder / "port" if lock else None
    with bind(remembered, options.port, options.host) as listener:
        start_log(settings, folder / "log" if lock else None, foreground=options.foreground)
        with all_at_once():
            from mosaic_mcp.studio.serving import serve
        asyncio.run(serve(settings, options, lock, listener))
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


def start_log(
    settings: Settings, folder: Path | None, *, foreground: bool, service: str = "mosaic-studio"
) -> None:
    """Log to a file in `folder`, and to standard error in the foreground; begin to trace.

    None: only there. Of several processes that share a folder one alone may write its file.
    """
    handlers: list[logging.Handler] = []
    if folder is not None:
        folder.mkdir(exist_ok=True)
        handlers.append(
            logging.handlers.RotatingFileHandler(
                folder / "studio.log", maxBytes=1_000_000, backupCount=3, encoding="utf-8"
            )
        )
    if folder is None:
        pass  # MOSAIC_LOG_FILE, or standard error
    elif foreground:
        handlers.append(logging.StreamHandler())
    else:
        _leave_terminal(folder / "console.log")
    logs.start_logs(settings, *handlers, level="info")
    traces.start_traces(service)


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
