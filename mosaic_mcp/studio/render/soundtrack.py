"""The finished sound of a video: made whole, or that of a long video taken from what was kept.

Its name is a hash of all that is heard: of a changed caption or crop it knows nothing.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import anyio.to_thread

from mosaic_mcp.studio.render import loudness, sound
from mosaic_mcp.studio.render.kept import PartStore, keep, take
from mosaic_mcp.studio.render.mixing import mixed
from mosaic_mcp.studio.render.workbench import Workbench
from mosaic_mcp.studio.timeline.model import Timeline

LONG_S = 40
"""Seconds from which a sound is kept: as a picture that is made in parts."""
VERSION = 2
"""Raised when another sound is made of the same timeline."""
_SEEN: dict[str, Any] = {
    "name": True,
    "width": True,
    "height": True,
    "sources": True,
    "framing": True,
    "captions": True,
    "graphics": True,
    "faces": True,
    "cutaways": True,
    "overlays": True,
    "clips": {"__all__": {"tile", "mirror_x", "mirror_y", "look", "whole"}},
    "tracks": {"__all__": {"tile"}},
    "sound": {"tile"},
}
"""What of a timeline is not heard. Anything else counts, also what this module does not know."""


async def soundtrack(work: Workbench, store: PartStore | None) -> list[str]:
    """Make `loudness.ENCODED` in the job's folder; notes on what could not be as asked.

    A long one is kept in the store and taken from it, unless there are notes: they are found
    anew with it.
    """
    if store is None or work.timeline.duration < LONG_S:
        return await _made(work)
    kept = store.folder / f"{key_of(work.timeline, store.tools, draft=work.draft)}.m4a"
    made = work.job / loudness.ENCODED
    if await anyio.to_thread.run_sync(take, kept, made):
        return []
    notes = await _made(work)
    if not notes:
        await anyio.to_thread.run_sync(keep, made, kept)
    return notes


def key_of(timeline: Timeline, tools: str, *, draft: bool) -> str:
    """A hash of everything that decides the sound of a settled timeline."""
    heard = {part.source for part in (*timeline.clips, *timeline.tracks)}
    sources = {
        sha: timeline.sources[sha].model_dump(mode="json", include={"duration", "audio_channels"})
        for sha in heard
    }
    decided = timeline.model_dump(mode="json", exclude=_SEEN)
    said = json.dumps([VERSION, tools, draft, sources, decided], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()


async def _made(work: Workbench) -> list[str]:
    timeline, ffmpeg, job = work.timeline, work.ffmpeg, work.job
    samples = await sound.programme(timeline, work.facts, work.names, ffmpeg=ffmpeg, job=job)
    name = await loudness.clean(timeline.sound, samples, ffmpeg=ffmpeg, job=job)
    name = await mixed(timeline, name, samples, work.facts, work.names, ffmpeg=ffmpeg, job=job)
    rounds = 1 if work.draft else loudness.ROUNDS
    return await loudness.finish(
        timeline.sound, name, samples, ffmpeg=ffmpeg, job=job, rounds=rounds
    )
