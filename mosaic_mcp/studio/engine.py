"""The engine: four verbs (submit, cancel, resume, start) over DBOS.

One DBOS workflow is one node, or one render, of one generation of a run. There is no driver: what
finishes queues what became ready. Our tables are the only truth; DBOS remembers what was queued and
begun, and starts it again after a crash. Everything here can be repeated: a workflow's id is made
of what it does, and a claim that is no longer true does nothing (`runs/transitions.py`).

DBOS is one per process, so this module holds the one engine that its workflows call.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
from collections.abc import Awaitable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa
from dbos import DBOS, DBOSPortableJSONSerializer, SetWorkflowID

from mosaic_mcp.contract.runs import NodeStatus, RunCancelled, RunResumed, RunStatus
from mosaic_mcp.studio.runs import transitions as t
from mosaic_mcp.studio.runs.executing import NodeWork
from mosaic_mcp.studio.runs.feed import Feed
from mosaic_mcp.studio.runs.rendering import RenderWork
from mosaic_mcp.studio.store.database import Store
from mosaic_mcp.studio.store.tables import renders, run_nodes, runs

NODES = "nodes"
RENDERS = "renders"
SWEEP_S = 5.0
POLL_S = 0.2
"""How often DBOS looks for queued work: a compromise of latency per node and idle cost."""
VERSION = "wf-1"
"""Pinned: by default DBOS hashes the workflows' source, and any edit would strand queued work.
To be raised when the order of a workflow's steps changes."""

log = logging.getLogger(__name__)
_engine: Engine | None = None


def _current() -> Engine:
    if _engine is None:
        raise RuntimeError("the engine is not started")
    return _engine


@DBOS.step(preemptible=True)
async def do_node(row_id: str, generation: int) -> None:
    """Execute a node; interrupted, it is executed again at the next start."""
    engine = _current()
    await engine.work(row_id, engine.nodes.run(row_id, generation))


@DBOS.step(preemptible=True)
async def do_render(render_id: str, generation: int) -> None:
    """Execute a render; interrupted, it is executed again at the next start."""
    engine = _current()
    await engine.work(render_id, engine.renders.run(render_id, generation))


@DBOS.workflow(max_recovery_attempts=1000)
async def node_workflow(run_id: str, row_id: str, generation: int) -> None:
    """A node, then whatever it made ready."""
    await do_node(row_id, generation)
    await _current().dispatch(run_id)


@DBOS.workflow(max_recovery_attempts=1000)
async def render_workflow(run_id: str, render_id: str, generation: int) -> None:
    """A render, then whatever it made ready."""
    await do_render(render_id, generation)
    await _current().dispatch(run_id)


