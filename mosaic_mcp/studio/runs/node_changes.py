"""How a node changes: begun, under way, decided, ended. Each change is one transaction, fenced."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from mosaic_mcp.contract.credits import INSUFFICIENT
from mosaic_mcp.contract.runs import NodeStatus
from mosaic_mcp.studio.runs.advancing import advance
from mosaic_mcp.studio.runs.states import (
    DONE,
    PROGRESS,
    Fence,
    S,
    claimable,
    has_renders_at_work,
    held,
    lock_run,
    now,
    record,
)
from mosaic_mcp.studio.store.credits import release, settle
from mosaic_mcp.studio.store.tables import run_nodes


def start_node(
    connection: sa.Connection,
    row_id: str,
    generation: int,
    worker: str | None = None,
    *,
    alone: bool = True,
) -> Fence | None:
    """Claim a queued (or interrupted) node; None when somebody else changed it meanwhile.

    Also None when only its renders are missing: its tile has been done. `alone`: see TRUSTED.
    """
    lock_run(connection, run_nodes, row_id)
    row = connection.execute(
        run_nodes.update()
        .where(claimable(run_nodes, row_id, generation, alone=alone), ~has_renders_at_work())
        .values(
            status=S.running,
            attempt=run_nodes.c.attempt + 1,
            worker=worker,
            step="",
            waits_for=None,
            started_at=now(),
        )
        .returning(run_nodes.c.attempt, run_nodes.c.owner, run_nodes.c.run_id, run_nodes.c.node_id)
    ).one_or_none()
    if row is None:
        return None
    record(connection, row.owner, row.run_id, "node.running", node=row.node_id)
    return Fence(row_id, generation, row.attempt)


def release_node(connection: sa.Connection, fence: Fence, step: str = "") -> None:
    """Give a node back to be begun again later; the attempt counts for nothing.

    The last thing that its holder writes: the next one gets the same fence.
    """
    lock_run(connection, run_nodes, fence.id)
    row = connection.execute(
        run_nodes.update()
        .where(held(run_nodes, fence))
        .values(status=S.queued, attempt=run_nodes.c.attempt - 1, step=step, rate=None)
        .returning(run_nodes.c.owner, run_nodes.c.run_id, run_nodes.c.node_id)
    ).one_or_none()
    if row is not None:
        record(connection, row.owner, row.run_id, "node.queued", node=row.node_id)


def progress_node(
    connection: sa.Connection, fence: Fence, progress: float, step: str, rate: float | None = None
) -> bool:
    """Tell how far a node is; False when it is no longer ours. Progress only rises."""
    lock_run(connection, run_nodes, fence.id)
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


def decide_node(connection: sa.Connection, fence: Fence, timelines: list[dict[str, Any]]) -> bool:
    """Keep what a node's tile decided, and let those begin that waited for it."""
    lock_run(connection, run_nodes, fence.id)
    row = connection.execute(
        run_nodes.update()
        .where(held(run_nodes, fence))
        .values(timelines=timelines)
        .returning(run_nodes.c.owner, run_nodes.c.run_id)
    ).one_or_none()
    if row is None:
        return False
    settle(connection, row.owner, f"node:{fence.id}")
    advance(connection, row.run_id)
    return True


def finish_node(
    connection: sa.Connection, fence: Fence, status: NodeStatus, errors: Sequence[str] = ()
) -> None:
    """Record how a node ended, and go on from there."""
    lock_run(connection, run_nodes, fence.id)
    row = connection.execute(
        run_nodes.update()
        .where(held(run_nodes, fence))
        .values(
            status=status,
            errors=list(errors),
            status_message=sa.case(
                (run_nodes.c.needs_credits, INSUFFICIENT), else_=errors[0] if errors else None
            ),
            step="",
            rate=None,
            progress=1.0 if status in DONE else run_nodes.c.progress,
            finished_at=now(),
        )
        .returning(run_nodes.c.owner, run_nodes.c.run_id, run_nodes.c.node_id)
    ).one_or_none()
    if row is not None:
        release(connection, row.owner, f"node:{fence.id}")
        record(connection, row.owner, row.run_id, f"node.{status}", node=row.node_id)
        advance(connection, row.run_id)
