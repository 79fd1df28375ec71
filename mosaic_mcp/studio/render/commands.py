"""Every FFmpeg process as something to look at: kept with the job it works for, traced, counted.

Whoever does a job sets a keeper (`kept_by`); what the job's FFmpeg processes are and how they ended
is told to it, from wherever they are started. Paths are told relative to the folder in which FFmpeg
ran, so that the command can be run again in another one that holds the same files.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Protocol, TypedDict

import anyio

from mosaic_mcp import traces
from mosaic_mcp.studio import metrics

_REPORT = re.compile(r"^\[(libx\w+|aac|png)\b[^\]]*\] (.+)$", re.MULTILINE)
"""What an encoder says of its work: frames by type, quantisers, bit rate."""


class SideFile(TypedDict, total=False):
    """A file in the job folder that commands read: its text, or of which content it is a link."""

    text: str
    sha256: str
    font: str


@dataclass(slots=True)
class Command:
    """One FFmpeg process."""

    arguments: tuple[str, ...]
    """What stands after the program, without the options that report progress to us."""
    folder: str
    """Name of the folder in which it ran."""
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    seconds: float | None = None
    """How long it ran; None while it does."""
    code: int | None = None
    """Its exit code; None when it was stopped."""
    frames: int = 0
    media_s: float = 0.0
    """Seconds of output."""
    log: str = ""
    """The end of its messages."""


class Keeper(Protocol):
    """Keeps what it is told; never raises."""

    async def began(self, command: Command) -> None:
        """It is about to start."""
        ...

    async def ended(self, command: Command) -> None:
        """It is gone."""
        ...

    async def files(self, files: Mapping[str, SideFile]) -> None:
        """The job's commands read these files, by folder and name."""
        ...


_keeper: ContextVar[Keeper | None] = ContextVar("mosaic_ffmpeg_keeper", default=None)


@contextmanager
def kept_by(keeper: Keeper) -> Generator[None]:
    """Within it, and in tasks begun there, `keeper` is told of every command."""
    token = _keeper.set(keeper)
    try:
        yield
    finally:
        _keeper.reset(token)


async def keep_files(folder: Path, files: Mapping[str, SideFile]) -> None:
    """Tell what commands that run in a folder will read there."""
    if (keeper := _keeper.get()) is not None:
        await keeper.files({f"{folder.name}/{name}": file for name, file in files.items()})


@asynccontextmanager
async def watched(arguments: Sequence[str], cwd: Path) -> AsyncGenerator[Command]:
    """Around one process; the block fills in how it went."""
    outside = {part: os.path.relpath(part, cwd) for part in arguments if Path(part).is_absolute()}
    command = Command(tuple(outside.get(part, part) for part in arguments), cwd.name)
    keeper = _keeper.get()
    if keeper is not None:
        await keeper.began(command)
    start = time.monotonic()
    with traces.span("ffmpeg", attributes={"codec": _codecs(arguments)}) as span:
        try:
            yield command
        finally:
            command.seconds = time.monotonic() - start
            for path, name in outside.items():
                command.log = command.log.replace(path, name)
            span.set_attribute("media_seconds", round(command.media_s, 3))
            if command.code is not None:
                span.set_attribute("exit_code", command.code)
            if command.code:
                metrics.FFMPEG_FAILURES.inc()
            if keeper is not None:
                # Also when the work was cancelled: it is then that one wants to know.
                with anyio.CancelScope(shield=True):
                    await keeper.ended(command)


def encoder_report(messages: str) -> tuple[str, ...]:
    """What the encoders said of their work, out of FFmpeg's messages."""
    return tuple(f"{name}: {said.strip()}" for name, said in _REPORT.findall(messages))


def _codecs(arguments: Sequence[str]) -> str | None:
    """The encoders that a command names: "libx264", "copy"."""
    named = [value for option, value in pairwise(arguments) if re.fullmatch(r"-c(:[av])?", option)]
    return ",".join(named) or None
