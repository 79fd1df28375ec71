"""A run's own log: what each attempt at a node or a render said, and its FFmpeg commands.

It is written while the work goes on, so that it tells the same after a failure, a kill, and on
another machine. Being seen is not the work: when a line cannot be written, the work goes on.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
import zlib
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import anyio
import sqlalchemy as sa

from mosaic_mcp import logs, traces
from mosaic_mcp.contract.tiles.catalogue import tile_type
from mosaic_mcp.studio import metrics
from mosaic_mcp.studio.render.commands import Command, SideFile, kept_by
from mosaic_mcp.studio.runs.states import Fence, now
from mosaic_mcp.studio.store.database import Store
from mosaic_mcp.studio.store.tables import ffmpeg_logs, job_logs

Level = Literal["info", "warning", "error"]
Outcome = Literal["done", "failed", "retrying", "stopped"]
T = TypeVar("T")

MOST_LINES = 200
"""Lines that an attempt may have: a tile could tell of every second of a download."""
KEPT_OF_A_SUCCESS = 2_000
"""Characters of FFmpeg's messages that are kept when it ended well: its encoders' reports."""

log = logging.getLogger(__name__)
_job: ContextVar[JobLog | None] = ContextVar("mosaic_job_log", default=None)


async def note(text: str, level: Level = "info") -> None:
    """Add a line to the log of the job at hand, if one is."""
    if (job := _job.get()) is not None:
        await job.note(text, level)


@dataclass(slots=True)
class JobLog:
    """The log of one attempt. A keeper of FFmpeg commands."""

    store: Store
    owner: str
    run_id: str
    outcome: Outcome = "done"
    media_s: float | None = None
    """Seconds of the video that was rendered; None where nothing was."""
    _seq: int | None = None
    _lines: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    _files: dict[str, SideFile] = field(default_factory=dict[str, SideFile])
    _commands: dict[int, int] = field(default_factory=dict[int, int])
    """Rows of commands that run, by their identity."""

    async def begin(self, **what: Any) -> None:
        """Write the row of the attempt."""
        row = job_logs.insert().values(
            owner=self.owner, run_id=self.run_id, began_at=now(), lines=[], **what
        )
        self._seq = await self._write(lambda c: _inserted(c, row, job_logs.c.seq))

    async def note(self, text: str, level: Level = "info") -> None:
        """Add a line; however many steps a long attempt has, its warnings and errors find room."""
        alike = sum((line["level"] == "info") == (level == "info") for line in self._lines)
        if alike < MOST_LINES:
            self._lines.append({"at": now(), "level": level, "text": text})
            await self._update(lines=self._lines)

    async def fail(self, text: str) -> None:
        """Say why it failed."""
        self.outcome = "failed"
        await self.note(text, "error")

    async def retry(self, text: str) -> None:
        """Say why it will be tried again."""
        self.outcome = "retrying"
        await self.note(text, "warning")

    async def end(self) -> None:
        """Write how it ended."""
        await self._update(ended_at=now(), outcome=self.outcome)

    async def began(self, command: Command) -> None:
        """Keep a command before it runs: what kills us may be its doing."""
        row = ffmpeg_logs.insert().values(
            owner=self.owner,
            run_id=self.run_id,
            job_seq=self._seq,
            folder=command.folder,
            arguments=list(command.arguments),
            began_at=command.began.isoformat(),
            frames=0,
            media_s=0.0,
            log="",
        )
        if self._seq is not None:
            seq = await self._write(lambda c: _inserted(c, row, ffmpeg_logs.c.seq))
            if seq is not None:
                self._commands[id(command)] = seq

    async def ended(self, command: Command) -> None:
        """Keep how a command ended."""
        seq = self._commands.pop(id(command), None)
        values = {
            "seconds": round(command.seconds or 0.0, 3),
            "exit_code": command.code,
            "frames": command.frames,
            "media_s": command.media_s,
            "log": command.log[-KEPT_OF_A_SUCCESS:] if command.code == 0 else command.log,
        }
        change = ffmpeg_logs.update().where(ffmpeg_logs.c.seq == seq).values(**values)
        if seq is not None:
            await self._write(lambda c: c.execute(change))

    async def files(self, files: Mapping[str, SideFile]) -> None:
        """Keep what the commands read; captions of an hour shrink to a tenth."""
        self._files |= files
        await self._update(files=zlib.compress(json.dumps(self._files).encode()))

    async def _update(self, **values: Any) -> None:
        change = job_logs.update().where(job_logs.c.seq == self._seq).values(**values)
        if self._seq is not None:
            await self._write(lambda c: c.execute(change))

    async def _write(self, work: Callable[[sa.Connection], T]) -> T | None:
        try:
            return await self.store.write(work)
        except Exception:
            log.exception("a line of the log of run %s cannot be written", self.run_id)
            return None


@asynccontextmanager
async def at_work(
    store: Store, kind: Literal["node", "render"], row: Mapping[str, Any], fence: Fence
) -> AsyncGenerator[JobLog]:
    """Around one attempt at a node or a render: its log, its span, and what log lines tell of it.

    `row` is that of the node or the render, with `trace` of the run.
    """
    node_id = row["id"] if kind == "node" else row["run_node_id"]
    render_id = row["id"] if kind == "render" else None
    tile = tile_type(row["node_type_id"]) if kind == "node" else None
    job = JobLog(store, row["owner"], row["run_id"])
    known = {"run_id": job.run_id, "node": node_id, "render": render_id}
    facts = {"generation": fence.generation, "attempt": fence.attempt}
    told: dict[str, traces.Value | None] = {
        **known,
        **facts,
        "node_type": tile.name if tile else None,
    }
    place = traces.run_context(row["trace"], job.run_id, fence.generation)
    start = time.monotonic()
    token = _job.set(job)
    try:
        with (
            logs.about(owner=job.owner, **known),
            traces.span(kind, within=place, attributes=told) as span,
            kept_by(job),
        ):
            await job.begin(run_node_id=node_id, render_id=render_id, **facts)
            log.info("%s begins, attempt %d", kind, fence.attempt)
            try:
                yield job
            except BaseException as error:
                if isinstance(error, asyncio.CancelledError):
                    job.outcome = "stopped"
                elif job.outcome == "done":  # nobody said more
                    job.outcome = "failed"
                raise
            finally:
                with anyio.CancelScope(shield=True):
                    await job.end()
                log.info("%s ends: %s", kind, job.outcome)
                span.set_attribute("outcome", job.outcome)
                if job.outcome == "failed":
                    traces.failed(span, job.outcome)
                _count(kind, job, time.monotonic() - start)
    finally:
        _job.reset(token)


def _count(kind: str, job: JobLog, seconds: float) -> None:
    metrics.JOBS.labels(kind, job.outcome).inc()
    if job.outcome == "done" and job.media_s is not None:
        metrics.RENDER_SECONDS.observe(seconds)
        metrics.RENDERED_MEDIA_SECONDS.observe(job.media_s)


def _inserted(connection: sa.Connection, row: sa.Insert, seq: sa.Column[int]) -> int:
    return int(connection.execute(row.returning(seq)).scalar_one())
