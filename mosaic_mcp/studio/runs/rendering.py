"""Doing a render: one finished folder with the video, its picture, subtitles and timelines.

Everything is made in a private folder and published under the output's id at once, or with its
recipe last, so that what counts is always whole. What is there already is taken as it is: the
studio died between publishing it and writing that down.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import sqlalchemy as sa

from mosaic_mcp.contract.runs import NodeStatus
from mosaic_mcp.errors import MosaicError, NoSpace
from mosaic_mcp.studio.disk import no_space
from mosaic_mcp.studio.export import write_bundle, write_subtitles
from mosaic_mcp.studio.library import RECIPE, VIDEO, Library
from mosaic_mcp.studio.perception.model import Words
from mosaic_mcp.studio.perception.probe import media_facts, probe
from mosaic_mcp.studio.render.choosing import Encoders
from mosaic_mcp.studio.render.commands import SideFile
from mosaic_mcp.studio.render.encoders import SOFTWARE, Encoder
from mosaic_mcp.studio.render.fonts import FONTS
from mosaic_mcp.studio.render.kept import PartStore, Underway
from mosaic_mcp.studio.render.pictures import thumbnail
from mosaic_mcp.studio.render.rendering import render
from mosaic_mcp.studio.render.workbench import place
from mosaic_mcp.studio.runs.admission import Admission
from mosaic_mcp.studio.runs.charging import Charging, Unpaid
from mosaic_mcp.studio.runs.feed import Feed
from mosaic_mcp.studio.runs.recipes import recipe
from mosaic_mcp.studio.runs.render_changes import (
    finish_render,
    holds_render,
    progress_render,
    release_render,
    start_render,
)
from mosaic_mcp.studio.runs.retrying import Claims, check_attempt, patiently, retry_in, waiting
from mosaic_mcp.studio.runs.run_log import JobLog, at_work
from mosaic_mcp.studio.runs.said import said_in
from mosaic_mcp.studio.runs.states import Fence, Job, Superseded
from mosaic_mcp.studio.runs.together import Together
from mosaic_mcp.studio.store.database import Store
from mosaic_mcp.studio.store.tables import renders, runs
from mosaic_mcp.studio.tiles.shipped import shipped_files
from mosaic_mcp.studio.timeline.model import Source, Timeline

MISSING = "missing_words"
"""In the recipe and the facts of an output: what `Said` misses, and the remedy."""
NOTES = "notes"
"""In the recipe: what of an output is not as it was asked."""
DRAFT = (
    "A draft, for looking only: half as wide and high, encoded quickly, its loudness set in one go."
)
TICK_S = 0.4
QUIET_S = 10.0
"""Seconds without a new picture after which a render says that it lives."""

CRASHED = "the render failed inside the studio; its log says more. Resume the run to try again."

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RenderWork:
    """Executes renders."""

    store: Store
    feed: Feed
    library: Library
    ffmpeg: Path
    encoders: Encoders
    worker: str
    """The process that does it."""
    claims: Claims
    charging: Charging
    admission: Admission
    known_words: Callable[[Source], Awaitable[Words | None]]
    underway: Underway = field(default_factory=Underway)
    spoiled: set[str] = field(default_factory=set[str])
    """Renders that failed when they were made along with others."""

    async def run(self, render_id: str, generation: int, tries: int) -> float | None:
        """Make an output, and record it or why there is none. Never raises MosaicError.

        Answers and takes what `NodeWork.run` does. Where memory is short it waits, where the disk
        is full it is put back into the queue.
        """
        job = Job("render", render_id, generation)
        return await self.admission.admit(job, lambda: self._run(render_id, generation, tries))

    async def _run(self, render_id: str, generation: int, tries: int) -> float | None:
        def start(connection: sa.Connection, alone: bool) -> Fence | None:
            return start_render(connection, render_id, generation, self.worker, alone=alone)

        async with self.claims.claim(start) as fence:
            if fence is None:
                return None
            try:
                pause = await self._do(render_id, fence, tries)
            except asyncio.CancelledError:
                # Stopped in good order: the attempt is given back. (A cancelled run's is not ours.)
                with anyio.CancelScope(shield=True):
                    await self.store.write(lambda c: release_render(c, fence))
                raise
        self.feed.ring()
        return pause

    async def _do(self, render_id: str, fence: Fence, tries: int) -> float | None:
        query = (
            sa.select(renders, runs.c.quality, runs.c.trace)
            .join(runs, runs.c.id == renders.c.run_id)
            .where(renders.c.id == render_id)
        )
        row = dict(await self.store.read(lambda c: c.execute(query).mappings().one()))
        async with at_work(self.store, "render", row, fence) as entry:
            return await self._attempt(row, fence, tries, entry)

    async def _attempt(
        self, row: Mapping[str, Any], fence: Fence, tries: int, entry: JobLog
    ) -> float | None:
        facts: dict[str, Any] | None = None
        error: str | None = None
        try:
            check_attempt(fence)
            facts = await self._make(row, fence, tries, entry)
        except Superseded:
            entry.outcome = "stopped"
            return None
        except Unpaid:  # recorded, or no longer ours
            await entry.fail("It waits for credits.")
            return None
        except NoSpace as full:
            await entry.retry(str(full))
            raise
        except MosaicError as failure:
            pause = retry_in(failure, tries)
            if pause is not None:
                await entry.retry(str(failure))
                step = waiting(pause, failure)
                await self.store.write(lambda c: release_render(c, fence, step))
                return pause
            error = f"{row['name']}: {failure}"
            await entry.fail(str(failure))
        except Exception as failure:
            if full := no_space(failure):
                await entry.retry(str(full))
                raise
            log.exception("render failed")
            error = f"{row['name']}: {CRASHED}"
            await entry.fail(f"{error} ({type(failure).__name__})")
        await self.store.write(lambda c: finish_render(c, fence, facts=facts, error=error))
        self.spoiled.discard(row["id"])  # it is not made along any more
        return None

    async def _make(
        self, row: Mapping[str, Any], fence: Fence, tries: int, entry: JobLog
    ) -> dict[str, Any]:
        render_id = row["id"]
        timeline = Timeline.model_validate(row["timeline"])
        await self.charging.render(fence, timeline, row["owner"])
        if not await self.library.published(render_id):
            with self.library.job() as job:
                made = job / "made"
                made.mkdir()
                async with AsyncExitStack() as held:
                    files = await self._files(timeline, held)
                    report = await self._video(row, timeline, files, made, job, fence, tries)
                    await self._beside(row, timeline, files, made, report)
                await _tell(entry, timeline, row["quality"], report)
                if not await self.store.read(lambda c: holds_render(c, fence)):
                    raise Superseded
                await patiently(lambda: self.library.publish(render_id, made, row["name"]))
        # What was published, which may have been before the studio died.
        kept = await self.library.recipe(render_id)
        for text in kept.get(NOTES, ()):
            await entry.note(text, "warning")
        facts = await self._facts(render_id, row["name"])
        return {**facts, MISSING: kept.get(MISSING), "quality": row["quality"]}

    async def _facts(self, render_id: str, name: str) -> dict[str, Any]:
        """What a published video is."""
        async with self.library.storage.file(self.library.render(render_id)) as video:
            source = await probe(video, name=name)
            return media_facts(source, video.stat().st_size).model_dump(mode="json")

    async def _video(
        self,
        row: Mapping[str, Any],
        timeline: Timeline,
        files: Mapping[str, Path],
        made: Path,
        job: Path,
        fence: Fence,
        tries: int,
    ) -> dict[str, Any]:
        """The video itself: taken over from an equal render, or rendered."""
        twin = await self._twin(row, made / VIDEO)
        if twin is not None:
            return twin
        (job / "render").mkdir()
        progress = _Progress(self, fence, float(timeline.duration))
        writer = asyncio.create_task(progress.write())
        quality = row["quality"]
        encoder = await self.encoders.of(quality)
        try:
            report = await render(
                timeline,
                files,
                made / VIDEO,
                job=job / "render",
                ffmpeg=self.ffmpeg,
                quality=quality,
                on_progress=progress.set,
                store=PartStore(
                    self.library.parts, await self.encoders.made_by(quality), self.underway
                ),
                encoder=encoder,
                others=self._others(row, fence, tries, encoder),
            )
        finally:
            writer.cancel()
            await anyio.to_thread.run_sync(self.library.trim_parts)
        return json.loads(json.dumps(asdict(report), default=str))

    def _others(
        self, row: Mapping[str, Any], fence: Fence, tries: int, encoder: Encoder
    ) -> Together | None:
        """What may be made along; nothing when it is tried again, so that each fails by itself.

        Hardware encodes a few pictures at once only, and which of them is not told.
        """
        alone = (
            tries > 0
            or fence.attempt > 1
            or row["id"] in self.spoiled
            or self.store.postgres is not None
            or self.charging.quota is not None
            or encoder.name != SOFTWARE
        )
        if alone:
            return None
        machine = self.admission.machine
        return Together(self.store, machine, self._files, row, self.spoiled)

    async def _files(self, timeline: Timeline, held: AsyncExitStack) -> dict[str, Path]:
        """The timeline's sources, on this machine until `held` ends."""
        shipped = shipped_files()
        return {
            sha: shipped.get(sha) or await held.enter_async_context(self.library.source(sha))
            for sha in sorted(timeline.media)
        }

    async def _twin(self, row: Mapping[str, Any], out: Path) -> dict[str, Any] | None:
        """Make `out` the video of a finished render of the same recipe and owner: which, and what
        was told of it.

        None when there is none, or its file is not there any more.
        """
        query = (
            sa.select(renders.c.id)
            .where(
                renders.c.recipe_hash == row["recipe_hash"],
                renders.c.owner == row["owner"],
                renders.c.status == NodeStatus.completed,
            )
            .limit(5)
        )
        for render_id in await self.store.read(lambda c: c.execute(query).scalars().all()):
            with suppress(FileNotFoundError):
                kept = await self.library.recipe(render_id)
                async with self.library.storage.file(self.library.render(render_id)) as video:
                    await anyio.to_thread.run_sync(place, video, out)
                    return {"taken_from": render_id, NOTES: kept.get(NOTES, [])}
        return None

    async def _beside(
        self,
        row: Mapping[str, Any],
        timeline: Timeline,
        files: Mapping[str, Path],
        made: Path,
        report: dict[str, Any],
    ) -> None:
        """Picture, subtitles, timelines and recipe beside the video."""
        await thumbnail(
            made / VIDEO,
            float(timeline.duration),
            made / "thumbnail.jpg",
            ffmpeg=self.ffmpeg,
        )
        quality = row["quality"]
        said = await said_in(timeline, self.known_words)
        told = {**report, MISSING: f"{said.missing} {said.remedy}".strip() or None}
        text = recipe(timeline, quality, await self.encoders.made_by(quality), told)

        def write() -> None:
            write_subtitles(said.timeline, made, said.missing)
            write_bundle(
                timeline,
                made / "timeline.zip",
                media=files,
                subtitles=made,
            )
            (made / RECIPE).write_text(text, "utf-8")

        await anyio.to_thread.run_sync(write)


