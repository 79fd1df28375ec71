"""The studio as a process: one per data folder, found by its discovery file, gone when idle.

lock      studio.lock, held for the whole life; a second start leaves quietly
port      kept in `port`, so that links outlive a restart
discovery studio.json, written once the server answers, removed before it stops answering
log       log/studio.log, rotated; raw output of a detached studio goes to log/console.log
"""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import logging
import logging.handlers
import os
import secrets
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import anyio
import uvicorn
from pydantic import ValidationError

import mosaic_mcp
from mosaic_mcp.contract.extensions import Discovery
from mosaic_mcp.errors import Conflict, Fault, InvalidRequest
from mosaic_mcp.settings import Settings
from mosaic_mcp.studio.app import build_app
from mosaic_mcp.studio.library import Library
from mosaic_mcp.studio.lock import FolderLock
from mosaic_mcp.studio.studio import Studio, open_studio

ALREADY_RUNNING = 3
"""Exit code of a start that found another studio at work on the same data folder."""
HOST = "127.0.0.1"
_TAKE_OVER_S = 30.0
"""How long a start waits for a studio that holds the lock but is not to be found: it is ending."""
_WATCH_S = 1.0
_GRACE_S = 5
"""Seconds that open requests get to finish when the studio ends."""

log = logging.getLogger(__name__)


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
    (folder / "studio.json").unlink(missing_ok=True)  # of a studio that was killed
    _start_log(folder / "log", foreground=options.foreground)
    try:
        asyncio.run(_serve(settings, options, lock))
    finally:
        lock.release()
    return 0


def read_discovery(folder: Path) -> Discovery | None:
    """The discovery file of the studio folder, None without a readable one."""
    try:
        return Discovery.model_validate_json((folder / "studio.json").read_bytes())
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


class _Server(uvicorn.Server):
    """Uvicorn that says when it answers."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()


async def _serve(settings: Settings, options: Options, lock: FolderLock) -> None:
    folder = lock.path.parent
    listener = _bind(folder / "port", options.port)
    port = int(listener.getsockname()[1])
    token = None if options.require_key else secrets.token_urlsafe(32)
    announced = folder / "studio.json"

    def ready() -> None:
        if token is not None:
            _announce(announced, port, token)
        log.info("serving %s on port %d", settings.home, port)
        if options.foreground:
            print(f"Studio at http://{HOST}:{port}, data in {settings.home}. Ctrl+C ends it.")

    async with open_studio(settings, base_url=f"http://{HOST}:{port}", token=token) as studio:
        config = uvicorn.Config(
            build_app(studio),
            log_config=None,
            access_log=False,  # it would write signatures of links into the log
            server_header=False,
            timeout_graceful_shutdown=_GRACE_S,
        )
        server = _Server(config, ready)
        _on_signals(studio.closing.set)
        watch = asyncio.create_task(_watch(studio, server, lock))
        try:
            await server.serve(sockets=[listener])
        finally:
            watch.cancel()
            announced.unlink(missing_ok=True)
    log.info("ended")


def _on_signals(stop: Callable[[], None]) -> None:
    """End in good order on SIGTERM and SIGINT.

    Uvicorn takes the signals while it serves and raises them again afterwards: these handlers
    then keep the process alive until it has cleaned up.
    """
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop))


async def _watch(studio: Studio, server: uvicorn.Server, lock: FolderLock) -> None:
    """End the server when asked, when idle for long enough, or when its world is gone."""
    idle_s = studio.settings.studio_idle_s
    while not server.should_exit:
        with anyio.move_on_after(min(_WATCH_S, idle_s)):
            await studio.closing.wait()
        if studio.closing.is_set():
            log.info("asked to end")
        elif not lock.holds() or not Path(__file__).exists():
            log.info("the data folder or the program is gone")
        elif studio.activity.idle_s() >= idle_s and not await studio.busy():
            log.info("idle for %.0f s", idle_s)
        else:
            continue
        (lock.path.parent / "studio.json").unlink(missing_ok=True)
        studio.closing.set()  # wakes the long polls, so that they do not hold the end up
        server.should_exit = True


def _bind(remembered: Path, port: int | None) -> socket.socket:
    """A listening socket on loopback: `port`, or the port of last time, or a free one."""
    if port is not None:
        try:
            return _listen(port)
        except OSError as error:
            raise Conflict(
                f"Port {port} cannot be used: {error.strerror}.", remedy="Choose another --port."
            ) from error
    try:
        return _listen(int(remembered.read_text()))
    except (OSError, ValueError, OverflowError):
        listener = _listen(0)
    remembered.write_text(f"{listener.getsockname()[1]}\n")
    return listener


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if sys.platform == "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


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


def _start_log(folder: Path, *, foreground: bool) -> None:
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
    logging.basicConfig(
        level=logging.INFO,
        handlers=handlers,
        format="%(asctime)s %(levelname)s %(process)d %(name)s: %(message)s",
    )


def _leave_terminal(console: Path) -> None:
    """Let go of the starter's terminal, pipes and session; raw output goes to `console`."""
    with contextlib.suppress(OSError, AttributeError):  # already a session's leader; Windows
        os.setsid()
    output = os.open(console, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    sys.stdout.flush()
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(nothing)
    os.close(output)
    faulthandler.enable()
