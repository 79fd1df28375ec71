"""How runs, nodes and renders change state: each change one transaction, each fenced.

A worker may write about a node only while it holds the node's (generation, attempt): a resume
raises the generation, a restart the attempt, and whoever comes late writes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from mosaic_mcp.contract.runs import NodeStatus, RunCancelled, RunResumed, RunStatus
from mosaic_mcp.contract.tiles.catalogue import tile_type
from mosaic_mcp.errors import Conflict, NotFound
from mosaic_mcp.studio.store.tables import events, renders, run_nodes, runs

S = NodeStatus
DONE = (S.completed, S.partial_complete)
ENDED = (*DONE, S.failed, S.blocked, S.cancelled)
AT_WORK = (S.queued, S.running)
MAX_ATTEMPTS = 4
"""How often a node or render may be started in one generation: more means that it ends the
process each time."""


@dataclass(frozen=True, slots=True)
class Fence:
    """The right to write about a node or a render."""

    id: str
    generation: int
    attempt: int


def now() -> str:
    """The present moment as our tables write it."""
    return datetime.now(UTC).isoformat()


PROGRESS = "node.progress"


def record(connection: sa.Connection, owner: str, run_id: str, kind: str, **data: Any) -> None:
    """Add an event and touch the run, so that whoever watches it wakes.

    Of progress only the newest is kept: its number matters, not its history.
    """
    if kind == PROGRESS:
        connection.execute(
            events.delete().where(events.c.run_id == run_id, events.c.type == PROGRESS)
        )
    connection.execute(
        events.insert().values(owner=owner, run_id=run_id, type=kind, data=data, at=now())
    )
    connection.execute(runs.update().where(runs.c.id == run_id).values(updated_at=now()))


def advance(connection: sa.Connection, run_id: str) -> None:
    """Queue what became ready, block what cannot run any more, and end the run when all is done."""
    run = connection.execute(sa.select(runs).where(runs.c.id == run_id)).one()
    if run.status != RunStatus.running:
        return
    rows = connection.execute(
        sa.select(run_nodes).where(run_nodes.c.run_id == run_id).order_by(run_nodes.c.position)
    ).all()
    state = {row.node_id: row for row in rows}
    status = {row.node_id: NodeStatus(row.status) for row in rows}
    for row in rows:
        if status[row.node_id] is not S.not_started:
            continue
        verdict = _ready(row, state, status)
        if verdict is not None:
            status[row.node_id] = verdict
            _set_node(connection, row.id, status=verdict, generation=run.generation)
            record(connection, run.owner, run_id, f"node.{verdict}", node=row.node_id)
    if not any(s in (S.not_started, *AT_WORK) for s in status.values()):
        _finish(connection, run, list(status.values()))


def _ready(row: Any, state: dict[str, Any], status: dict[str, NodeStatus]) -> NodeStatus | None:
    """`queued`, `blocked`, or None while it has to wait."""
    needs: list[str] = row.needs
    if _is_destination(row):
        # It gathers what arrives: blocked only when nothing will.
        if not all(status[n] in ENDED for n in needs):
            return None
        return S.queued if any(status[n] in DONE for n in needs) else S.blocked
    # Timelines are enough to go on: renders of the node before need not be finished.
    if any(status[n] in (S.failed, S.blocked, S.cancelled) for n in needs if not _has(state[n])):
        return S.blocked
    return S.queued if all(_has(state[n]) for n in needs) else None


def _has(row: Any) -> bool:
    return row.timelines is not None


def _is_destination(row: Any) -> bool:
    tile = tile_type(row.node_type_id)
    return tile is not None and tile.kind == "destination"


def _set_node(connection: sa.Connection, node_row_id: str, **values: Any) -> None:
    connection.execute(run_nodes.update().where(run_nodes.c.id == node_row_id).values(**values))


def _finish(connection: sa.Connection, run: Any, status: Sequence[NodeStatus]) -> None:
    made = connection.execute(
        sa.select(sa.func.count())
        .select_from(renders)
        .where(renders.c.run_id == run.id, renders.c.status == S.completed)
    ).scalar_one()
    bad = sum(s in (S.failed, S.blocked, S.partial_complete) for s in status)
    if not bad:
        final, message = RunStatus.completed, None
    elif made:
        final = RunStatus.partial_complete
        message = f"{made} outputs are ready; {bad} steps did not finish."
    else:
        final = RunStatus.failed
        message = f"{bad} steps did not finish, and no output was made."
    connection.execute(
        runs.update()
        .where(runs.c.id == run.id)
        .values(status=final, status_message=message, finished_at=now())
    )
    record(connection, run.owner, run.id, f"run.{final}")


# Nodes


def start_node(connection: sa.Connection, row_id: str, generation: int) -> Fence | None:
    """Claim a queued (or interrupted) node; None when somebody else changed it meanwhile."""
    row = connection.execute(
        run_nodes.update()
        .where(
            run_nodes.c.id == row_id,
            run_nodes.c.generation == generation,
            run_nodes.c.status.in_(AT_WORK),
        )
        .values(
            status=S.running,
            attempt=run_nodes.c.attempt + 1,
            step="",
            started_at=now(),
        )
        .returning(run_nodes.c.attempt, run_nodes.c.owner, run_nodes.c.run_id, run_nodes.c.node_id)
    ).one_or_none()
    if row is None:
        return None
    record(connection, row.owner, row.run_id, "node.running", node=row.node_id)
    return Fence(row_id, generation, row.attempt)


def held(table: sa.Table, fence: Fence) -> sa.ColumnElement[bool]:
    """True for the row while the fence holds."""
    return sa.and_(
        table.c.id == fence.id,
        table.c.generation == fence.generation,
        table.c.attempt == fence.attempt,
        table.c.status == S.running,
    )


def progress_node(
    connection: sa.Connection, fence: Fence, progress: float, step: str, rate: float | None = None
) -> bool:
    """Tell how far a node is; False when it is no longer ours. Progress only rises."""
    row = connection.execute(
        run_nodes.update()
        .where(held(run_nodes, fence))
        .values(
            # The greater of the two: `max` of two values is spelled differently by databases.
            progress=sa.case(
                (run_nodes.c.progress > progress, run_nodes.c.progress), else_=progress
            ),
            step=step,
            rate=rate,
        )
        .returning(run_nodes.c.owner, run_nodes.c.run_id)
    ).one_or_none()
    if row is None:
        return False
    record(connection, row.owner, row.run_id, PROGRESS)
    return True


def applied(connection: sa.Connection, fence: Fence, timelines: list[dict[str, Any]]) -> bool:
    """Keep what a node's tile decided, and let those begin that waited for it."""
    row = connection.execute(
        run_nodes.update()
        .where(held(run_nodes, fence))
        .values(timelines=timelines)
        .returning(run_nodes.c.run_id)
    ).one_or_none()
    if row is None:
        return False
    advance(connection, row.run_id)
    return True