@dataclass(slots=True)
class Engine:
    """Runs nodes and renders, and carries on after a crash."""

    store: Store
    feed: Feed
    nodes: NodeWork
    renders: RenderWork
    database: Path
    """DBOS' own SQLite file."""
    _active: dict[str, asyncio.Task[None]] = field(default_factory=dict[str, asyncio.Task[None]])
    _sweeper: asyncio.Task[None] | None = None
    _stopping: bool = False

    async def start(self) -> None:
        """Launch DBOS, take up what was left, and begin to listen."""
        global _engine  # noqa: PLW0603 - DBOS is one per process, see above
        _engine = self
        await asyncio.to_thread(_use_wal, self.database)
        logging.getLogger("dbos").addFilter(_not_cancelled)
        DBOS(
            config={
                "name": "mosaic-studio",
                "system_database_url": f"sqlite:///{self.database}",
                "executor_id": "local",
                "application_version": VERSION,
                "serializer": DBOSPortableJSONSerializer(),
                "log_level": "ERROR",
                "notification_listener_polling_interval_sec": 0.5,
            }
        )
        DBOS.launch()
        cores = os.cpu_count() or 2
        await DBOS.register_queue_async(
            NODES, worker_concurrency=8, polling_interval_sec=POLL_S, on_conflict="always_update"
        )
        await DBOS.register_queue_async(
            RENDERS,
            # A render uses more than one core by itself.
            worker_concurrency=max(1, cores // 2),
            polling_interval_sec=POLL_S,
            on_conflict="always_update",
        )
        self._sweeper = asyncio.create_task(self._sweep())

    async def stop(self) -> None:
        """End our work; what was unfinished goes on at the next start."""
        self._stopping = True
        tasks = [*self._active.values(), *([self._sweeper] if self._sweeper else [])]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=5)
        await asyncio.to_thread(DBOS.destroy, workflow_completion_timeout_sec=0)

    async def submit(self, run_id: str) -> None:
        """Queue what is ready of a run."""
        await self.dispatch(run_id)

    async def cancel(self, owner: str, run_id: str) -> RunCancelled:
        """Stop a run at once: its FFmpeg processes are gone when this returns."""
        workflows = await self._workflows(run_id)
        answer = await self.store.write(lambda c: t.cancel_run(c, owner, run_id))
        tasks = [task for key in workflows.values() if (task := self._active.get(key))]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=5)
        if workflows:
            await DBOS.cancel_workflows_async(list(workflows))
        self.feed.ring()
        return answer

    async def resume(self, owner: str, run_id: str) -> RunResumed:
        """Go on with a failed or cancelled run."""
        answer = await self.store.write(lambda c: t.resume_run(c, owner, run_id))
        await self.dispatch(run_id)
        self.feed.ring()
        return answer

    async def dispatch(self, run_id: str) -> None:
        """Queue every ready node and render of a run; what is queued already stays so."""
        for workflow_id, (kind, row_id, generation) in (await self._queued(run_id)).items():
            with SetWorkflowID(workflow_id):
                if kind == "node":
                    await DBOS.enqueue_workflow_async(
                        NODES, node_workflow, run_id, row_id, generation
                    )
                else:
                    await DBOS.enqueue_workflow_async(
                        RENDERS, render_workflow, run_id, row_id, generation
                    )

    async def work(self, key: str, doing: Awaitable[None]) -> None:
        """Do something that `cancel` can stop; being stopped so is a normal end."""
        task = asyncio.ensure_future(doing)
        self._active[key] = task
        try:
            await asyncio.wait({task})
            if task.cancelled():
                if self._stopping:
                    raise asyncio.CancelledError
                return
            task.result()
        finally:
            del self._active[key]
            if not task.done():
                task.cancel()
                await asyncio.wait({task})

    async def _queued(self, run_id: str | None) -> dict[str, tuple[str, str, int]]:
        """Workflow id -> (kind, row id, generation) of all that waits to be begun."""

        def read(connection: sa.Connection) -> dict[str, tuple[str, str, int]]:
            found: dict[str, tuple[str, str, int]] = {}
            for kind, table in (("node", run_nodes), ("render", renders)):
                query = sa.select(table.c.id, table.c.generation).where(
                    table.c.status == NodeStatus.queued
                )
                if run_id is not None:
                    query = query.where(table.c.run_id == run_id)
                for row in connection.execute(query):
                    found[f"{kind}:{row.id}:{row.generation}"] = (kind, row.id, row.generation)
            return found

        return await self.store.read(read)

    async def _workflows(self, run_id: str) -> dict[str, str]:
        """Workflow id -> row id of all that a run has queued or at work."""

        def read(connection: sa.Connection) -> dict[str, str]:
            return {
                f"{kind}:{row.id}:{row.generation}": row.id
                for kind, table in (("node", run_nodes), ("render", renders))
                for row in connection.execute(
                    sa.select(table.c.id, table.c.generation).where(
                        table.c.run_id == run_id, table.c.status.in_(t.AT_WORK)
                    )
                )
            }

        return await self.store.read(read)

    async def _sweep(self) -> None:
        """Mend what a crash between two commits left: queued in our tables, unknown to DBOS."""
        while True:
            try:
                for run_id in await self._open_runs():
                    await self.store.write(lambda c, r=run_id: t.advance(c, r))
                    await self.dispatch(run_id)
            except Exception:
                log.exception("sweep")
            await asyncio.sleep(SWEEP_S)

    async def _open_runs(self) -> Sequence[str]:
        query = sa.select(runs.c.id).where(runs.c.status == RunStatus.running)
        return await self.store.read(lambda c: c.execute(query).scalars().all())


def _use_wal(database: Path) -> None:
    """DBOS leaves SQLite's slow journal; WAL, set once, stays with the file."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")


def _not_cancelled(entry: logging.LogRecord) -> bool:
    """DBOS logs a traceback for every cancelled workflow: cancelling is no error."""
    return "cancel" not in entry.getMessage().lower()
