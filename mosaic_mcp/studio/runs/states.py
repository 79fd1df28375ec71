"""What states runs, nodes and renders have, who may change them, and how a change is recorded.

A worker may write about a node or a render only while it holds the row's (generation, attempt): a
resume raises the generation, a restart the attempt, and whoever comes late writes nothing.

Every change locks its run first (`lock_run`), then nodes, then renders: of two that change one run
at the same moment neither can hold what the other waits for. SQLite locks the whole file instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import sqlalchemy as sa

from mosaic_mcp.contract.runs import NodeStatus
from mosaic_mcp.errors import NotFound
from mosaic_mcp.studio.store.tables import events, renders, run_nodes, runs

S = NodeStatus
DONE = (S.completed, S.partial_complete)
ENDED = (*DONE, S.failed, S.blocked, S.cancelled)
AT_WORK = (S.queued, S.running)
MAX_ATTEMPTS = 5
"""How often a node or a render may be begun in one generation. Who stops in good order gives the
attempt back, so one is used up without a result only when the process dies: so many deaths are no
accident."""
TRUSTED = 2
"""Attempts that a job may make beside others. One that was at work during so many deaths of the
studio is made alone from then on: the next death has one suspect, and its neighbours none."""
PROGRESS = "node.progress"


@dataclass(frozen=True, slots=True)
class Fence:
    """The right to write about a node or a render."""

    id: str
    generation: int
    attempt: int


@dataclass(frozen=True, slots=True)
class Job:
    """A node or a render of one generation that waits or is at work."""

    kind: Literal["node", "render"]
    row_id: str
    generation: int

    @property
    def key(self) -> str:
        """Names the job, the same in every process."""
        return f"{self.kind}:{self.row_id}:{self.generation}"


class Superseded(Exception):
    """The node or the render was cancelled, or given to somebody else."""


def now() -> str:
    """The present moment as our tables write it."""
    return datetime.now(UTC).isoformat()


def lock_run(connection: sa.Connection, table: sa.Table, row_id: str) -> None:
    """Wait until nobody else changes the run of this node or render, and keep others out."""
    run_id = sa.select(table.c.run_id).where(table.c.id == row_id).scalar_subquery()
    connection.execute(sa.select(runs.c.id).where(runs.c.id == run_id).with_for_update())


def held(table: sa.Table, fence: Fence) -> sa.ColumnElement[bool]:
    """True for the row while the fence holds."""
    return sa.and_(
        table.c.id == fence.id,
        table.c.generation == fence.generation,
        table.c.attempt == fence.attempt,
        table.c.status == S.running,
    )


def claimable(
    table: sa.Table, row_id: str, generation: int, *, alone: bool
) -> sa.ColumnElement[bool]:
    """True for the row of a node or a render that may be begun; without `alone` if TRUSTED."""
    return sa.and_(
        table.c.id == row_id,
        table.c.generation == generation,
        table.c.status.in_(AT_WORK),
        *(() if alone else (table.c.attempt < TRUSTED,)),
    )


def has_renders_at_work() -> sa.ColumnElement[bool]:
    """True for a node whose tile is done and whose renders are not."""
    return sa.exists().where(renders.c.run_node_id == run_nodes.c.id, renders.c.status.in_(AT_WORK))


def record(connection: sa.Connection, owner: str, run_id: str, kind: str, **data: Any) -> None:
    """Add an event and touch the run, so that whoever watches it wakes.

    Of progress only the newest is kept: its number matters, not its history. The run is touched
    first: that locks its row, and a run's events are numbered in the order of their commits.
    """
    connection.execute(runs.update().where(runs.c.id == run_id).values(updated_at=now()))
    seq = connection.execute(
        events.insert()
        .values(owner=owner, run_id=run_id, type=kind, data=data, at=now())
        .returning(events.c.seq)
    ).scalar_one()
    if kind == PROGRESS:
        # After the insert: SQLite would give the number of a deleted last row once more.
        older = (events.c.run_id == run_id, events.c.type == PROGRESS, events.c.seq < seq)
        connection.execute(events.delete().where(*older))


def jobs(
    connection: sa.Connection,
    run_id: str | None = None,
    statuses: Sequence[NodeStatus] = AT_WORK,
) -> list[Job]:
    """What waits or is at work, of one run or of all.

    A node that waits for its renders is nobody's job: the last of them ends it.
    """
    waiting = (run_nodes.c.status.in_(statuses), ~has_renders_at_work())
    return [
        *_jobs_of(connection, "node", run_nodes, run_id, *waiting),
        *_jobs_of(connection, "render", renders, run_id, renders.c.status.in_(statuses)),
    ]


def _jobs_of(
    connection: sa.Connection,
    kind: Literal["node", "render"],
    table: sa.Table,
    run_id: str | None,
    *which: sa.ColumnElement[bool],
) -> list[Job]:
    query = sa.select(table.c.id, table.c.generation).where(*which)
    if run_id is not None:
        query = query.where(table.c.run_id == run_id)
    order = query.order_by(table.c.position)
    return [Job(kind, row.id, row.generation) for row in connection.execute(order)]


def workers_of(connection: sa.Connection, jobs: Iterable[Job]) -> dict[str, str | None]:
    """Who does each of these jobs, by its key; None for one that waits. Without those that nobody
    is to do any more: cancelled, ended, or of an older generation."""
    wanted = {job.row_id: job for job in jobs}
    found: dict[str, str | None] = {}
    for table in (run_nodes, renders):
        query = sa.select(table.c.id, table.c.generation, table.c.status, table.c.worker).where(
            table.c.id.in_(wanted), table.c.status.in_(AT_WORK)
        )
        for row in connection.execute(query):
            job = wanted[row.id]
            if row.generation == job.generation:
                found[job.key] = row.worker if row.status == S.running else None
    return found


def own_run(connection: sa.Connection, owner: str, run_id: str, *, lock: bool = False) -> Any:
    """The row of the owner's run, locked to be changed; another owner's does not exist."""
    query = sa.select(runs).where(runs.c.id == run_id, runs.c.owner == owner)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise NotFound(f"There is no run {run_id!r}.", remedy="GET /agent_runs lists your runs.")
    return row
