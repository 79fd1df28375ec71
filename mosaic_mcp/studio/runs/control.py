"""What stops a run or sets it going again: cancel, resume, and work that was lost."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from mosaic_mcp import traces
from mosaic_mcp.contract.runs import RunCancelled, RunResumed, RunStatus
from mosaic_mcp.contract.tiles.catalogue import TILE_TYPES
from mosaic_mcp.errors import Conflict
from mosaic_mcp.studio.runs.advancing import advance
from mosaic_mcp.studio.runs.node_changes import finish_node, start_node
from mosaic_mcp.studio.runs.render_changes import finish_render, start_render
from mosaic_mcp.studio.runs.restoring import has_deleted, make_again
from mosaic_mcp.studio.runs.states import AT_WORK, Job, S, jobs, now, own_run, record
from mosaic_mcp.studio.store.credits import release_run
from mosaic_mcp.studio.store.tables import renders, run_nodes, runs


def cancel_run(
    connection: sa.Connection, owner: str, run_id: str
) -> tuple[RunCancelled, list[Job]]:
    """Stop everything that has not ended; the answer and the jobs to end. Twice is harmless."""
    run = own_run(connection, owner, run_id, lock=True)
    if run.status != RunStatus.running:
        message = f"The run had ended: it is {run.status}."
        return RunCancelled(run_id=run_id, message=message), []
    stopped = jobs(connection, run_id)
    changed = connection.execute(
        run_nodes.update()
        .where(run_nodes.c.run_id == run_id, run_nodes.c.status.in_((S.not_started, *AT_WORK)))
        .values(status=S.cancelled, step="", rate=None, finished_at=now())
    ).rowcount
    connection.execute(
        renders.update()
        .where(renders.c.run_id == run_id, renders.c.status.in_(AT_WORK))
        .values(status=S.cancelled)
    )
    release_run(connection, run_id)
    _set_run(
        connection,
        run_id,
        status=RunStatus.cancelled,
        status_message="Cancelled by the user.",
        finished_at=now(),
    )
    record(connection, owner, run_id, "run.cancelled")
    traces.run_ended(run.trace, run_id, run.generation, run.started_at, RunStatus.cancelled)
    answer = RunCancelled(run_id=run_id, tasks_cancelled=len(stopped), nodes_reset=changed)
    return answer, stopped


def resume_run(connection: sa.Connection, owner: str, run_id: str) -> RunResumed:
    """Queue again what did not finish, in a new generation; Conflict in any other state.

    A run whose output files were deleted makes them again, whatever state it ended in.
    """
    run = own_run(connection, owner, run_id, lock=True)
    ended = run.status != RunStatus.running
    short = ended and needs_credits(connection, run_id)
    lacks_files = ended and has_deleted(connection, run_id)
    stopped = run.status in (RunStatus.failed, RunStatus.cancelled)
    if not (stopped or short or lacks_files):
        raise Conflict(
            f"The run is {run.status}; only a failed or cancelled run can be resumed, "
            "or one that ended for want of credits, or whose files were deleted.",
            remedy="Start a new run, or wait until this one has ended.",
        )
    ours = run_nodes.c.run_id == run_id
    generation = run.generation + 1
    considered = connection.execute(sa.select(sa.func.count()).where(ours)).scalar_one()
    # What ended in part stays so where only its files are made again.
    again = connection.execute(
        run_nodes.update()
        .where(ours, unfinished(short=short) if stopped or short else sa.false())
        .values(
            status=S.not_started,
            generation=generation,
            attempt=0,
            progress=0.0,
            errors=[],
            needs_credits=False,
            status_message=None,
            step="",
            timelines=sa.null(),
            waits_for=None,
            not_before=None,
            finished_at=None,
        )
    ).rowcount
    making = make_again(connection, run_id, generation)
    _set_run(
        connection,
        run_id,
        status=RunStatus.running,
        status_message=None,
        generation=generation,
        finished_at=None,
    )
    record(connection, owner, run_id, "run.resumed", generation=generation)
    advance(connection, run_id)
    return RunResumed(
        run_id=run_id,
        agent_state_id=run_id,
        nodes_queued=len(jobs(connection, run_id)),
        nodes_considered=considered,
        requeued_nodes=again + making,
    )


def needs_credits(connection: sa.Connection, run_id: str) -> bool:
    """True when a node of the run waits for credits."""
    waits = sa.exists().where(run_nodes.c.run_id == run_id, run_nodes.c.needs_credits)
    return bool(connection.execute(sa.select(waits)).scalar())


def unfinished(*, short: bool) -> sa.ColumnElement[bool]:
    """The nodes that a resume queues again.

    Of a run that was `short` of credits also those with some of their renders, and the
    Destinations behind them, which gathered what there was.
    """
    stopped = run_nodes.c.status.in_((S.not_started, S.blocked, S.cancelled, S.failed))
    if not short:
        return stopped
    ends = [tile.node_type_id for tile in TILE_TYPES if tile.kind == "destination"]
    partly = sa.and_(
        run_nodes.c.status == S.partial_complete,
        sa.or_(run_nodes.c.needs_credits, run_nodes.c.node_type_id.in_(ends)),
    )
    return sa.or_(stopped, partly)


def give_up(connection: sa.Connection, job: Job) -> None:
    """Fail a job that nobody works on any more and that would be at work for ever."""
    message = "The studio lost this step; its log says more. Resume the run."
    start = start_node if job.kind == "node" else start_render
    fence = start(connection, job.row_id, job.generation)
    if fence is None:
        return
    if job.kind == "node":
        finish_node(connection, fence, S.failed, [message])
    else:
        finish_render(connection, fence, error=message)


def _set_run(connection: sa.Connection, run_id: str, **values: Any) -> None:
    connection.execute(runs.update().where(runs.c.id == run_id).values(**values))
