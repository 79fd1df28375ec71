"""The engine: four verbs (submit, cancel, resume, start) over DBOS.

One DBOS workflow is one job: a node, or a render, of one generation of a run. There is no driver:
whatever ends a job queues, in the same transaction, what became ready, and DBOS is told. Our tables
are the only truth; DBOS remembers what was queued and begun, and starts it again after a crash.
Everything here can be repeated: a workflow's id is made of what it does, and a claim that is no
longer true does nothing (`runs/states.py`).

Several processes may work on one database. Each says that it lives (`liveness.py`), looks again and
again whether what it does is still its to do, and hands over what is unfinished when it ends.

DBOS is one per process, so this module holds the one engine that its workflows call.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import anyio
import anyio.to_thread
from dbos import DBOS, SetWorkflowID

from mosaic_mcp.contract.runs import RunCancelled, RunResumed
from mosaic_mcp.errors import EngineUnavailable
from mosaic_mcp.studio.library import Library
from mosaic_mcp.studio.liveness import Liveness, forget
from mosaic_mcp.studio.machine import render_slots
from mosaic_mcp.studio.pacing import POLL_S, Pace
from mosaic_mcp.studio.runs.control import cancel_run, give_up, resume_run
from mosaic_mcp.studio.runs.executing import NodeWork
from mosaic_mcp.studio.runs.feed import Feed
from mosaic_mcp.studio.runs.queueing import next_jobs, standing
from mosaic_mcp.studio.runs.rendering import RenderWork
from mosaic_mcp.studio.runs.states import Job, Kind, workers_of
from mosaic_mcp.studio.store.database import Store, outlasting
from mosaic_mcp.studio.workflows import Workflows

T = TypeVar("T")

QUEUES: Mapping[Kind, str] = {"node": "nodes", "render": "renders"}
SLOTS: Mapping[Kind, int] = {"node": 8, "render": render_slots()}
SWEEP_S = 5.0
LOOK_S = 0.2
"""How often a process at work looks whether its work was cancelled or given to another."""
VERSION = "wf-3"
"""To be raised when the steps of a workflow change. DBOS takes up work of its own version only (by
default a hash of the source, so that any edit would strand what is queued); as it is part of a
workflow's id too, work of an older version is queued anew."""
HAND_OVER_S = 2.0
"""Longest time that handing over may take when a process ends."""
FORGET_AT_ONCE = 500
PAUSE = 4
"""Looking for the next jobs is followed by a pause so many times as long: in a queue of thousands
it takes a part of a core, in a short one nobody notices."""
LOST = frozenset({"SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"})
"""States of a workflow that does nothing any more."""

log = logging.getLogger(__name__)
_engine: Engine | None = None


def _current() -> Engine:
    if _engine is None:
        raise RuntimeError("the engine is not started")
    return _engine


@DBOS.step(preemptible=True)
async def do_node(row_id: str, generation: int, tries: int) -> float | None:
    """Execute a node; seconds after which to try again, or None when it is done with.

    Interrupted, it is executed again at the next start.
    """
    engine = _current()
    job = Job("node", row_id, generation)
    return await engine.work(job, engine.nodes.run(row_id, generation, tries))


@DBOS.step(preemptible=True)
async def do_render(row_id: str, generation: int, tries: int) -> float | None:
    """Execute a render, as `do_node` executes a node."""
    engine = _current()
    job = Job("render", row_id, generation)
    return await engine.work(job, engine.renders.run(row_id, generation, tries))


@DBOS.workflow(max_recovery_attempts=1000)
async def node_workflow(row_id: str, generation: int) -> None:
    """A node; what failed for a passing reason is tried again, also after a restart."""
    tries = 0
    while (pause := await do_node(row_id, generation, tries)) is not None:
        await DBOS.sleep_async(pause)
        tries += 1


@DBOS.workflow(max_recovery_attempts=1000)
async def render_workflow(row_id: str, generation: int) -> None:
    """A render; tried again as a node is."""
    tries = 0
    while (pause := await do_render(row_id, generation, tries)) is not None:
        await DBOS.sleep_async(pause)
        tries += 1


@dataclass(slots=True)
class _Active:
    """A job that this process does."""

    job: Job
    task: asyncio.Task[Any]
    claimed: bool = False
    """Seen to be ours in the database."""


