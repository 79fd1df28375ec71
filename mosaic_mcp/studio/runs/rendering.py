"""Doing a render: one finished folder with the video, its picture, subtitles and timelines.

Everything is made in a private folder and gets its final name in one rename, so that a folder
under an output's id is always whole. A folder that is there already is taken as it is: the studio
died between naming it and writing that down.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import sqlalchemy as sa

from mosaic_mcp.contract.runs import NodeStatus
from mosaic_mcp.errors import MediaError, MosaicError
from mosaic_mcp.studio.disk import no_space
from mosaic_mcp.studio.export import write_bundle, write_subtitles
from mosaic_mcp.studio.library import Library
from mosaic_mcp.studio.perception.probe import media_facts, probe
from mosaic_mcp.studio.render import Quality, render, thumbnail
from mosaic_mcp.studio.render.commands import SideFile
from mosaic_mcp.studio.render.fonts import FONTS
from mosaic_mcp.studio.render.workbench import place
from mosaic_mcp.studio.runs.feed import Feed
from mosaic_mcp.studio.runs.recipes import recipe
from mosaic_mcp.studio.runs.render_changes import (
    finish_render,
    holds_render,
    progress_render,
    release_render,
    start_render,
)
from mosaic_mcp.studio.runs.retrying import Claims, check_attempt, retry_in, waiting
from mosaic_mcp.studio.runs.run_log import JobLog, at_work
from mosaic_mcp.studio.runs.states import Fence, Superseded
from mosaic_mcp.studio.store.database import Store
from mosaic_mcp.studio.store.tables import renders, runs
from mosaic_mcp.studio.tiles.shipped import shipped_files
from mosaic_mcp.studio.timeline.model import Timeline

TICK_S = 0.4
RECIPE = "recipe.json"

CRASHED = "the render failed inside the studio; its log says more. Resume the run to try again."

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RenderWork:
    """Executes renders."""

    store: Store
    feed: Feed
    library: Library
    ffmpeg: Path
    tools: str
    worker: str
    """The process that does it."""
    claims: Claims

    async def run(self, render_id: str, generation: int, tries: int) -> float | None:
        """Make an output, and record it or why there is none. Never raises MosaicError.

        Answers and takes what `NodeWork.run` does.
        """

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
            facts = await self._make(row, fence, entry)
        except Superseded:
            return None
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
            log.exception("render failed")
            error = f"{row['name']}: {no_space(failure) or CRASHED}"
            await entry.fail(f"{error} ({type(failure).__name__})")
        await self.store.write(lambda c: finish_render(c, fence, facts=facts, error=error))
        return None

    async def _make(self, row: Mapping[str, Any], fence: Fence, entry: JobLog) -> dict[str, Any]:
        folder = self.library.render(row["id"])
        timeline = Timeline.model_validate(row["timeline"])
        if not (folder / RECIPE).exists():
            with self.library.job() as job:
                made = job / "made"
                made.mkdir()
                report = await self._video(row, timeline, made, job, fence)
                await self._beside(row, timeline, made, report)
                await _tell(entry, timeline, report)
                await self._publish(made, folder, fence)
        video = folder / "video.mp4"
        source = await probe(video, name=row["name"])
        return media_facts(source, video.stat().st_size).model_dump(mode="json")

    async def _publish(self, made: Path, folder: Path, fence: Fence) -> None:
        """Give what was made its final name, unless the render is somebody else's by now."""
        if not await self.store.read(lambda c: holds_render(c, fence)):
            raise Superseded
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            made.rename(folder)
        except OSError:
            # Whoever had the render before us finished it after all: that is as good.
            if not (folder / RECIPE).exists():
                raise

    async def _video(
        self, row: Mapping[str, Any], timeline: Timeline, made: Path, job: Path, fence: Fence
    ) -> dict[str, Any]:
        """The video itself: taken over from an equal render, or rendered."""
        twin = await self._twin(row)
        if twin is not None:
            place(twin / "video.mp4", made / "video.mp4")
            return {"taken_from": twin.name}
        (job / "render").mkdir()
        progress = _Progress(self, fence, float(timeline.duration))
        writer = asyncio.create_task(progress.write())
        try:
            report = await render(
                timeline,
                self.files(timeline),
                made / "video.mp4",
                job=job / "render",
                ffmpeg=self.ffmpeg,
                quality=_quality(row["quality"]),
                on_progress=progress.set,
                keep=self.library.parts,
                tools=self.tools,
            )
        finally:
            writer.cancel()
            await anyio.to_thread.run_sync(self.library.trim_parts)
        return json.loads(json.dumps(asdict(report), default=str))

    def files(self, timeline: Timeline) -> dict[str, Path]:
        """Where the timeline's sources are."""
        return {sha: _content(self.library, sha) for sha in timeline.media}

    async def _twin(self, row: Mapping[str, Any]) -> Path | None:
        """A finished render of the same recipe and owner, if its file is still there."""
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
            folder = self.library.render(render_id)
            if (folder / "video.mp4").exists():
                return folder
        return None

    async def _beside(
        self, row: Mapping[str, Any], timeline: Timeline, made: Path, report: dict[str, Any]
    ) -> None:
        """Picture, subtitles, timelines and recipe beside the video."""
        await thumbnail(
            made / "video.mp4",
            float(timeline.duration),
            made / "thumbnail.jpg",
            ffmpeg=self.ffmpeg,
        )
        text = recipe(timeline, row["quality"], self.tools, report)

        def write() -> None:
            write_subtitles(timeline, made)
            write_bundle(
                timeline,
                made / "timeline.zip",
                media=self.files(timeline),
                subtitles=made,
            )
            (made / RECIPE).write_text(text, "utf-8")

        await anyio.to_thread.run_sync(write)


def _content(library: Library, sha256: str) -> Path:
    """A source, whether somebody brought it or we ship it."""
    return shipped_files().get(sha256) or library.source(sha256)


def side_file(library: Library, file: SideFile) -> Path | None:
    """Where a file is that a render read as a link; None when it was written, or is gone."""
    if "font" in file:
        return FONTS / file["font"]
    try:
        return _content(library, file["sha256"]) if "sha256" in file else None
    except MediaError:
        return None


async def _tell(entry: JobLog, timeline: Timeline, report: dict[str, Any]) -> None:
    """Log what is to be known of a video that was made."""
    if "taken_from" in report:
        await entry.note(f"taken over from the output {report['taken_from']}: the recipe is equal")
        return
    entry.media_s = float(timeline.duration)
    if report["note"]:
        await entry.note(report["note"], "warning")


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
        while True:
            share = self._share
            if share > last:
                last = share
                spent = max(time.monotonic() - self._began, 0.001)
                rate = round(share * self._duration / spent, 2)
                await self._work.store.write(
                    lambda c, s=share, r=rate: progress_render(c, self._fence, s, r)
                )
                self._work.feed.ring()
            await anyio.sleep(TICK_S)


def _quality(name: str) -> Quality:
    match name:
        case "draft" | "best":
            return name
        case _:
            return "standard"
