"""All that is kept, listed once, and what deleting it frees.

The same for a folder and a bucket. In a folder contents are shared by hard links (equal renders,
sources with the user's own file), and are free only when their last name goes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import anyio.to_thread

from mosaic_mcp.studio.library import Kept, Library


class Freed:
    """Counts what deletions free."""

    def __init__(self) -> None:
        self._gone: dict[tuple[int, int], int] = {}

    def add(self, kept: Kept) -> int:
        """The bytes that are free once this is deleted too."""
        freed = 0
        for file in kept.files:
            gone = 1
            if file.inode is not None:
                gone = self._gone[file.inode] = self._gone.get(file.inode, 0) + 1
            freed += file.size if gone == file.names else 0
        return freed


@dataclass(frozen=True, slots=True)
class Found:
    """What lies in a library."""

    renders: list[Kept]
    always: list[Kept]
    sources: list[Kept]
    caches: list[Kept]
    uploads: list[Kept]
    unfinished: list[Kept]
    jobs: list[Kept]

    @property
    def occupied(self) -> int:
        """Bytes that all of it takes; contents with a name elsewhere are not ours."""
        whole = Freed()
        recipes = sum(file.size for kept in self.renders for file in kept.stays)
        return recipes + sum(whole.add(kept) for kept in self._all())

    def _all(self) -> Iterator[Kept]:
        for kept in (self.renders, self.always, self.sources, self.caches):
            yield from kept
        for kept in (self.uploads, self.unfinished, self.jobs):
            yield from kept


async def look(library: Library) -> Found:
    """List everything."""
    return Found(
        renders=[kept async for kept in library.renders()],
        always=[kept async for kept in library.always()],
        sources=[kept async for kept in library.sources()],
        caches=[kept async for kept in library.caches()],
        uploads=[kept async for kept in library.uploads()],
        unfinished=[kept async for kept in library.unfinished()],
        jobs=await anyio.to_thread.run_sync(library.jobs),
    )
