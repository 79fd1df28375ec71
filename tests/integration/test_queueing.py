"""Which queued jobs come next, and how jobs wait: in a real database, without the work."""

import re
import time
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
import sqlalchemy as sa

from mosaic_mcp.contract.runs import RunRequest
from mosaic_mcp.studio.liveness import beat
from mosaic_mcp.studio.runs import queueing
from mosaic_mcp.studio.runs.creating import create_run
from mosaic_mcp.studio.runs.feed import Feed
from mosaic_mcp.studio.runs.node_changes import start_node
from mosaic_mcp.studio.runs.queueing import (
    WINDOW,
    look_at,
    next_jobs,
    put_back,
    raise_need,
    standing,
)
from mosaic_mcp.studio.runs.states import Job, Kind
from mosaic_mcp.studio.signing import Links, Signer
from mosaic_mcp.studio.store.database import Store
from mosaic_mcp.studio.store.runs import Runs
from mosaic_mcp.studio.store.tables import renders, run_nodes, workers
from tests.support.agents import agent
from tests.support.run_states import OWNER, MovedRun

LINE = {"in": "Video Input", "logo": "Watermark", "out": "Destination"}
SLOTS: Mapping[Kind, int] = {"node": 2, "render": 1}


class Queue:
    """Many runs of several owners."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.names: dict[str, str] = {}
        """Row id of a run's first node -> "anna 1"."""

    def add(self, owner: str, count: int) -> None:
        detail = agent(LINE, None)
        with self.store.engine.begin() as c:
            for number in range(1, count + 1):
                request = RunRequest(video_ids=("v",))
                run_id = create_run(
                    c, owner, detail, request, quality="draft", idempotency_key=None
                )
                first = sa.select(run_nodes.c.id).where(
                    run_nodes.c.run_id == run_id, run_nodes.c.position == 0
                )
                self.names[c.execute(first).scalar_one()] = f"{owner} {number}"

    def next(self) -> list[Job]:
        with self.store.engine.begin() as c:
            return next_jobs(c, SLOTS)

    def told(self) -> list[str]:
        return [self.names[job.row_id] for job in self.next()]

    def begin(self) -> str:
        """Begin the job that comes first, and leave it at work."""
        job = self.next()[0]
        with self.store.engine.begin() as c:
            start_node(c, job.row_id, job.generation)
        return self.names[job.row_id]


def test_an_owner_with_many_runs_does_not_keep_another_waiting(store: Store):
    queue = Queue(store)
    queue.add("anna", 120)
    queue.add("ben", 1)
    assert queue.told() == ["anna 1", "ben 1", "anna 2", "anna 3", "anna 4", "anna 5"]
    assert len(queue.told()) == SLOTS["node"] * WINDOW, "however many wait, few are told"


def test_what_an_owner_has_at_work_counts(store: Store):
    queue = Queue(store)
    queue.add("anna", 5)
    assert [queue.begin(), queue.begin()] == ["anna 1", "anna 2"]
    queue.add("ben", 3)
    assert [queue.begin() for _ in range(4)] == ["ben 1", "ben 2", "anna 3", "ben 3"]


def test_asked_again_the_same_jobs_are_told(store: Store):
    queue = Queue(store)
    queue.add("anna", 20)
    assert queue.told() == queue.told()
    begun = queue.begin()
    assert begun not in queue.told()


def test_dbos_is_to_know_what_is_at_work_and_the_window(store: Store):
    queue = Queue(store)
    queue.add("anna", 50)
    queue.begin()
    with store.engine.begin() as c:
        assert len(standing(c, SLOTS)) == 1 + SLOTS["node"] * WINDOW


def rendering(store: Store, count: int) -> MovedRun:
    """A run of anna's with so many queued renders."""
    run = MovedRun(store, LINE)
    run.do("in")
    run.decide_and_plan("logo", *map(str, range(count)))
    return run


def test_an_owner_whose_renders_wait_begins_no_new_run_and_others_do(store: Store):
    run = rendering(store, WINDOW)
    queue = Queue(store)
    queue.add("anna", 1)
    queue.add("ben", 1)
    nodes = [job for job in queue.next() if job.kind == "node"]
    assert [queue.names[job.row_id] for job in nodes] == ["ben 1"]
    for row in run.renders("logo")[:1]:
        run.start_render(row)
    nodes = [job for job in queue.next() if job.kind == "node"]
    assert sorted(queue.names[job.row_id] for job in nodes) == ["anna 1", "ben 1"]


def test_the_renders_of_the_oldest_run_come_first(store: Store):
    older, newer = rendering(store, 2), rendering(store, 2)
    rows = [*older.renders("logo"), *newer.renders("logo")]
    told = [job.row_id for job in next_jobs_of(store) if job.kind == "render"]
    assert told == [row.id for row in rows][:WINDOW]


def next_jobs_of(store: Store) -> list[Job]:
    return Queue(store).next()


def put(store: Store, job: Job) -> None:
    with store.engine.begin() as c:
        seen = look_at(c, job, None)
        if seen is not None:
            put_back(c, seen, "disk space: 1 GB free, 2 GB needed")


