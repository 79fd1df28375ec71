"""What renders keep for the next one that needs it too: files under a hash of what decides them.

What has its name is whole; what was used last is deleted last (`Library.trim_parts`).
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import anyio

from mosaic_mcp.studio.render.workbench import place


def take(kept: Path, wanted: Path) -> bool:
    """Have the file `kept` also as `wanted`; False when it is not there."""
    try:
        place(kept, wanted)
        os.utime(kept)  # which, unlike touch, makes no file where one was just deleted
    except FileNotFoundError:
        wanted.unlink(missing_ok=True)
        return False
    return True


def keep(made: Path, kept: Path, *, moved: bool = False) -> None:
    """Keep a finished file under its name, in one step; `moved`, it is not left where it was."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    part = kept.with_name(f".{uuid4()}.part")  # hidden: nobody takes it for a kept file
    try:
        if moved:
            made.replace(part)
    except OSError:  # kept on another disk
        moved = False
    if not moved:
        place(made, part)
    with part.open("rb+") as file:  # what has its name survives a power cut
        os.fsync(file.fileno())
    part.replace(kept)


class Underway:
    """The files that renders of this process are making to be kept: nobody makes one twice."""

    def __init__(self) -> None:
        self._ends: dict[Path, anyio.Event] = {}

    @contextmanager
    def claim(self, kept: Path) -> Generator[bool]:
        """Make it until the end of the block; False when somebody else does."""
        if kept in self._ends:
            yield False
            return
        self._ends[kept] = anyio.Event()
        try:
            yield True
        finally:
            self._ends.pop(kept).set()

    async def over(self, kept: Path) -> None:
        """Wait until nobody makes it any more, whether or not it is there then."""
        if kept in self._ends:
            await self._ends[kept].wait()

    def awaited(self, kept: Path) -> bool:
        """True when somebody waits for it."""
        return kept in self._ends and self._ends[kept].statistics().tasks_waiting > 0


@dataclass(frozen=True, slots=True)
class PartStore:
    """Where parts of pictures and sounds are kept."""

    folder: Path
    tools: str = ""
    """By which they have to be made."""
    underway: Underway = field(default_factory=Underway)
    """One for all renders of a process."""