@dataclass(slots=True)
class Engine:
    """Runs nodes and renders, and carries on after a crash."""

    store: Store
    feed: Feed
    nodes: NodeWork
    renders: RenderWork
    workflows: Workflows
    library: Library
    dead_s: float
    """Seconds of silence after which a process counts as dead."""
    works: bool = True
    """False: runs are taken in, watched and cancelled here, and other processes do the work."""
    _liveness: Liveness = field(init=False)
    _pace: Pace = field(init=False)
    _active: dict[str, _Active] = field(default_factory=dict[str, _Active])
    _told: set[str] = field(default_factory=set[str])
    """Keys of the jobs that DBOS was told of and that are not begun."""
    _ready: asyncio.Event = field(default_factory=asyncio.Event)
    _keepers: list[asyncio.Task[None]] = field(default_factory=list[asyncio.Task[None]])
    _stopping: bool = False

    async def start(self) -> None:
        """Launch DBOS, take up what was left, and begin to listen."""
        global _engine  # noqa: PLW0603 - DBOS is one per process, see above
        _engine = self
        self._liveness = Liveness(self.store, self.me, self.dead_s, self._take_over)
        logging.getLogger("dbos").addFilter(_not_cancelled)
        await self.workflows.launch(VERSION, listens=self.works)
        queues = [
            await DBOS.register_queue_async(
                queue,
                worker_concurrency=SLOTS[kind],
                polling_interval_sec=POLL_S,
                on_conflict="always_update" if self.works else "never_update",
            )
            for kind, queue in QUEUES.items()
        ]
        # Several processes on one database share what the queues say: none may slow the others.
        self._pace = Pace(queues if self.works and self.store.postgres is None else [])
        self._ready.set()
        keep = [self._relay()]
        if self.works:
            keep += [self._liveness.run(), self._sweep(), self._let_go()]
        self._keepers = [asyncio.create_task(keeping) for keeping in keep]

    async def stop(self) -> None:
        """End our work; what is unfinished goes on at once in another process, or later here."""
        self._stopping = True
        await _end([*self._keepers, *(active.task for active in self._active.values())])
        # DBOS takes asyncio's own threads with it when it ends.
        await anyio.to_thread.run_sync(DBOS.destroy)
        if self.works:
            try:
                with anyio.fail_after(HAND_OVER_S):
                    await anyio.to_thread.run_sync(
                        self.workflows.hand_over, _queues, abandon_on_cancel=True
                    )
                    await self.store.write(lambda c: forget(c, self.me))
            except Exception as error:
                # Whoever notices our silence takes it instead.
                log.warning("unfinished work was not handed over: %s", error)

    @property
    def me(self) -> str:
        """This process, as others know it."""
        return self.workflows.executor

    async def submit(self, run_id: str) -> None:
        """Begin a run that was written (or go on with it)."""
        log.info("run %s", run_id)
        self._ready.set()

    async def cancel(self, owner: str, run_id: str) -> RunCancelled:
        """Stop a run at once: its FFmpeg processes are gone when this returns.

        Those of other processes are half a second later (`_let_go`).
        """
        answer, stopped = await self.store.write(lambda c: cancel_run(c, owner, run_id))
        self.feed.ring()
        await _end(active.task for job in stopped if (active := self._active.get(job.key)))
        if stopped:
            # Only saves DBOS from beginning what ends at once: nobody has to wait for it.
            with anyio.move_on_after(SWEEP_S):
                await DBOS.cancel_workflows_async([_workflow_id(job) for job in stopped])
        return answer

    async def resume(self, owner: str, run_id: str) -> RunResumed:
        """Go on with a failed or cancelled run."""
        answer = await self.store.write(lambda c: resume_run(c, owner, run_id))
        self._ready.set()
        self.feed.ring()
        return answer

    async def forget_ended(self, before: datetime) -> None:
        """Let DBOS forget the jobs that ended before that moment: our tables know how."""
        while True:
            ended = await DBOS.list_workflows_async(
                completed_before=before.isoformat(),
                status=sorted(LOST),
                limit=FORGET_AT_ONCE,
                load_input=False,
                load_output=False,
            )
            if not ended:
                return
            await DBOS.delete_workflows_async([workflow.workflow_id for workflow in ended])

    async def work(self, job: Job, doing: Coroutine[Any, Any, T]) -> T | None:
        """Do a job so that `cancel` can stop it; being stopped so is a normal end."""
        earlier = self._active.get(job.key)
        if earlier is not None:  # taken from us while we were silent, and given to us again
            await _end([earlier.task])
        task = asyncio.create_task(_outlasting(doing))
        self._active[job.key] = active = _Active(job, task)
        self._told.discard(job.key)
        try:
            await asyncio.wait({task})
            if task.cancelled():
                if self._stopping:
                    raise asyncio.CancelledError
                return None
            return task.result()
        finally:
            await _end([task])
            if self._active.get(job.key) is active:
                del self._active[job.key]
            self._ready.set()

    async def _let_go(self) -> None:
        """End what is no longer ours: cancelled, begun anew, or given to another process."""
        while True:
            await asyncio.sleep(LOOK_S)
            doing = list(self._active.values())
            if not doing:
                continue
            try:
                found = await self.store.read(
                    lambda c, d=doing: workers_of(c, [active.job for active in d])
                )
            except Exception as error:
                log.warning("cannot look whose work it is: %s", error)
                continue
            for active in doing:
                # Between its start and its claim a job is nobody's, or still that of a dead worker.
                active.claimed = active.claimed or found.get(active.job.key) == self.me
            await _end(
                active.task
                for active in doing
                if active.job.key not in found
                # One that waits again may be ending by itself, to be tried again after a pause.
                or (active.claimed and found[active.job.key] not in (None, self.me))
            )

    async def _take_over(self, worker: str) -> None:
        """Queue again what a dead process had begun."""
        await self.workflows.requeue(worker, _queues)
        await anyio.to_thread.run_sync(self.library.clear_work, worker)

    async def _relay(self) -> None:
        """Tell DBOS of the queued jobs that come next."""
        while True:
            await self._ready.wait()
            self._ready.clear()
            try:
                began = time.monotonic()
                queued = await self.store.read(lambda c: next_jobs(c, SLOTS))
                spent = time.monotonic() - began
                if queued:
                    await self._pace.work()
                for job in queued:
                    if job.key not in self._told:
                        await _enqueue(job)
                self._told = {job.key for job in queued}
                await asyncio.sleep(PAUSE * spent)
            except EngineUnavailable as away:
                log.warning("%s", away.message)  # a sweep tries again
            except Exception:
                log.exception("relay")  # a sweep tries again

    async def _sweep(self) -> None:
        """Mend what our tables say is at work and DBOS does not know, or knows to have ended."""
        while True:
            await asyncio.sleep(SWEEP_S)
            self._ready.set()  # what was put back may be told again by now
            try:
                await (self._pace.work() if self._active else self._pace.idle())
                if self._liveness.leads:
                    await self._mend()
            except EngineUnavailable as away:
                log.warning("%s", away.message)
            except Exception:
                log.exception("sweep")

    async def _mend(self) -> None:
        at_work = await self.store.read(lambda c: standing(c, SLOTS))
        if not at_work:
            return
        known = await DBOS.list_workflows_async(
            workflow_ids=[_workflow_id(job) for job in at_work],
            load_input=False,
            load_output=False,
        )
        status = {workflow.workflow_id: workflow.status for workflow in known}
        for job in at_work:
            found = status.get(_workflow_id(job))
            if found is None:
                await _enqueue(job)
            elif found in LOST:
                # A job ends in our tables before it ends in DBOS: this one never did.
                log.error("%s was lost: DBOS says %s", job.key, found)
                await self.store.write(lambda c, lost=job: give_up(c, lost))
                self._ready.set()
                self.feed.ring()


