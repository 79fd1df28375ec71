"""How a render changes, and with it its node: planned, begun, under way, ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from mosaic_mcp.contract.runs import NodeStatus
from mosaic_mcp.studio.runs.node_changes import finish_node, progress_node
from mosaic_mcp.studio.runs.states import (
    ENDED,
    Fence,
    S,
    claimable,
    held,
    lock_run,
    now,
    record,
)
from mosaic_mcp.studio.store.credits import release, settle_render
from mosaic_mcp.studio.store.tables import renders, run_nodes

TILE_SHARE = 0.2
"""Part of an output node's progress that its tile stands for; rendering is the rest."""


def plan_renders(connection: sa.Connection, fence: Fence, wanted: Sequence[dict[str, Any]]) -> None:
    """Queue a render for each wanted timeline; those of an earlier generation keep their ids.

    What it finished stays finished, what failed or was cancelled is queued again. `wanted` holds
    name, timeline, recipe_hash, and need_memory and need_disk in bytes.
    """
    lock_run(connection, run_nodes, fence.id)
    node = connection.execute(
        sa.select(run_nodes.c.owner, run_nodes.c.run_id).where(held(run_nodes, fence))
    ).one_or_none()
    if node is None:
        return
    columns = (renders.c.id, renders.c.position, renders.c.recipe_hash, renders.c.status)
    rows = connection.execute(sa.select(*columns).where(renders.c.run_node_id == fence.id))
    old = {(row.position, row.recipe_hash): row for row in rows}
    queued: dict[str, Any] = {
        "status": S.queued,
        "generation": fence.generation,
        "attempt": 0,
        "progress": 0.0,
        "error": None,
        "waits_for": None,
        "not_before": None,
    }
    for position, render in enumerate(wanted):
        row = old.pop((position, render["recipe_hash"]), None)
        if row is None:
            connection.execute(
                renders.insert().values(
                    id=str(uuid4()),
                    owner=node.owner,
                    run_id=node.run_id,
                    run_node_id=fence.id,
                    position=position,
                    **queued,
                    **render,
                )
            )
        elif row.status != S.completed:
            change = renders.update().where(renders.c.id == row.id)
            connection.execute(change.values(**queued, **render))
    for row in old.values():
        connection.execute(renders.delete().where(renders.c.id == row.id))
    record(connection, node.owner, node.run_id, "renders.planned", count=len(wanted))
    _sum_up(connection, fence.id, None)


def holds_render(connection: sa.Connection, fence: Fence) -> bool:
    """True while the render is still that of whoever holds the fence."""
    return connection.execute(sa.select(sa.exists().where(held(renders, fence)))).scalar_one()


def start_render(
    connection: sa.Connection,
    render_id: str,
    generation: int,
    worker: str | None = None,
    *,
    alone: bool = True,
) -> Fence | None:
    """Claim a queued (or interrupted) render. `alone`: see TRUSTED."""
    lock_run(connection, renders, render_id)
    attempt = connection.execute(
        renders.update()
        .where(claimable(renders, render_id, generation, alone=alone))
        .values(status=S.running, attempt=renders.c.attempt + 1, worker=worker, waits_for=None)
        .returning(renders.c.attempt)
    ).scalar_one_or_none()
    return None if attempt is None else Fence(render_id, generation, attempt)


def release_render(connection: sa.Connection, fence: Fence, step: str = "") -> None:
    """Give a render back to be begun again later, as `release_node` does; its node tells `step`."""
    lock_run(connection, renders, fence.id)
    row = connection.execute(
        renders.update()
        .where(held(renders, fence))
        .values(status=S.queued, attempt=renders.c.attempt - 1)
        .returning(renders.c.run_node_id)
    ).one_or_none()
    if row is not None:
        _sum_up(connection, row.run_node_id, None, step)


def progress_render(
    connection: sa.Connection,
    fence: Fence,
    progress: float,
    rate: float | None,
    step: str = "",
) -> None:
    """Tell how far a render is, and with it its node; `step` replaces "rendering 1 of 2"."""
    lock_run(connection, renders, fence.id)
    row = connection.execute(
        renders.update()
        .where(held(renders, fence))
        .values(
            progress=sa.case((renders.c.progress > progress, renders.c.progress), else_=progress)
        )
        .returning(renders.c.run_node_id)
    ).one_or_none()
    if row is not None:
        _sum_up(connection, row.run_node_id, rate, step)


def finish_render(
    connection: sa.Connection,
    fence: Fence,
    *,
    facts: dict[str, Any] | None = None,
    error: str | None = None,
    status: NodeStatus = S.failed,
) -> None:
    """Record a finished file (`facts`) or why there is none; the last one ends its node.

    `status` is that of a render with an `error`.
    """
    lock_run(connection, renders, fence.id)
    row = connection.execute(
        renders.update()
        .where(held(renders, fence))
        .values(
            status=S.completed if error is None else status,
            error=error,
            facts=facts,
            progress=1.0 if error is None else renders.c.progress,
            completed_at=now() if error is None else None,
        )
        .returning(renders.c.run_node_id, renders.c.owner, renders.c.recipe_hash)
    ).one_or_none()
    if row is not None:
        if error is None:
            settle_render(connection, row.owner, fence.id, row.recipe_hash)
        else:
            release(connection, row.owner, f"render:{fence.id}")
        _sum_up(connection, row.run_node_id, None)


def _sum_up(
    connection: sa.Connection, node_row_id: str, rate: float | None, step: str = ""
) -> None:
    """A node's progress, and its end, from its renders."""
    columns = (run_nodes.c.generation, run_nodes.c.attempt)
    node = connection.execute(sa.select(*columns).where(run_nodes.c.id == node_row_id)).one()
    rows = connection.execute(
        sa.select(renders.c.status, renders.c.progress, renders.c.error)
        .where(renders.c.run_node_id == node_row_id)
        .order_by(renders.c.position)
    ).all()
    fence = Fence(node_row_id, node.generation, node.attempt)
    done = sum(row.status in ENDED for row in rows)
    if done < len(rows):
        share = sum(1.0 if row.status in ENDED else row.progress for row in rows) / len(rows)
        step = step or f"rendering {done + 1} of {len(rows)}"
        progress_node(connection, fence, TILE_SHARE + (1 - TILE_SHARE) * share, step, rate)
    else:
        errors = list(dict.fromkeys(row.error for row in rows if row.error))
        finish_node(connection, fence, _outcome(rows), errors)


def _outcome(rows: Sequence[Any]) -> NodeStatus:
    made = sum(row.status == S.completed for row in rows)
    if made == len(rows):
        return S.completed
    if made:
        return S.partial_complete
    # Nothing went wrong where all the others only wait for credits.
    return S.failed if any(row.status == S.failed for row in rows) else S.blocked
