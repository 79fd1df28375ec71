"""A run's log as a document for a model: every attempt, most about those that went wrong."""

from __future__ import annotations

from typing import Any

from mosaic_mcp.contract.extensions import FfmpegCommand, JobLog
from mosaic_mcp.errors import Unsupported
from mosaic_mcp.server.engine import Engine
from mosaic_mcp.server.views import RunState

Facts = dict[str, Any]

MOST_JOBS = 40
MOST_LINES = 10
MOST_COMMANDS = 12
"""Attempts, lines and commands that are told: together about 20,000 characters."""
GONE = "The studio keeps logs for a time after a run's end only; this one is deleted."
WELL = ("done", "at_work")


async def log(engine: Engine, run_id: str) -> Facts:
    """What a run's steps said; only the studio keeps it."""
    client = await engine.client()
    studio = await client.studio()
    if studio is None:
        raise Unsupported(
            "Only the local studio keeps a log of every step; the hosted API does not.",
            remedy=f"get_run(run_id='{run_id}', response_format='detailed') tells the errors.",
        )
    page = await studio.run_log(run_id)
    jobs = list(page.jobs)
    while page.next_cursor is not None:
        page = await studio.run_log(run_id, cursor=page.next_cursor)
        jobs += page.jobs
    state = await client.get_run(run_id)
    nodes = await client.get_run_nodes(run_id)
    names = RunState(run_id, state, nodes.nodes, engine.ledger().labels(state.agent_id)).names()
    shown = _shown(jobs)
    return {
        "run_id": run_id,
        "status": page.status,
        "steps": [_job(job, names.get(job.original_node_id or "", job.tile)) for job in shown],
        "steps_left_out": len(jobs) - len(shown) or None,
        "note": None if jobs or page.status == "running" else GONE,
        "everything": f"GET /studio/v1/runs/{run_id}/log of the studio",
        "trace_id": page.trace_id,
    }


def _shown(jobs: list[JobLog]) -> list[JobLog]:
    """In the order of their beginning: first of all those that went wrong, then the newest."""
    wanted = sorted(jobs, key=lambda job: job.outcome in WELL)[:MOST_JOBS]
    return [job for job in jobs if job in wanted]


def _job(job: JobLog, node: str) -> Facts:
    well = job.outcome in WELL
    # Of what went well the command that made the most pictures is enough.
    commands = [max(job.commands, key=lambda c: c.frames)] if well and job.commands else []
    if not well:
        commands = list(job.commands[-MOST_COMMANDS:])
    return {
        "node": node,
        "render": job.name,
        "outcome": job.outcome,
        "attempt": job.attempt if job.attempt > 1 else None,
        "resume": job.generation - 1 or None,
        "began_at": job.began_at.isoformat(timespec="seconds"),
        "seconds": (job.ended_at - job.began_at).total_seconds() if job.ended_at else None,
        "said": [f"{line.level}: {line.text}" for line in job.lines[-MOST_LINES:]],
        "ffmpeg": [_command(command) for command in commands],
        "ffmpeg_left_out": len(job.commands) - len(commands) or None,
    }


def _command(command: FfmpegCommand) -> Facts:
    wrong = command.exit_code != 0
    return {
        "command": command.line,
        "exit_code": command.exit_code if command.exit_code is not None else "stopped",
        "seconds": command.seconds,
        # The cause stands at the end.
        "messages": command.messages[-900:] if wrong else None,
    }
