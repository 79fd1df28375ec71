"""Rendering the picture in parts that are kept: one for a short picture, several for a long one."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio
import anyio.to_thread

from mosaic_mcp.errors import Interrupted, MosaicError, NoSpace
from mosaic_mcp.studio.machine import cores
from mosaic_mcp.studio.render.part import Part, Store, make
from mosaic_mcp.studio.render.pieces import Frames
from mosaic_mcp.studio.render.seams import parts_of
from mosaic_mcp.studio.render.sharing import Company
from mosaic_mcp.studio.render.workbench import OnShare, Workbench, place
from mosaic_mcp.studio.side_by_side import side_by_side

LISTING = "parts.txt"
MOST_AT_ONCE = 4
"""Parts that are rendered side by side: each takes some hundred megabytes."""

log = logging.getLogger(__name__)


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


async def rendered(
    work: Workbench, tell: OnShare, store: Store | None, company: Company
) -> Picture:
    """Render the picture. Its parts are kept in the store, and taken from it.

    Those of the company are made along and kept; without a store there is nobody to make them for.
    """
    places = parts_of(work.timeline) if store else [Frames(0, work.frames)]
    parts = await anyio.to_thread.run_sync(lambda: [Part(work, frames) for frames in places])
    making = _Making(work, parts, tell, store, company)
    await making.all()
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
    )


class _Making:
    """The parts of one picture on their way."""

    def __init__(
        self,
        work: Workbench,
        parts: Sequence[Part],
        tell: OnShare,
        store: Store | None,
        company: Company,
    ) -> None:
        self.kept = 0
        self._work = work
        self._parts = parts
        self._tell = tell
        self._store = store
        self._company = company
        self._shares = [0.0] * len(parts)

    def file(self, number: int) -> Path:
        """Where a finished part is."""
        return self._work.job / f"part{number}.mp4"

    async def all(self) -> None:
        """Make what is missing, several side by side."""
        missing = [n for n in range(len(self._parts)) if not await self._taken(n)]
        if not missing:
            return
        at_once = max(1, min(cores(), MOST_AT_ONCE, len(missing)))
        limit = anyio.CapacityLimiter(at_once)
        threads = cores() // at_once if at_once > 1 else None

        async def one(number: int) -> None:
            async with limit:
                # By now somebody else may have made it along with its own.
                if not await self._taken(number):
                    await self._make(number, threads)

        async with side_by_side() as group:
            for number in missing:
                group.start_soon(one, number)

    async def _taken(self, number: int) -> bool:
        if self._store is None:
            return False
        taken = await self._parts[number].taken(self._store, self.file(number))
        if taken:
            self.kept += 1
            self._told(number, 1.0)
        return taken

    async def _make(self, number: int, threads: int | None) -> None:
        part, folder = self._parts[number], self._work.job / f"part{number}"
        along = await self._along(part)
        try:
            await self._render(number, [part, *along], folder, threads)
        except (Interrupted, NoSpace):
            raise
        except MosaicError as error:
            if not along:
                raise
            # Whose fault it is will be seen: each is made alone from here on.
            log.warning("parts made together failed, alone now: %s", error)
            self._company.leave()
            await self._render(number, [part], self._work.job / f"part{number}-alone", threads)

    async def _along(self, part: Part) -> list[Part]:
        """The same part of the others that wait, as far as it is not kept yet."""
        store = self._store
        if store is None:
            return []
        others = [Part(work, part.frames) for work in await self._company.now()]
        return [other for other in others if not await other.there(store)]

    async def _render(
        self, number: int, parts: Sequence[Part], folder: Path, threads: int | None
    ) -> None:
        made = await make(parts, folder, lambda share: self._told(number, share), threads)
        if self._store is not None:
            # Of a short picture only that of the others: it would be kept beside its own output.
            first = 0 if len(self._parts) > 1 else 1
            for part, file in zip(parts[first:], made[first:], strict=True):
                await part.keep(file, self._store)
        await anyio.to_thread.run_sync(place, made[0], self.file(number))
        self._told(number, 1.0)

    def _told(self, number: int, share: float) -> None:
        self._shares[number] = share * self._parts[number].frames.count
        self._tell(min(sum(self._shares) / self._work.frames, 1.0))