def side_file(library: Library, file: SideFile) -> Path | None:
    """Where a file is that a render read as a link; None when it was written, or is not here."""
    if "font" in file:
        return FONTS / file["font"]
    if "sha256" not in file:
        return None
    return shipped_files().get(file["sha256"]) or library.source_here(file["sha256"])


async def _tell(entry: JobLog, timeline: Timeline, quality: str, report: dict[str, Any]) -> None:
    """Log how a video was made."""
    if quality == "draft":
        await entry.note(DRAFT)
    if "taken_from" in report:
        await entry.note(f"taken over from the output {report['taken_from']}: the recipe is equal")
        return
    entry.media_s = float(timeline.duration)
    if report["kept"]:
        await entry.note(f"{report['kept']} parts of the picture were there already")
    if report["along"]:
        await entry.note(f"{report['along']} parts of other outputs were made along")
    if report["apart"]:
        # Made alone it is what was asked for: nothing that its caller must know.
        await entry.note(f"together with other outputs it failed: {report['apart']}")


class _Progress:
    """The newest share of a render, written a few times a second."""

    def __init__(self, work: RenderWork, fence: Fence, duration: float) -> None:
        self._work = work
        self._fence = fence
        self._duration = duration
        self._share = 0.0
        self._began = time.monotonic()

    def set(self, share: float) -> None:
        self._share = share

    async def write(self) -> None:
        last = -1.0
        moved = told = self._began
        while True:
            now = time.monotonic()
            if self._share > last:
                last = self._share
                moved = told = now
                rate = round(last * self._duration / max(now - self._began, 0.001), 2)
                await self._tell(last, rate, "")
            elif now - told >= QUIET_S:
                # A slow disk holds FFmpeg, and what it says, for as long as a write takes.
                told = now
                await self._tell(last, None, quiet(now - moved))
            await anyio.sleep(TICK_S)

    async def _tell(self, share: float, rate: float | None, step: str) -> None:
        await self._work.store.write(lambda c: progress_render(c, self._fence, share, rate, step))
        self._work.feed.ring()


def quiet(seconds: float) -> str:
    """The step of a render that lives and has made nothing new for so long."""
    return f"rendering: nothing new for {seconds:.0f} s; it goes on"
