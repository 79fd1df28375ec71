"""Timelines that wait to be rendered beside one, as the studio would tell of them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from mosaic_mcp.studio.render.sharing import Waiting
from mosaic_mcp.studio.timeline.model import Timeline

Files = Mapping[str, Path]


class FixedOthers:
    """Always the same ones: by name, each with its files, or None where there is no room for it."""

    def __init__(self, wanted: Mapping[str, tuple[Timeline, Files | None]]) -> None:
        self.wanted = dict(wanted)
        self.spoiled: list[str] = []
        self.rooms: dict[str, int] = {}
        """For how many parts at once each has asked for memory; 0 when it was given back."""

    async def now(self) -> Sequence[Waiting]:
        return [
            Waiting(name, timeline, self._room(name, files))
            for name, (timeline, files) in self.wanted.items()
        ]

    def failed(self, ids: Sequence[str]) -> None:
        self.spoiled += ids

    def _room(self, name: str, files: Files | None):
        @asynccontextmanager
        async def room(times: int) -> AsyncGenerator[Files | None]:
            self.rooms[name] = times
            yield files
            self.rooms[name] = 0

        def ask(times: int) -> AbstractAsyncContextManager[Files | None]:
            return room(times)

        return ask