def finish_node(
    connection: sa.Connection, fence: Fence, status: NodeStatus, errors: Sequence[str] = ()
) -> None:
    """Record how a node ended, and go on from there."""
    row = connection.execute(
        run_nodes.update()
        .where(held(run_nodes, fence))
        .values(
            status=status,
            errors=list(errors),
            status_message=errors[0] if errors else None,
            step="",
            progress=1.0 if status in DONE else run_nodes.c.progress,
            finished_at=now(),
        )
        .returning(run_nodes.c.owner, run_nodes.c.run_id, run_nodes.c.node_id)
    ).one_or_none()
    if row is not None:
        record(connection, row.owner, row.run_id, f"node.{status}", node=row.node_id)
        advance(connection, row.run_id)


# Renders


def plan_renders(connection: sa.Connection, fence: Fence, wanted: Sequence[dict[str, Any]]) -> None:
    """Make the render rows of an output node: finished ones of the same recipe stay."""
    node = connection.execute(sa.select(run_nodes).where(held(run_nodes, fence))).one_or_none()
    if node is None:
        return
    old = connection.execute(sa.select(renders).where(renders.c.run_node_id == fence.id)).all()
    kept = {(r.position, r.recipe_hash): r for r in old if r.status == S.completed}
    for row in old:
        if (row.position, row.recipe_hash) not in kept:
            connection.execute(renders.delete().where(renders.c.id == row.id))
    for position, render in enumerate(wanted):
        if (position, render["recipe_hash"]) in kept:
            continue
        connection.execute(
            renders.insert().values(
                id=str(uuid4()),
                owner=node.owner,
                run_id=node.run_id,
                run_node_id=fence.id,
                position=position,
                status=S.queued,
                generation=fence.generation,
                attempt=0,
                progress=0.0,
                **render,
            )
        )
    record(connection, node.owner, node.run_id, "renders.planned", count=len(wanted))


