"""Runs as callers ask for them: create, look, watch, list. Another owner's run does not exist."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

import anyio
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from mosaic_mcp.contract.agents import AgentDetail
from mosaic_mcp.contract.extensions import RunWatch
from mosaic_mcp.contract.runs import AgentRun, RunList, RunNodes, RunRequest, RunStatus
from mosaic_mcp.studio.runs.creating import create_run
from mosaic_mcp.studio.runs.feed import Feed
from mosaic_mcp.studio.runs.states import own_run
from mosaic_mcp.studio.runs.views import RunRows, last_seq
from mosaic_mcp.studio.signing import Links
from mosaic_mcp.studio.store.database import Store
from mosaic_mcp.studio.store.paging import Cursor
from mosaic_mcp.studio.store.run_logs import warnings_of
from mosaic_mcp.studio.store.tables import runs

T = TypeVar("T")
LOOK_S = 0.25
"""A watcher looks this often by itself: a bell may ring between its look and its wait, another
process may have changed the run, or the studio may be about to end."""


class Runs:
    """The runs of all owners."""

    def __init__(self, store: Store, feed: Feed, dead_s: float | None = None) -> None:
        """With `dead_s`, others do the work: runs tell when none of them lived so lately."""
        self._store = store
        self.feed = feed
        self._dead_s = dead_s

    async def create(
        self,
        owner: str,
        agent: AgentDetail,
        request: RunRequest,
        *,
        quality: str,
        idempotency_key: str | None = None,
        links_at: str | None = None,
    ) -> str:
        """Check the request and write the run; its id. The engine is to be told of it."""

        def write(connection: sa.Connection) -> str:
            return create_run(
                connection,
                owner,
                agent,
                request,
                quality=quality,
                idempotency_key=idempotency_key,
                links_at=links_at,
            )

        try:
            run_id = await self._store.write(write)
        except IntegrityError:  # another process used the key at this moment: now it is to be seen
            run_id = await self._store.write(write)
        self.feed.ring()
        return run_id

    async def view(self, owner: str, run_id: str, links: Links) -> AgentRun:
        """GET /agent_run/{run_id}."""
        return await self._rows(owner, run_id, lambda rows: rows.view(links))

    async def nodes_view(self, owner: str, run_id: str) -> RunNodes:
        """GET /agent_run/{run_id}/nodes."""
        return await self._rows(owner, run_id, RunRows.nodes_view)

    async def _rows(self, owner: str, run_id: str, show: Callable[[RunRows], T]) -> T:
        def read(connection: sa.Connection) -> T:
            run = own_run(connection, owner, run_id)
            return show(RunRows(connection, dict(run._mapping), self._dead_s))

        return await self._store.read(read)

    async def by_key(self, owner: str, idempotency_key: str) -> str | None:
        """The run that was started with this key."""
        query = sa.select(runs.c.id).where(
            runs.c.owner == owner, runs.c.idempotency_key == idempotency_key
        )
        return await self._store.read(lambda c: c.execute(query).scalar_one_or_none())

    async def watch(
        self,
        owner: str,
        run_id: str,
        links: Links,
        *,
        since: int,
        wait_s: float,
        closing: anyio.Event,
    ) -> RunWatch:
        """The run when its newest event is later than `since`, or after `wait_s` seconds."""

        def look(connection: sa.Connection) -> RunWatch | int:
            run = own_run(connection, owner, run_id)
            seq = last_seq(connection, run_id)
            if seq <= since and time.monotonic() < deadline and not closing.is_set():
                return seq
            told = warnings_of(connection, run_id) if RunStatus(run.status).terminal else {}
            return RunRows(connection, dict(run._mapping), self._dead_s).watch(seq, links, told)

        deadline = time.monotonic() + wait_s
        while True:
            seen = await self._store.read(look)
            if isinstance(seen, RunWatch):
                return seen
            await self.feed.wait(max(0.0, min(LOOK_S, deadline - time.monotonic())))

    async def list(
        self,
        owner: str,
        links: Links,
        *,
        agent_id: str | None,
        statuses: Sequence[RunStatus],
        since: datetime | None,
        until: datetime | None,
        limit: int,
        cursor: str | None,
    ) -> RunList:
        """A page of runs, newest first."""
        query = sa.select(runs).where(runs.c.owner == owner)
        if agent_id is not None:
            query = query.where(runs.c.agent_id == agent_id)
        if statuses:
            query = query.where(runs.c.status.in_(statuses))
        if since is not None:
            query = query.where(runs.c.started_at >= _text(since))
        if until is not None:
            query = query.where(runs.c.started_at <= _text(until))
        after = Cursor.parse(cursor)
        if after is not None:
            query = query.where(after.follows(runs.c.started_at, runs.c.id))
        query = query.order_by(runs.c.started_at.desc(), runs.c.id.desc()).limit(limit + 1)

        def read(connection: sa.Connection) -> RunList:
            rows = connection.execute(query).mappings().all()
            page = rows[:limit]
            last = page[-1] if page else None
            more = len(rows) > limit and last is not None
            return RunList(
                runs=tuple(
                    RunRows(connection, dict(row), self._dead_s).summary(links) for row in page
                ),
                next_cursor=str(Cursor(last["started_at"], last["id"])) if more and last else None,
            )

        return await self._store.read(read)

    async def running(self) -> bool:
        """True while any run is at work."""
        query = sa.select(sa.exists().where(runs.c.status == RunStatus.running))
        return bool(await self._store.read(lambda c: c.execute(query).scalar()))


def _text(moment: datetime) -> str:
    """A moment as our tables write it; without a zone it is UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat()
