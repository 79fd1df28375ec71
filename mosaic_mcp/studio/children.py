"""Programs that the studio starts: what they know, how they are limited, and how they are ended.

FFmpeg, yt-dlp and the helper that opens media read what strangers made. Whoever takes one of them
over finds no key, token or database address: of the environment they get what NAMES lists.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from subprocess import PIPE
from typing import Any

import anyio
import anyio.abc

GUARD = Path(__file__).parent / "render" / "guard.py"
GONE_S = 2.0
"""The longest wait for what was killed: a process that left its group goes on, with our pipe."""

# fmt: off
NAMES = frozenset({
    "PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TMP", "TEMP",
    "LANG", "LANGUAGE", "TZ",
    "FONTCONFIG_FILE", "FONTCONFIG_PATH", "FONTCONFIG_SYSROOT",
    "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_DATA_DIRS",
    "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH",
    "PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "PYTHONUTF8", "PYTHONIOENCODING",
    "PYTHONPYCACHEPREFIX", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV",
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS",
    "CUDA_VISIBLE_DEVICES", "LIBVA_DRIVER_NAME", "LIBVA_DRIVERS_PATH",
    # Without some of these nothing starts on Windows.
    "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "USERPROFILE", "HOMEDRIVE",
    "HOMEPATH", "APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "PROGRAMFILES",
    "NUMBER_OF_PROCESSORS", "PROCESSOR_ARCHITECTURE",
})
"""Where programs, fonts, libraries and folders are, and how people write. Also all of LC_*."""
NETWORK = frozenset({
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE",
})
# fmt: on
"""For a program that has to reach the internet. A proxy's address may hold its password."""


def environment(
    more: Iterable[str] = (), *, whole: Mapping[str, str] | None = None
) -> dict[str, str]:
    """What a child may know of our environment (or of `whole`): NAMES, and `more` names."""
    wanted = NAMES | frozenset(more)
    whole = os.environ if whole is None else whole
    # Windows' names, and proxies' everywhere, are written in either case.
    return {
        name: value
        for name, value in whole.items()
        if name.upper() in wanted or name.startswith("LC_")
    }


def guarded(options: Mapping[str, Any], program: Sequence[str]) -> list[str]:
    """The command that runs a program under guard; `options` are those of `guard.py`."""
    return [sys.executable, "-I", "-S", str(GUARD), json.dumps(options), *program]


def processor_s(wall_s: float) -> int:
    """A limit of processor time for when nobody is left to look at the clock, seconds."""
    return int(wall_s * (os.cpu_count() or 1)) + 1


async def start(
    command: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str], stderr: int = PIPE
) -> anyio.abc.Process:
    """Start a command in a process group of its own, with pipes; `end` it in any case."""
    # Shielded: cancelled half-way, it would be left running without anybody who knows it.
    with anyio.CancelScope(shield=True):
        return await anyio.open_process(
            command,
            stdin=PIPE,
            stdout=PIPE,
            stderr=stderr,
            cwd=cwd,
            env=env,
            start_new_session=True,
        )
    raise AssertionError("a shielded scope is never cancelled")


async def end_with_guard(process: anyio.abc.Process) -> None:
    """Kill a program when its guard was killed: it holds our pipes, and would keep us waiting."""
    if await process.wait() < 0:
        kill_group(process)


async def end(process: anyio.abc.Process) -> None:
    """Kill what still runs of a process and its group, and reap it."""
    with anyio.CancelScope(shield=True):
        # Below 0 it was killed itself, and what it started may still be in its group.
        if process.returncode is None or process.returncode < 0:
            kill_group(process)
            await process.wait()
            await _let_go(process)
        await process.aclose()


async def _let_go(process: anyio.abc.Process) -> None:
    """Wait until what a killed process started has ended too: until then it holds our pipe.

    It may take a moment, as the system takes back its memory first.
    """
    assert process.stdout is not None  # noqa: S101 - opened with a pipe
    with anyio.move_on_after(GONE_S):
        async for _ in process.stdout:
            pass


def kill_group(process: anyio.abc.Process) -> None:
    """Kill a process that `start` started, with all that it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            process.kill()  # the guard's job object ends the rest
        else:
            os.killpg(process.pid, signal.SIGKILL)