def settle_renders(connection: sa.Connection, fence: Fence) -> None:
    """End the node at once when all its renders were finished by an earlier attempt."""
    mine = connection.execute(sa.select(run_nodes.c.id).where(held(run_nodes, fence))).first()
    if mine is not None:
        _sum_up(connection, fence.id, None)


def start_render(connection: sa.Connection, render_id: str, generation: int) -> Fence | None:
    """Claim a queued (or interrupted) render."""
    attempt = connection.execute(
        renders.update()
        .where(
            renders.c.id == render_id,
            renders.c.generation == generation,
            renders.c.status.in_(AT_WORK),
        )
        .values(status=S.running, attempt=renders.c.attempt + 1)
        .returning(renders.c.attempt)
    ).scalar_one_or_none()
    return None if attempt is None else Fence(render_id, generation, attempt)


def progress_render(
    connection: sa.Connection, fence: Fence, progress: float, rate: float | None
) -> bool:
    """Tell how far a render is, and with it its node."""
    row = connection.execute(
        renders.update()
        .where(held(renders, fence))
        .values(
            progress=sa.case((renders.c.progress > progress, renders.c.progress), else_=progress)
        )
        .returning(renders.c.run_node_id)
    ).one_or_none()
    if row is None:
        return False
    _sum_up(connection, row.run_node_id, rate)
    return True


def finish_render(
    connection: sa.Connection,
    fence: Fence,
    *,
    facts: dict[str, Any] | None = None,
    error: str | None = None,
) -> None:
    """Record a finished file (`facts`) or why there is none; the last one ends its node."""
    row = connection.execute(
        renders.update()
        .where(held(renders, fence))
        .values(
            status=S.completed if error is None else S.failed,
            error=error,
            facts=facts,
            progress=1.0 if error is None else renders.c.progress,
            completed_at=now() if error is None else None,
        )
        .returning(renders.c.run_node_id)
    ).one_or_none()
    if row is not None:
        _sum_up(connection, row.run_node_id, None)


TILE_SHARE = 0.2
"""Part of an output node's progress that its tile stands for; rendering is the rest."""


def _sum_up(connection: sa.Connection, node_row_id: str, rate: float | None) -> None:
    """A node's progress, and its end, from its renders."""
    node = connection.execute(sa.select(run_nodes).where(run_nodes.c.id == node_row_id)).one()
    rows = connection.execute(
        sa.select(renders.c.status, renders.c.progress, renders.c.error).where(
            renders.c.run_node_id == node_row_id
        )
    ).all()
    fence = Fence(node.id, node.generation, node.attempt)
    done = sum(r.status in ENDED for r in rows)
    share = sum(1.0 if r.status in ENDED else r.progress for r in rows) / max(1, len(rows))
    if done < len(rows):
        step = f"rendering {min(done + 1, len(rows))} of {len(rows)}"
        progress_node(connection, fence, TILE_SHARE + (1 - TILE_SHARE) * share, step, rate)
        return
    errors = list(dict.fromkeys(r.error for r in rows if r.error))
    made = sum(r.status == S.completed for r in rows)
    failed = S.partial_complete if made else S.failed
    final = failed if errors else S.completed
    finish_node(connection, fence, final, errors)


