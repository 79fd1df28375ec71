"""The processes that work for one data folder, whoever started them (Linux)."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import anyio

KINDS = ("studio", "ffmpeg", "guard", "helper", "mcp")


@dataclass(frozen=True)
class Process:
    """A process of a data folder."""

    pid: int
    parent: int
    kind: str


def processes_of(home: Path) -> list[Process]:
    """All of them: those that are told of the folder, and those that work in it.

    Servers and studios have it in their environment; what a studio starts is not told, and works in
    the folder that the studio was started in, or in a job's below it.
    """
    mark = f"MOSAIC_HOME={home}".encode()
    found: dict[int, Process] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with suppress(OSError):  # it ended meanwhile, or is another user's
            told = mark in (entry / "environ").read_bytes().split(b"\0")
            if not told and not (entry / "cwd").readlink().is_relative_to(home):
                continue
            kind = _kind((entry / "cmdline").read_bytes().decode().split("\0"))
            if kind is not None:
                pid = int(entry.name)
                found[pid] = Process(pid, _parent(entry), kind)
    # Between fork and exec a child looks like its parent.
    return [p for p in found.values() if p.parent not in found or found[p.parent].kind != p.kind]


def _kind(command: list[str]) -> str | None:
    if "mosaic_mcp.studio.perception.helper" in command:
        return "helper"
    if "mosaic_mcp.studio" in command:
        return "studio"
    if "mosaic_mcp" in command:
        return "mcp"
    if any(part.endswith("guard.py") for part in command[:5]):
        return "guard"
    return "ffmpeg" if "ffmpeg" in Path(command[0]).name else None


def _parent(entry: Path) -> int:
    return int((entry / "stat").read_text().rpartition(")")[2].split()[1])


def counted(found: list[Process]) -> Counter[str]:
    """How many there are of each kind."""
    return Counter(process.kind for process in found)


def kill(process: Process) -> bool:
    """SIGKILL; False when it had ended."""
    try:
        os.kill(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def of_kind(found: list[Process], kind: str) -> Iterator[Process]:
    """Those of one kind."""
    return (process for process in found if process.kind == kind)


async def until(what: Callable[[], object]) -> None:
    """Wait for what other processes bring about; the caller says how long."""
    while not what():  # noqa: ASYNC110 - nobody tells us
        await anyio.sleep(0.05)
