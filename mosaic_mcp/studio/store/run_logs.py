"""The log of a run, as its owner asks for it."""

from __future__ import annotations

import json
import shlex
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa

from mosaic_mcp import traces
from mosaic_mcp.contract.extensions import FfmpegCommand, JobFile, JobLog, RunLog
from mosaic_mcp.contract.runs import NodeStatus
from mosaic_mcp.contract.tiles.catalogue import tile_type
from mosaic_mcp.contract.words import listed
from mosaic_mcp.studio.render.commands import SideFile, encoder_report
from mosaic_mcp.studio.runs.states import DONE, own_run
from mosaic_mcp.studio.store.database import Store
from mosaic_mcp.studio.store.tables import ffmpeg_logs, job_logs, renders, run_nodes

MOST_NAMED = 3
"""Outputs that a warning names."""

Row = Mapping[str, Any]
Where = Callable[[SideFile], Path | None]
"""Where the content of a file is, if it is still there."""

_ROWS = (
    sa.select(
        *(c for c in job_logs.c if c.name != "files"),
        run_nodes.c.node_id,
        run_nodes.c.node_type_id,
        renders.c.name,
        *(
            table.c[name].label(f"{table.name}_{name}")
            for table in (run_nodes, renders)
            for name in ("status", "generation", "attempt")
        ),
    )
    .join(run_nodes, run_nodes.c.id == job_logs.c.run_node_id)
    # A render that is not wanted any more is deleted when its node decides otherwise.
    .outerjoin(renders, renders.c.id == job_logs.c.render_id)
)


class RunLogs:
    """Reads logs; that of another owner's run does not exist."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def page(
        self,
        owner: str,
        run_id: str,
        *,
        render_id: str | None = None,
        after: int = 0,
        limit: int = 50,
        where: Where | None = None,
    ) -> RunLog:
        """The attempts after the one with that number; with `where` also the files they read."""
        query = _ROWS.where(job_logs.c.run_id == run_id, job_logs.c.seq > after)
        if render_id is not None:
            query = query.where(job_logs.c.render_id == render_id)
        query = query.order_by(job_logs.c.seq).limit(limit + 1)

        def read(connection: sa.Connection) -> RunLog:
            run = own_run(connection, owner, run_id)
            rows = connection.execute(query).mappings().all()
            page = rows[:limit]
            more = len(rows) > limit
            numbers = [row["seq"] for row in page]
            commands = _commands(connection, numbers)
            files = _files(connection, numbers) if where else {}
            return RunLog(
                run_id=run_id,
                status=run.status,
                trace_id=traces.trace_id(run.trace, run_id),
                jobs=tuple(
                    _job(
                        dict(row),
                        commands.get(row["seq"], []),
                        _shown(files.get(row["seq"]), where),
                    )
                    for row in page
                ),
                next_cursor=str(numbers[-1]) if more else None,
            )

        return await self._store.read(read)


def warnings_of(connection: sa.Connection, run_id: str) -> dict[str, list[str]]:
    """Runtime node -> what the attempts that did it and its outputs warned of, each text once.

    What holds for some outputs of several only is told with their names.
    """
    nodes: dict[str, list[str]] = {}
    outputs: dict[str, dict[str, tuple[str, list[str]]]] = {}
    query = _ROWS.where(job_logs.c.run_id == run_id).order_by(job_logs.c.seq)
    for row in connection.execute(query).mappings():
        # A run may have ended while the log of its last attempt has not.
        if (row["outcome"] or _outcome(dict(row))) != "done":
            continue
        texts = [line["text"] for line in row["lines"] if line["level"] == "warning"]
        if row["render_id"] is None:
            nodes[row["run_node_id"]] = texts
        elif row["renders_status"] in DONE:
            outputs.setdefault(row["run_node_id"], {})[row["render_id"]] = row["name"], texts
    return {
        node: list(dict.fromkeys([*nodes.get(node, ()), *_of_outputs(outputs.get(node, {}))]))
        for node in {**nodes, **outputs}
    }


def _of_outputs(outputs: Mapping[str, tuple[str, Sequence[str]]]) -> Iterator[str]:
    """What is told of a node's outputs."""
    named: dict[str, list[str]] = {}
    for name, texts in outputs.values():
        for text in dict.fromkeys(texts):
            named.setdefault(text, []).append(name)
    for text, names in named.items():
        yield text if len(names) == len(outputs) else f"{listed(names, MOST_NAMED)}: {text}"


def _commands(connection: sa.Connection, jobs: Sequence[int]) -> dict[int, list[FfmpegCommand]]:
    query = sa.select(ffmpeg_logs).where(ffmpeg_logs.c.job_seq.in_(jobs))
    found: dict[int, list[FfmpegCommand]] = {}
    for row in connection.execute(query.order_by(ffmpeg_logs.c.seq)).mappings():
        command = FfmpegCommand(
            line=shlex.join(["ffmpeg", *row["arguments"]]),
            folder=row["folder"],
            arguments=tuple(row["arguments"]),
            began_at=row["began_at"],
            seconds=row["seconds"],
            exit_code=row["exit_code"],
            frames=row["frames"],
            media_s=row["media_s"],
            encoder=encoder_report(row["log"]),
            messages=row["log"],
        )
        found.setdefault(row["job_seq"], []).append(command)
    return found


def _files(connection: sa.Connection, jobs: Sequence[int]) -> dict[int, dict[str, SideFile]]:
    query = sa.select(job_logs.c.seq, job_logs.c.files).where(
        job_logs.c.seq.in_(jobs), job_logs.c.files.is_not(None)
    )
    return {
        seq: cast("dict[str, SideFile]", json.loads(zlib.decompress(files)))
        for seq, files in connection.execute(query)
    }


def _shown(files: dict[str, SideFile] | None, where: Where | None) -> tuple[JobFile, ...]:
    if files is None or where is None:
        return ()
    return tuple(
        JobFile(
            name=name,
            sha256=file.get("sha256"),
            text=file.get("text"),
            path=str(path) if (path := where(file)) else None,
        )
        for name, file in sorted(files.items())
    )


def _job(row: Row, commands: Sequence[FfmpegCommand], files: tuple[JobFile, ...]) -> JobLog:
    tile = tile_type(row["node_type_id"])
    return JobLog.model_validate(
        {
            "kind": "node" if row["render_id"] is None else "render",
            "agent_node_id": row["run_node_id"],
            "original_node_id": row["node_id"],
            "tile": tile.name if tile else row["node_type_id"],
            "render_id": row["render_id"],
            "name": row["name"],
            "generation": row["generation"],
            "attempt": row["attempt"],
            "began_at": row["began_at"],
            "ended_at": row["ended_at"],
            "outcome": row["outcome"] or _outcome(row),
            "lines": row["lines"],
            "commands": tuple(commands),
            "files": files,
        }
    )


def _outcome(row: Row) -> str:
    """How an attempt stands that has not said how it ended, from the state of what it works at."""
    table = "run_nodes" if row["render_id"] is None else "renders"
    now = (row[f"{table}_generation"], row[f"{table}_attempt"])
    if now != (row["generation"], row["attempt"]):
        return "lost"
    status = row[f"{table}_status"]
    if status in DONE:
        return "done"
    if status == NodeStatus.running:
        return "at_work"
    return "failed" if status == NodeStatus.failed else "stopped"
