"""Pictures that are made along with another one: the same frames of the same run, decoded once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    AsyncExitStack,
    ExitStack,
)
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

import anyio
import anyio.to_thread

from mosaic_mcp.studio.render.kept import PartStore
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
    files: Callable[[], AbstractAsyncContextManager[Mapping[str, Path] | None]]
    """Its sources by hash; None where there is no room for it on the disk."""
    memory: Callable[[], AbstractContextManager[bool]]
    """Memory for one of its parts, or False."""


@dataclass(frozen=True, slots=True)
class Companion:
    """A part that is made along, and whose it is."""

    id: str
    part: Part


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

    def __init__(self, work: Workbench, others: Others | None) -> None:
        """`work` is that of the one whose turn it is."""
        self._work = work
        self._others = others if worth_sharing(work) else None
        self._known: dict[str, Workbench | None] = {}
        self._held = AsyncExitStack()
        self._turn = anyio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._held.aclose()

    async def join(self, frames: Frames, store: PartStore, claims: ExitStack) -> list[Companion]:
        """The same frames of those that wait now: missing, and until `claims` end ours to make."""
        found: list[Companion] = []
        async with self._turn:
            for waiting in await self._waiting():
                try:
                    part = await self._part(waiting, frames)
                    if part is not None and await _claimed(part, waiting, store, claims):
                        found.append(Companion(waiting.id, part))
                except Exception:  # whatever is wrong with it, it is not this picture's fault
                    log.exception("%s cannot be made along", waiting.timeline.name)
                    self._known[waiting.id] = None
                if len(found) == MOST:
                    break
        return found

    def leave(self, failed: Sequence[Companion]) -> None:
        """Ask no more: together with these it failed."""
        if self._others is not None:
            self._others.failed([companion.id for companion in failed])
        self._others = None

    async def _waiting(self) -> Sequence[Waiting]:
        try:
            return await self._others.now() if self._others else ()
        except Exception:  # it was only asked whether something could be saved
            log.exception("what could be made along is not known")
            return ()

    async def _part(self, waiting: Waiting, frames: Frames) -> Part | None:
        if waiting.id not in self._known:
            self._known[waiting.id] = await self._bench(waiting)
        work = self._known[waiting.id]
        return None if work is None else await anyio.to_thread.run_sync(Part, work, frames)

    async def _bench(self, waiting: Waiting) -> Workbench | None:
        own = self._work
        timeline = await anyio.to_thread.run_sync(settled, waiting.timeline)
        # What is only cut is copied, when its turn comes.
        if not same_frames(own.timeline, timeline) or (
            copied_from(timeline, own.facts, draft=own.draft) is not None
        ):
            return None
        files = await self._held.enter_async_context(waiting.files())
        if files is None:
            return None
        return await set_up(
            timeline,
            files,
            job=own.job,
            ffmpeg=own.ffmpeg,
            quality=own.quality,
            encoder=own.encoder,
            known=own.facts,
        )


async def _claimed(part: Part, waiting: Waiting, store: PartStore, claims: ExitStack) -> bool:
    """True when it is missing, nobody makes it, and there is memory for it."""
    with ExitStack() as mine:
        ours = mine.enter_context(store.underway.claim(part.kept(store)))
        if not ours or await part.there(store) or not mine.enter_context(waiting.memory()):
            return False
        claims.push(mine.pop_all())
        return True


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
