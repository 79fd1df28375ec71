"""What stops a run or sets it going again: cancel, resume, and work that was lost."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from mosaic_mcp import traces
from mosaic_mcp.contract.runs import RunCancelled, RunResumed, RunStatus
from mosaic_mcp.errors import Conflict
from mosaic_mcp.studio.runs.advancing import advance
from mosaic_mcp.studio.runs.node_changes import finish_node, start_node
from mosaic_mcp.studio.runs.render_changes import finish_render, start_render
from mosaic_mcp.studio.runs.states import AT_WORK, Job, S, jobs, now, own_run, record
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
    """Queue again what did not finish, in a new generation; Conflict in any other state."""
    run = own_run(connection, owner, run_id, lock=True)
    if run.status not in (RunStatus.failed, RunStatus.cancelled):
        raise Conflict(
            f"The run is {run.status}; only a failed or cancelled run can be resumed.",
            remedy="Start a new run, or wait until this one has ended.",
        )
    ours = run_nodes.c.run_id == run_id
    generation = run.generation + 1
    considered = connection.execute(sa.select(sa.func.count()).where(ours)).scalar_one()
    again = connection.execute(
        run_nodes.update()
        .where(ours, run_nodes.c.status.in_((S.not_started, S.blocked, S.cancelled, S.failed)))
        .values(
            status=S.not_started,
            generation=generation,
            attempt=0,
            progress=0.0,
            errors=[],
            status_message=None,
            step="",
            timelines=sa.null(),
            finished_at=None,
        )
    ).rowcount
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
        requeued_nodes=again,
    )


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