def test_a_render_that_waits_lets_others_go_on_and_is_told_again_as_new_work(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    run = rendering(store, 2)
    first, second = next_jobs_of(store)
    put(store, first)
    assert next_jobs_of(store) == [second]
    row = run.renders("logo")[0]
    assert (row.status, row.attempt, row.waits_for) == (
        "queued",
        0,
        "disk space: 1 GB free, 2 GB needed",
    )
    assert run.row("logo").step == "waiting for disk space: 1 GB free, 2 GB needed"
    later = time.time() + queueing.LOOK_AGAIN_S + 1
    monkeypatch.setattr(queueing, "time", SimpleNamespace(time=lambda: later))
    again = next_jobs_of(store)[0]
    assert (again.row_id, again.turn, again.key) == (first.row_id, 1, first.key)
    assert run.start_render(row) is not None
    assert run.renders("logo")[0].waits_for is None


def test_what_is_put_back_out_of_its_work_can_no_longer_be_written_about(store: Store):
    run = rendering(store, 1)
    (job,) = next_jobs_of(store)
    late = run.start_render(run.renders("logo")[0])
    assert late is not None
    put(store, job)
    run.finish_render(late)
    assert run.renders("logo")[0].status == "queued"


def test_what_another_process_has_begun_is_not_put_back(store: Store):
    run = rendering(store, 1)
    (job,) = next_jobs_of(store)
    with store.engine.begin() as c:
        seen = look_at(c, job, "a process that was counted as dead")
    assert seen is not None
    held = run.start_render(run.renders("logo")[0])
    assert held is not None
    with store.engine.begin() as c:
        put_back(c, seen, "disk space")
    run.finish_render(held)
    assert run.renders("logo")[0].status == "completed"


def test_a_cancelled_job_is_not_put_back(store: Store):
    run = rendering(store, 1)
    (job,) = next_jobs_of(store)
    run.cancel()
    put(store, job)
    assert run.renders("logo")[0].status == "cancelled"


def test_an_estimate_that_was_too_low_is_doubled(store: Store):
    rendering(store, 1)
    (job,) = next_jobs_of(store)
    with store.engine.begin() as c:
        seen = look_at(c, job, None)
        assert seen is not None
        assert [raise_need(c, seen) for _ in range(3)] == [
            queueing.AT_LEAST,
            2 * queueing.AT_LEAST,
            4 * queueing.AT_LEAST,
        ]


async def test_a_run_that_nobody_can_do_says_so_until_a_worker_lives(store: Store):
    run = MovedRun(store, LINE)
    runs, links = Runs(store, Feed(), dead_s=60), Links("http://here", Signer(b"k" * 32))

    async def said(runs: Runs) -> tuple[str | None, str]:
        seen = await runs.watch(OWNER, run.id, links, since=-1, wait_s=0, closing=anyio.Event())
        return seen.run.status_message, seen.nodes[0].step

    nobody = "o worker is running: start `mosaic-mcp worker`"
    assert await said(runs) == (f"N{nobody}. The run then goes on by itself.", f"n{nobody}")
    assert await said(Runs(store, Feed())) == (None, ""), "who works itself does not say so"
    await store.write(lambda c: beat(c, "one", 60))
    assert await said(runs) == (None, "")
    run.cancel()
    await store.write(lambda c: c.execute(workers.delete()))
    assert (await said(runs))[0] == "Cancelled by the user."


def finished_jobs(store: Store, queue: Queue, count: int) -> None:
    """So many nodes and renders that are done, beside a node that waits."""
    queue.add("anna", 1)
    with store.engine.begin() as c:
        node = dict(c.execute(sa.select(run_nodes)).mappings().first() or {})
        done = node | {"status": "completed"}
        told = {"name": "talk", "timeline": {}, "recipe_hash": "r"}
        kept = ("owner", "run_id", "position", "status", "generation")
        render = told | {name: done[name] for name in kept}
        c.execute(
            sa.insert(run_nodes),
            [done | {"id": f"n{i}", "node_id": f"n{i}"} for i in range(count)],
        )
        c.execute(
            sa.insert(renders),
            [render | {"id": f"r{i}", "run_node_id": f"n{i}"} for i in range(count)],
        )
    with store.engine.begin() as c:
        c.exec_driver_sql("ANALYZE")  # as databases do by themselves, but now


def test_finding_the_next_jobs_among_thousands_uses_the_small_index(store: Store):
    finished_jobs(store, Queue(store), 3000)
    plans: list[str] = []
    sqlite = store.postgres is None
    asked = "EXPLAIN QUERY PLAN" if sqlite else "EXPLAIN"
    scans = r"SCAN (run_nodes|renders)\b" if sqlite else r"Seq Scan on (run_nodes|renders)\b"

    def explain(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "row_number" in statement and not statement.startswith("EXPLAIN"):
            with store.engine.connect() as c:
                rows = c.exec_driver_sql(f"{asked} {statement}", parameters)
                plans.append("\n".join(str(row[3 if sqlite else 0]) for row in rows))

    sa.event.listen(store.engine, "before_cursor_execute", explain)
    try:
        with store.engine.connect() as c:
            next_jobs(c.execution_options(reading=True), SLOTS)
    finally:
        sa.event.remove(store.engine, "before_cursor_execute", explain)
    assert len(plans) == 2
    for table, plan in zip(("renders", "run_nodes"), plans, strict=True):
        assert f"ix_{table}_at_work" in plan, plan
        assert not re.search(scans, plan), plan
