"""Pictures that are made along with another one: the same frames of the same run, decoded once."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio

from mosaic_mcp.errors import MosaicError
from mosaic_mcp.studio.render.pieces import same_frames, settled
from mosaic_mcp.studio.render.smart import only_cuts
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
    """A timeline that waits to be rendered."""

    id: str
    timeline: Timeline
    bring: Callable[[], Awaitable[Mapping[str, Path] | None]]
    """Its sources by hash, on this machine; None where the machine has no memory for one more."""


Ask = Callable[[], Awaitable[Sequence[Waiting]]]
"""What waits now. It is asked before each part, since others may come, go, or be begun."""


class Company:
    """The workbenches of pictures that may be made along with one."""

    def __init__(self, work: Workbench, ask: Ask | None) -> None:
        """`work` is that of the one whose turn it is."""
        self._work = work
        self._ask = ask if _worth_sharing(work) else None
        self._known: dict[str, Workbench | None] = {}
        self._turn = anyio.Lock()

    async def now(self) -> list[Workbench]:
        """Those that wait at this moment and show the same frames."""
        if self._ask is None:
            return []
        found: list[Workbench] = []
        async with self._turn:
            for waiting in await self._ask():
                if len(found) < MOST and (work := await self._bench(waiting)):
                    found.append(work)
        return found

    def leave(self) -> None:
        """Ask no more: together it failed."""
        self._ask = None

    async def _bench(self, waiting: Waiting) -> Workbench | None:
        if waiting.id not in self._known:
            try:
                self._known[waiting.id] = await self._set_up(waiting)
            except MosaicError as error:
                log.info("%s is not made along: %s", waiting.timeline.name, error)
                self._known[waiting.id] = None
        return self._known[waiting.id]

    async def _set_up(self, waiting: Waiting) -> Workbench | None:
        own, timeline = self._work, settled(waiting.timeline)
        if not timeline.clips or not same_frames(own.timeline, timeline):
            return None
        files = await waiting.bring()
        if files is None:
            return None
        work = await set_up(
            timeline,
            files,
            job=own.job,
            ffmpeg=own.ffmpeg,
            quality=own.quality,
            encoder=own.encoder,
            known=own.facts,
        )
        # What is only cut is copied, when its turn comes.
        return None if only_cuts(timeline, work.facts) else work


def _worth_sharing(work: Workbench) -> bool:
    """True when the run is done clearly earlier if its outputs are made together."""
    played = {clip.source for clip in work.timeline.clips}
    sources = [work.timeline.sources[sha] for sha in played]
    hdr = any(work.facts[sha].hdr for sha in played)
    return hdr or max(source.width * source.height for source in sources) >= WORTH_PIXELS
