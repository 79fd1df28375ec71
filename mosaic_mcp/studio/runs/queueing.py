"""Which queued jobs DBOS is told of next, and how a job goes back into the queue.

Our tables hold any number of queued jobs; DBOS is told of a window of them only, so that a thousand
queued runs cost it a few rows. The order is fair:

1. Round robin between owners: an owner's first job comes before everybody's second. What an owner
   has at work counts, so that one with many runs does not take every slot that becomes free.
2. Within an owner the oldest run first, so that runs end one after the other.
3. An owner whose renders already fill the render window begins no new run: their decisions would
   take time from the renders, and no output would be there sooner.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from mosaic_mcp.studio.runs.needs import Need
from mosaic_mcp.studio.runs.states import (
    AT_WORK,
    PROGRESS,
    Job,
    Kind,
    S,
    at_work,
    has_renders_at_work,
    jobs,
    lock_run,
    record,
)
from mosaic_mcp.studio.store.tables import renders, run_nodes, runs, workers

WINDOW = 3
"""DBOS is told of so many jobs for each slot: enough that no slot waits for us."""
LOOK_AGAIN_S = 4.0
"""How long a job that was put back waits at least."""
AT_LEAST = 4_000_000
"""Bytes: the first guess for a job that had none and met a full disk."""

TABLES: Mapping[Kind, sa.Table] = {"node": run_nodes, "render": renders}


def next_jobs(connection: sa.Connection, slots: Mapping[Kind, int]) -> list[Job]:
    """The jobs that DBOS is to know: for each kind a window of `slots` times WINDOW, in order.

    `slots` are those of one process; where several work, each adds its own. Asked again, the answer
    holds the same jobs until they begin, and then those that follow.
    """
    processes = connection.execute(sa.select(sa.func.count()).select_from(workers)).scalar_one()
    windows = {kind: count * WINDOW * max(1, processes) for kind, count in slots.items()}
    return [
        *_fair(connection, "render", windows["render"]),
        *_fair(
            connection,
            "node",
            windows["node"],
            ~has_renders_at_work(),
            _begun_or_free(connection, windows["render"]),
        ),
    ]


def standing(connection: sa.Connection, slots: Mapping[Kind, int]) -> list[Job]:
    """What DBOS must know of: all that is at work, and the window."""
    return [*jobs(connection, statuses=[S.running]), *next_jobs(connection, slots)]


def _fair(
    connection: sa.Connection, kind: Kind, window: int, *which: sa.ColumnElement[bool]
) -> list[Job]:
    table = TABLES[kind]
    age = (runs.c.started_at, runs.c.id, table.c.position)
    at_work_first = sa.case((table.c.status == S.running, 0), else_=1)
    rank = sa.func.row_number().over(partition_by=table.c.owner, order_by=(at_work_first, *age))
    waits = sa.and_(table.c.status == S.queued, table.c.not_before > time.time())
    ranked = (
        sa.select(
            table.c.id,
            table.c.generation,
            table.c.turn,
            table.c.status,
            table.c.position,
            runs.c.started_at,
            runs.c.id.label("run_id"),
            rank.label("rank"),
        )
        .join(runs, runs.c.id == table.c.run_id)
        .where(at_work(table), sa.not_(sa.func.coalesce(waits, sa.false())), *which)
        .subquery()
    )
    order = (ranked.c.rank, ranked.c.started_at, ranked.c.run_id, ranked.c.position)
    query = sa.select(ranked).where(ranked.c.status == S.queued).order_by(*order).limit(window)
    return [Job(kind, row.id, row.generation, row.turn) for row in connection.execute(query)]


def _begun_or_free(connection: sa.Connection, window: int) -> sa.ColumnElement[bool]:
    """True for nodes of runs that have begun, and of owners with few renders waiting."""
    query = (
        sa.select(renders.c.owner)
        .where(at_work(renders), renders.c.status == S.queued)
        .group_by(renders.c.owner)
        .having(sa.func.count() >= window)
    )
    busy = list(connection.execute(query).scalars())
    sibling = run_nodes.alias("sibling")
    begun = sa.exists().where(
        sibling.c.run_id == run_nodes.c.run_id, sibling.c.started_at.is_not(None)
    )
    return sa.or_(run_nodes.c.owner.not_in(busy), begun) if busy else sa.true()


@dataclass(frozen=True, slots=True)
class Seen:
    """A job as a process saw it before it began it."""

    job: Job
    need: Need
    attempt: int
    worker: str | None
    """The process."""


def look_at(connection: sa.Connection, job: Job, worker: str | None) -> Seen | None:
    """The job and what it is estimated to need; None when it is no longer to be done."""
    table = TABLES[job.kind]
    memory = table.c.need_memory if job.kind == "render" else sa.literal(0)
    query = sa.select(memory, table.c.need_disk, table.c.attempt).where(*_still(table, job))
    row = connection.execute(query).one_or_none()
    return None if row is None else Seen(job, Need(row[0], row[1]), row[2], worker)


def raise_need(connection: sa.Connection, seen: Seen) -> int:
    """Double the estimate of a job that met a full disk in spite of it; the new one, bytes."""
    table = TABLES[seen.job.kind]
    now = table.c.need_disk
    need = connection.execute(
        table.update()
        .where(*_ours(table, seen))
        .values(need_disk=sa.case((now < AT_LEAST, AT_LEAST), else_=now * 2))
        .returning(now)
    ).scalar_one_or_none()
    return need or 0


def put_back(connection: sa.Connection, seen: Seen, waits_for: str) -> None:
    """Queue a job again, begun or not, because it cannot be done now; its attempt is given back.

    It is told to DBOS again after LOOK_AGAIN_S, as new work: others go on in the meantime.
    """
    job, table = seen.job, TABLES[seen.job.kind]
    lock_run(connection, table, job.row_id)
    row: Any = connection.execute(
        table.update()
        .where(*_ours(table, seen))
        .values(
            status=S.queued,
            attempt=seen.attempt,
            turn=table.c.turn + 1,
            not_before=time.time() + LOOK_AGAIN_S,
            waits_for=waits_for,
        )
        .returning(*table.c)
    ).one_or_none()
    if row is None:
        return
    if job.kind == "render":
        connection.execute(
            run_nodes.update()
            .where(run_nodes.c.id == row.run_node_id, run_nodes.c.status == S.running)
            .values(step=f"waiting for {waits_for}", rate=None)
        )
    record(connection, row.owner, row.run_id, PROGRESS)


def _still(table: sa.Table, job: Job) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        table.c.id == job.row_id,
        table.c.generation == job.generation,
        table.c.status.in_(AT_WORK),
    )


def _ours(table: sa.Table, seen: Seen) -> tuple[sa.ColumnElement[bool], ...]:
    """Nobody has begun it since, or this process has: what another one does is not ours to stop."""
    unchanged = table.c.attempt == seen.attempt
    begun = table.c.worker.is_not_distinct_from(seen.worker)
    return (*_still(table, seen.job), sa.or_(unchanged, begun))
