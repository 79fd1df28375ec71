"""Pictures that are made along with another one: the same frames of the same run, decoded once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

import anyio
import anyio.to_thread

from mosaic_mcp.studio.render.part import Part
from mosaic_mcp.studio.render.pieces import Frames, runs_of, same_frames, settled
from mosaic_mcp.studio.render.smart import copied_from
from mosaic_mcp.studio.render.workbench import Workbench, set_up
from mosaic_mcp.studio.timeline.model import Timeline

MOST = 3
"""Pictures that are made along with one: each has an encoder of its own, and its memory."""
WORTH_PIXELS = 1920 * 1080
"""Of a source whose decoding is worth sharing. Three shapes of a video took 0.93 of the time that
they take apart in 720p, 0.86 in 1080p, 0.77 in 4K, and 0.47 in 4K HDR (`bench_speed shared`); but
the first of them was there as late as the last."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A timeline that is to be rendered, too."""

    id: str
    timeline: Timeline
    room: Callable[[int], AbstractAsyncContextManager[Mapping[str, Path] | None]]
    """Memory for so many of its parts at once, and its sources by hash; None: there is no room."""


class Others(Protocol):
    """What else of the run is to be rendered."""

    async def now(self) -> Sequence[Waiting]:
        """Asked before each part: others come, begin, and go."""
        ...

    def failed(self, ids: Sequence[str]) -> None:
        """Made along they failed: they are to be made alone."""
        ...


class Company:
    """The pictures that are made along with one, while its parts are made."""

    def __init__(self, work: Workbench, others: Others | None, at_once: int) -> None:
        """`work` is that of the one whose turn it is; so many of its parts are made at once."""
        self._work = work
        self._others = others if worth_sharing(work) else None
        self._at_once = at_once
        self._known: dict[str, Workbench | None] = {}
        self._held = AsyncExitStack()
        self._turn = anyio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._held.aclose()

    async def parts(self, frames: Frames) -> list[Part]:
        """The same frames of those that wait at this moment."""
        found: list[Part] = []
        async with self._turn:
            for waiting in await self._others.now() if self._others else ():
                try:
                    work = await self._bench(waiting)
                    if work is not None:
                        found.append(await anyio.to_thread.run_sync(Part, work, frames))
                except Exception:  # whatever is wrong with it, it is not this picture's fault
                    log.exception("%s cannot be made along", waiting.timeline.name)
                    self._known[waiting.id] = None
                if len(found) == MOST:
                    break
        return found

    def leave(self) -> None:
        """Ask no more: together it failed."""
        if self._others is not None:
            self._others.failed([id_ for id_, work in self._known.items() if work is not None])
        self._others = None

    async def _bench(self, waiting: Waiting) -> Workbench | None:
        if waiting.id in self._known:
            return self._known[waiting.id]
        own = self._work
        timeline = await anyio.to_thread.run_sync(settled, waiting.timeline)
        # What is only cut is copied, when its turn comes.
        if not same_frames(own.timeline, timeline) or (
            copied_from(timeline, own.facts, draft=own.draft) is not None
        ):
            self._known[waiting.id] = None
            return None
        held = AsyncExitStack()
        files = await held.enter_async_context(waiting.room(self._at_once))
        if files is None:
            await held.aclose()
            return None  # there may be, later
        self._held.push_async_exit(held)
        self._known[waiting.id] = await set_up(
            timeline,
            files,
            job=own.job,
            ffmpeg=own.ffmpeg,
            quality=own.quality,
            encoder=own.encoder,
            known=own.facts,
        )
        return self._known[waiting.id]


def worth_sharing(work: Workbench) -> bool:
    """True when the run is done clearly earlier if its outputs are made together."""
    runs = runs_of(work.timeline)
    pixels = sum(run.frames * _weight(work, run.source.sha256) for run in runs)
    return pixels >= WORTH_PIXELS * sum(run.frames for run in runs)


def _weight(work: Workbench, sha256: str) -> int:
    """How many pixels a frame of a source counts for; HDR is brought down before the split."""
    source = work.timeline.sources[sha256]
    pixels = source.width * source.height
    return max(pixels, WORTH_PIXELS) if work.facts[sha256].hdr else pixels