# The whole run


def cancel_run(connection: sa.Connection, owner: str, run_id: str) -> RunCancelled:
    """Stop everything that has not ended; twice is harmless."""
    run = own_run(connection, owner, run_id)
    if run.status != RunStatus.running:
        return RunCancelled(run_id=run_id, message=f"The run had ended: it is {run.status}.")
    open_ = (S.not_started, *AT_WORK)
    tasks = 0
    for table in (run_nodes, renders):
        tasks += connection.execute(
            sa.select(sa.func.count())
            .select_from(table)
            .where(table.c.run_id == run_id, table.c.status.in_(AT_WORK))
        ).scalar_one()
    changed = connection.execute(
        run_nodes.update()
        .where(run_nodes.c.run_id == run_id, run_nodes.c.status.in_(open_))
        .values(status=S.cancelled, step="", finished_at=now())
    ).rowcount
    connection.execute(
        renders.update()
        .where(renders.c.run_id == run_id, renders.c.status.in_(AT_WORK))
        .values(status=S.cancelled)
    )
    connection.execute(
        runs.update()
        .where(runs.c.id == run_id)
        .values(
            status=RunStatus.cancelled, status_message="Cancelled by the user.", finished_at=now()
        )
    )
    record(connection, owner, run_id, "run.cancelled")
    return RunCancelled(run_id=run_id, tasks_cancelled=tasks, nodes_reset=changed)


def resume_run(connection: sa.Connection, owner: str, run_id: str) -> RunResumed:
    """Queue again what did not finish, in a new generation; Conflict in any other state."""
    run = own_run(connection, owner, run_id)
    if run.status not in (RunStatus.failed, RunStatus.cancelled):
        raise Conflict(
            f"The run is {run.status}; only a failed or cancelled run can be resumed.",
            remedy="Start a new run, or wait until this one has ended.",
        )
    generation = run.generation + 1
    rows = connection.execute(
        sa.select(run_nodes).where(run_nodes.c.run_id == run_id).order_by(run_nodes.c.position)
    ).all()
    again = [r for r in rows if r.status in (S.not_started, S.blocked, S.cancelled, S.failed)]
    for row in again:
        _set_node(
            connection,
            row.id,
            status=S.not_started,
            generation=generation,
            attempt=0,
            progress=0.0,
            errors=[],
            status_message=None,
            step="",
            timelines=None,
            finished_at=None,
        )
    connection.execute(
        runs.update()
        .where(runs.c.id == run_id)
        .values(
            status=RunStatus.running, status_message=None, generation=generation, finished_at=None
        )
    )
    record(connection, owner, run_id, "run.resumed", generation=generation)
    advance(connection, run_id)
    queued = connection.execute(
        sa.select(sa.func.count())
        .select_from(run_nodes)
        .where(run_nodes.c.run_id == run_id, run_nodes.c.status == S.queued)
    ).scalar_one()
    return RunResumed(
        run_id=run_id,
        agent_state_id=run_id,
        nodes_queued=queued,
        nodes_considered=len(rows),
        requeued_nodes=len(again),
    )


def own_run(connection: sa.Connection, owner: str, run_id: str) -> Any:
    """The row of the owner's run; another owner's does not exist."""
    row = connection.execute(
        sa.select(runs).where(runs.c.id == run_id, runs.c.owner == owner)
    ).one_or_none()
    if row is None:
        raise NotFound(f"There is no run {run_id!r}.", remedy="GET /agent_runs lists your runs.")
    return row
