"""Rendering the picture in parts, one for a short picture; those of a long one are kept."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import anyio
import anyio.to_thread

from mosaic_mcp.errors import MosaicError
from mosaic_mcp.studio.machine import cores
from mosaic_mcp.studio.render.kept import PartStore
from mosaic_mcp.studio.render.part import Part, make
from mosaic_mcp.studio.render.pieces import Frames
from mosaic_mcp.studio.render.seams import parts_of
from mosaic_mcp.studio.render.sharing import Company, Others
from mosaic_mcp.studio.render.workbench import OnShare, Workbench
from mosaic_mcp.studio.side_by_side import side_by_side

LISTING = "parts.txt"
MOST_AT_ONCE = 4
"""Parts that are rendered side by side: each takes some hundred megabytes."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A finished picture in the job's folder: FFmpeg's arguments to read it, and how it was made.

    The rest is as in `RenderReport`.
    """

    inputs: tuple[str, ...]
    commands: tuple[tuple[str, ...], ...] = ()
    graphs: tuple[str, ...] = ()
    copied: int = 0
    why_encoded: str = ""
    kept: int = 0
    along: int = 0
    apart: str = ""


async def rendered(
    work: Workbench, tell: OnShare, store: PartStore | None, others: Others | None
) -> Picture:
    """Render the picture. Its parts are taken from the store, and kept there if they are several.

    Those of `others` that show the same frames are made along and kept.
    """
    places = parts_of(work.timeline) if store else [Frames(0, work.frames)]
    parts = await anyio.to_thread.run_sync(lambda: [Part(work, frames) for frames in places])
    at_once = max(1, min(cores(), MOST_AT_ONCE, len(parts)))
    async with Company(work, others) as company:
        making = _Making(work, parts, tell, store, company)
        await making.all(at_once)
    files = [making.file(number).name for number in range(len(parts))]
    inputs = ("-i", files[0])
    if len(files) > 1:
        # As FFmpeg's concat demuxer reads it; the names are ours.
        listing = "ffconcat version 1.0\n" + "".join(f"file {name}\n" for name in files)
        (work.job / LISTING).write_text(listing, "utf-8")
        inputs = ("-f", "concat", "-i", LISTING)
    return Picture(
        inputs,
        tuple(part.arguments for part in parts),
        tuple(part.plan.graph for part in parts),
        kept=making.kept,
        along=making.along,
        apart=making.apart,
    )


class _Making:
    """The parts of one picture on their way."""

    def __init__(
        self,
        work: Workbench,
        parts: Sequence[Part],
        tell: OnShare,
        store: PartStore | None,
        company: Company,
    ) -> None:
        self.kept = 0
        self.along = 0
        self.apart = ""
        self._work = work
        self._parts = parts
        self._tell = tell
        self._store = store
        self._company = company
        self._shares = [0.0] * len(parts)
        self._left = len(parts)

    def file(self, number: int) -> Path:
        """Where a finished part is."""
        return self._work.job / f"part{number}.mp4"

    async def all(self, at_once: int) -> None:
        """Make what is missing, so many side by side."""
        missing = [n for n in range(len(self._parts)) if not await self._taken(n)]
        self._left = len(missing)
        limit = anyio.CapacityLimiter(at_once)

        async def one(number: int) -> None:
            async with limit:
                await self._have(number, min(at_once, self._left))
            self._left -= 1

        async with side_by_side() as group:
            for number in missing:
                group.start_soon(one, number)

    async def _have(self, number: int, at_once: int) -> None:
        """Make a part, or wait for whoever makes it along with their own."""
        store, part = self._store, self._parts[number]
        # As many as are at work leave so many cores to each: the last one, by itself, has all.
        threads = max(1, cores() // at_once) if len(self._parts) > 1 else None
        if store is None:
            await self._render(number, [part], threads)
            return
        kept = part.kept(store)
        while True:
            with store.underway.claim(kept) as mine:
                if mine:
                    if not await self._taken(number):
                        await self._make(number, store, threads)
                    return
            await store.underway.over(kept)

    async def _taken(self, number: int) -> bool:
        if self._store is None:
            return False
        taken = await self._parts[number].taken(self._store, self.file(number))
        if taken:
            self.kept += 1
            self._told(number, 1.0)
        return taken

    async def _make(self, number: int, store: PartStore, threads: int | None) -> None:
        """Make a part that is ours to make, along with the same part of others."""
        part = self._parts[number]
        with ExitStack() as claims:
            along = await self._company.join(part.frames, store, claims)
            try:
                await self._render(number, [part, *(each.part for each in along)], threads)
                return
            except (MosaicError, OSError) as error:
                if not along:
                    raise
                # Whose fault it is will be seen: each is made alone from here on.
                self.apart = str(error)
                self._company.leave(along)
        await self._render(number, [part], threads)

    async def _render(self, number: int, parts: Sequence[Part], threads: int | None) -> None:
        several = len(self._parts) > 1
        folder = self._work.job / f"part{number}" if several else self._work.job
        made = await make(parts, folder, lambda share: self._told(number, share), threads)
        if (store := self._store) is not None:
            # That of a short picture would only be kept beside its own output.
            if several or store.underway.awaited(parts[0].kept(store)):
                await parts[0].keep(made[0], store)
            for other, file in zip(parts[1:], made[1:], strict=True):
                await other.keep(file, store, moved=True)
        self.along += len(parts) - 1
        made[0].replace(self.file(number))
        self._told(number, 1.0)

    def _told(self, number: int, share: float) -> None:
        self._shares[number] = share * self._parts[number].frames.count
        self._tell(min(sum(self._shares) / self._work.frames, 1.0))
