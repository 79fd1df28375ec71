"""Timelines that wait to be rendered beside one, as the studio would tell of them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path

from mosaic_mcp.studio.render.sharing import Waiting
from mosaic_mcp.studio.timeline.model import Timeline

Files = Mapping[str, Path]


class FixedOthers:
    """Always the same ones: by name, each with its files, or None where there is no room for it."""

    def __init__(
        self, wanted: Mapping[str, tuple[Timeline, Files | None]], *, memory: bool = True
    ) -> None:
        self.wanted = dict(wanted)
        self.spoiled: list[str] = []
        self.used: list[str] = []
        """Whose files and memory are in use now."""
        self.asked = False
        self._memory_is_there = memory

    async def now(self) -> Sequence[Waiting]:
        self.asked = True
        return [
            Waiting(name, timeline, partial(self._files, name, files), partial(self._memory, name))
            for name, (timeline, files) in self.wanted.items()
        ]

    def failed(self, ids: Sequence[str]) -> None:
        self.spoiled += ids

    @asynccontextmanager
    async def _files(self, name: str, files: Files | None) -> AsyncGenerator[Files | None]:
        self.used.append(f"files of {name}")
        yield files
        self.used.remove(f"files of {name}")

    @contextmanager
    def _memory(self, name: str) -> Generator[bool]:
        self.used.append(f"memory for {name}")
        yield self._memory_is_there
        self.used.remove(f"memory for {name}")
