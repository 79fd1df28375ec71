"""After every change: what may begin now, what cannot any more, and whether the run ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from mosaic_mcp import traces
from mosaic_mcp.contract.credits import INSUFFICIENT
from mosaic_mcp.contract.runs import NodeStatus, RunStatus
from mosaic_mcp.contract.tiles.catalogue import tile_type
from mosaic_mcp.studio.runs.states import AT_WORK, DONE, ENDED, S, now, record
from mosaic_mcp.studio.store.credits import release_run
from mosaic_mcp.studio.store.tables import renders, run_nodes, runs

Status = Mapping[str, NodeStatus]


def advance(connection: sa.Connection, run_id: str) -> None:
    """Queue what became ready, block what cannot run any more, and end the run when all is done.

    For a holder of the run's lock, which lets branches that end together count each other.
    """
    run = connection.execute(sa.select(runs).where(runs.c.id == run_id)).one()
    if run.status != RunStatus.running:
        return
    rows = connection.execute(
        sa.select(
            run_nodes.c.id,
            run_nodes.c.node_id,
            run_nodes.c.node_type_id,
            run_nodes.c.needs,
            run_nodes.c.status,
            run_nodes.c.needs_credits,
            run_nodes.c.timelines.is_not(None).label("decided"),
        )
        .where(run_nodes.c.run_id == run_id)
        .order_by(run_nodes.c.position)
    ).all()
    status = {row.node_id: NodeStatus(row.status) for row in rows}
    decided = {row.node_id for row in rows if row.decided}
    for row in rows:
        if status[row.node_id] is not S.not_started:
            continue
        verdict = _verdict(row, status, decided)
        if verdict is None:
            continue
        status[row.node_id] = verdict
        connection.execute(
            run_nodes.update()
            .where(run_nodes.c.id == row.id)
            .values(
                status=verdict,
                generation=run.generation,
                status_message="A step before this one did not finish."
                if verdict is S.blocked
                else None,
            )
        )
        record(connection, run.owner, run_id, f"node.{verdict}", node=row.node_id)
    if not any(s in (S.not_started, *AT_WORK) for s in status.values()):
        _finish(connection, run, rows, status)


def _verdict(row: Any, status: Status, decided: set[str]) -> NodeStatus | None:
    """`queued`, `blocked`, or None while the node has to wait."""
    needs: list[str] = row.needs
    if _kind(row) == "destination":
        # It gathers what arrives: blocked only when nothing will.
        if not all(status[n] in ENDED for n in needs):
            return None
        return S.queued if any(status[n] in DONE for n in needs) else S.blocked
    # Decisions are enough to go on: renders of the node before need not be finished.
    if any(status[n] in ENDED for n in needs if n not in decided):
        return S.blocked
    return S.queued if decided.issuperset(needs) else None


def _kind(row: Any) -> str | None:
    tile = tile_type(row.node_type_id)
    return tile.kind if tile else None


def _finish(connection: sa.Connection, run: Any, rows: Sequence[Any], status: Status) -> None:
    """The outcome: what was made decides between `partial_complete` and `failed`."""
    made = connection.execute(
        sa.select(sa.func.count())
        .select_from(renders)
        .where(renders.c.run_id == run.id, renders.c.status == S.completed)
    ).scalar_one()
    settled = _settle(connection, run, rows, status)
    final = RunStatus.completed
    message = None
    if any(s in (S.failed, S.blocked, S.partial_complete) for s in settled.values()):
        final = RunStatus.partial_complete if made else RunStatus.failed
        ready = "1 output is ready" if made == 1 else f"{made or 'no'} outputs are ready"
        message = f"{_failures(rows, settled)}; {ready}."
    connection.execute(
        runs.update()
        .where(runs.c.id == run.id)
        .values(status=final, status_message=message, finished_at=now())
    )
    release_run(connection, run.id)
    record(connection, run.owner, run.id, f"run.{final}")
    traces.run_ended(run.trace, run.id, run.generation, run.started_at, final)


def _settle(
    connection: sa.Connection, run: Any, rows: Sequence[Any], status: Status
) -> dict[str, NodeStatus]:
    """The statuses, with Destinations that a resume made whole.

    A resume does not queue again what is `partial_complete`; but a Destination only sums up what
    is before it, and says so anew when that is complete now.
    """
    settled = dict(status)
    for row in rows:
        was_partial = _kind(row) == "destination" and settled[row.node_id] is S.partial_complete
        if was_partial and all(settled[need] is S.completed for need in row.needs):
            settled[row.node_id] = S.completed
            connection.execute(
                run_nodes.update().where(run_nodes.c.id == row.id).values(status=S.completed)
            )
            record(connection, run.owner, run.id, "node.completed", node=row.node_id)
    return settled


def _failures(rows: Sequence[Any], status: Status) -> str:
    """ "Captions and Reframe failed": the tiles where it went wrong, not those behind them."""
    waiting = [row for row in rows if row.needs_credits]
    wrong = [
        row
        for row in rows
        if status[row.node_id] in (S.failed, S.partial_complete)
        and _kind(row) != "destination"
        and not row.needs_credits
    ]
    partly = all(status[row.node_id] is S.partial_complete for row in wrong)
    told = [f"{INSUFFICIENT} for {_names(waiting)}"] if waiting else []
    if wrong or not waiting:
        told.append(f"{_names(wrong)} failed{' in part' if partly else ''}")
    return "; ".join(told)


def _names(rows: Sequence[Any]) -> str:
    tiles = [(row.node_type_id, tile_type(row.node_type_id)) for row in rows]
    return " and ".join(dict.fromkeys(tile.name if tile else type_id for type_id, tile in tiles))
