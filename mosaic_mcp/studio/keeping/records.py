"""What the database says about files: which are needed, which nothing refers to, which went."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from pathlib import PurePosixPath
from typing import Any

import sqlalchemy as sa

from mosaic_mcp.contract.runs import NodeStatus, RunStatus
from mosaic_mcp.studio.runs.states import lock_run, now
from mosaic_mcp.studio.store.tables import (
    agents,
    assets,
    events,
    ffmpeg_logs,
    job_logs,
    renders,
    run_inputs,
    run_nodes,
    runs,
    transcripts,
    webhooks,
)

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_SHA256 = re.compile(r"\b[0-9a-f]{64}\b")
_BATCH = 500
_RUNNING = runs.c.status == RunStatus.running


def outputs(connection: sa.Connection) -> dict[str, Any]:
    """The rows of all renders, by id: name, completed_at, deleted_at, status, `running` run."""
    query = sa.select(
        renders.c.id,
        renders.c.name,
        renders.c.status,
        renders.c.completed_at,
        renders.c.deleted_at,
        _RUNNING.label("running"),
    ).join(runs, runs.c.id == renders.c.run_id)
    return {row.id: row for row in connection.execute(query)}


def mark_deleted(connection: sa.Connection, render_id: str) -> bool:
    """Write down that the files of a render go; False when they may not: its run runs (again)."""
    lock_run(connection, renders, render_id)
    running = sa.exists().where(renders.c.id == render_id, runs.c.id == renders.c.run_id, _RUNNING)
    if connection.execute(sa.select(running)).scalar():
        return False
    connection.execute(
        renders.update()
        .where(renders.c.id == render_id, renders.c.status == NodeStatus.completed)
        .values(deleted_at=sa.func.coalesce(renders.c.deleted_at, now()))
    )
    return True


def in_use(connection: sa.Connection) -> set[str]:
    """Hashes of the sources that running runs work with."""
    inputs = (
        sa.select(assets.c.sha256)
        .join(run_inputs, run_inputs.c.asset_id == assets.c.id)
        .join(runs, runs.c.id == run_inputs.c.run_id)
        .where(_RUNNING, assets.c.sha256.is_not(None))
    )
    decided = (
        sa.select(run_nodes.c.timelines)
        .join(runs, runs.c.id == run_nodes.c.run_id)
        .where(_RUNNING, run_nodes.c.timelines.is_not(None))
    )
    found = set(connection.execute(inputs).scalars())
    for timelines in connection.execute(decided).scalars():
        found.update(_SHA256.findall(json.dumps(timelines)))
    return found


def unreferenced(connection: sa.Connection, before: str) -> dict[str, list[str]]:
    """Ready assets from before that moment that no run and no agent names: file -> asset ids.

    Only files all of whose assets are such. Runs are kept, so what an output was made from stays.
    What came since a run began that still runs may be what its tiles make: no timeline has it yet.
    """
    began = connection.execute(sa.select(sa.func.min(runs.c.started_at)).where(_RUNNING)).scalar()
    before = min(before, began or before)
    used = sa.exists().where(run_inputs.c.asset_id == assets.c.id)
    query = sa.select(assets.c.id, assets.c.file, assets.c.created_at, used.label("used")).where(
        assets.c.status == "ready"
    )
    free: dict[str, list[str]] = {}
    taken: set[str] = set()
    for row in connection.execute(query):
        if row.used or row.created_at >= before:
            taken.add(row.file)
        else:
            free.setdefault(row.file, []).append(row.id)
    free = {file: ids for file, ids in free.items() if file not in taken}
    if not free:
        return {}
    named, shown = _named(connection)
    return {
        file: ids
        for file, ids in free.items()
        if named.isdisjoint(ids) and PurePosixPath(file).stem not in shown
    }


def _named(connection: sa.Connection) -> tuple[set[str], set[str]]:
    """Every id and every content that something refers to.

    Parameters of agents and nodes and requests name logos, music and inputs; timelines, those of
    outputs too while their node is done again, also what tiles made.
    """
    ids, contents = set[str](), set[str]()
    columns = (agents.c.graph, run_nodes.c.params, runs.c.request)
    for column in (*columns, run_nodes.c.timelines, renders.c.timeline):
        # Of the statement, not of the connection: its later ones may be no queries.
        query = sa.select(column).execution_options(yield_per=_BATCH)
        for value in connection.execute(query).scalars():
            text = json.dumps(value)
            ids.update(_ID.findall(text))
            contents.update(_SHA256.findall(text))
    return ids, contents


def forget_assets(connection: sa.Connection, before: str, files: Collection[str]) -> set[str]:
    """Delete the rows of files that go; the files of which really nothing speaks any more."""
    free = unreferenced(connection, before)
    gone = {file for file in files if file in free}
    ids = [asset_id for file in gone for asset_id in free[file]]
    for batch in _batches(ids):
        connection.execute(transcripts.delete().where(transcripts.c.asset_id.in_(batch)))
        connection.execute(assets.delete().where(assets.c.id.in_(batch)))
    return gone


def known_files(connection: sa.Connection) -> set[str]:
    """The files of all assets."""
    query = sa.select(assets.c.file).where(assets.c.file.is_not(None))
    return set(connection.execute(query).scalars())


def knows_file(connection: sa.Connection, file: str) -> bool:
    """True when an asset has that file, perhaps since a moment ago."""
    sha256 = PurePosixPath(file).stem
    has = sa.exists().where(assets.c.sha256 == sha256, assets.c.file == file)
    return bool(connection.execute(sa.select(has)).scalar())


def awaited(connection: sa.Connection) -> set[str]:
    """Ids of the uploads that may still come, or come again."""
    query = sa.select(assets.c.id).where(
        assets.c.status == "awaiting_upload", assets.c.expires_at > now()
    )
    return set(connection.execute(query).scalars())


def trim_events(connection: sa.Connection, before: str) -> int:
    """Of runs that ended before that moment keep the newest event: its number goes on counting."""
    newest = sa.select(sa.func.max(events.c.seq)).group_by(events.c.run_id)
    ended = sa.select(runs.c.id).where(~_RUNNING, runs.c.finished_at < before)
    return connection.execute(
        events.delete().where(events.c.run_id.in_(ended), events.c.seq.not_in(newest))
    ).rowcount


def trim_logs(connection: sa.Connection, before: str) -> int:
    """Delete what `count_logs` counts; the number of entries."""
    return sum(
        connection.execute(table.delete().where(old)).rowcount for table, old in _old_logs(before)
    )


def count_logs(connection: sa.Connection, before: str) -> int:
    """Entries of logs and settled webhooks of runs that ended before that moment, or are gone."""
    return sum(
        connection.execute(sa.select(sa.func.count()).select_from(table).where(old)).scalar_one()
        for table, old in _old_logs(before)
    )


def _old_logs(before: str) -> Iterator[tuple[sa.Table, sa.ColumnElement[bool]]]:
    for table in (ffmpeg_logs, job_logs, webhooks):
        still = sa.exists().where(
            runs.c.id == table.c.run_id, sa.or_(_RUNNING, runs.c.finished_at >= before)
        )
        old = ~still
        if table is webhooks:
            # That an endpoint wants no more of a run (410) counts when the run is resumed, too.
            newest = sa.select(sa.func.max(webhooks.c.seq)).group_by(webhooks.c.run_id)
            last_word = sa.and_(webhooks.c.state == "stopped", webhooks.c.seq.in_(newest))
            old = sa.and_(old, webhooks.c.state != "pending", ~last_word)
        yield table, old


def _batches(ids: Collection[str]) -> Iterator[list[str]]:
    """In pieces that every database takes as parameters."""
    listed = list(ids)
    for start in range(0, len(listed), _BATCH):
        yield listed[start : start + _BATCH]