def _workflow_id(job: Job) -> str:
    return f"{job.key}:{job.turn}:{VERSION}"


def _queues(workflow_ids: Iterable[str]) -> dict[str, list[str]]:
    """Workflows of our version by the queue that they belong to."""
    ids = [known for known in workflow_ids if known.endswith(f":{VERSION}")]
    return {
        queue: [known for known in ids if known.startswith(f"{kind}:")]
        for kind, queue in QUEUES.items()
    }


async def _outlasting(doing: Coroutine[Any, Any, T]) -> T:
    """Do it to its end, however often the database goes away meanwhile."""
    with outlasting():
        return await doing


async def _enqueue(job: Job) -> None:
    """Queue a job; one that is queued already stays so."""
    workflow = node_workflow if job.kind == "node" else render_workflow
    with SetWorkflowID(_workflow_id(job)):
        await DBOS.enqueue_workflow_async(QUEUES[job.kind], workflow, job.row_id, job.generation)


async def _end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel these tasks, and wait until they have cleaned up."""
    running = [task for task in tasks if not task.done()]
    for task in running:
        task.cancel()
    if running:
        await asyncio.wait(running, timeout=5)


def _not_cancelled(entry: logging.LogRecord) -> bool:
    """DBOS logs a traceback for every cancelled workflow: cancelling is no error."""
    return "cancel" not in entry.getMessage().lower()
