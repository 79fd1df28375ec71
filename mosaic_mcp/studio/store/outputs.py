"""Finished renders, read by their id: a name, a timeline, and what the file is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mosaic_mcp.contract.extensions import MediaFacts
from mosaic_mcp.contract.runs import NodeStatus
from mosaic_mcp.errors import NotFound
from mosaic_mcp.studio.runs.states import own_run
from mosaic_mcp.studio.store.database import Store
from mosaic_mcp.studio.store.tables import renders
from mosaic_mcp.studio.timeline.model import Timeline

_COLUMNS = sa.select(
    renders.c.id,
    renders.c.run_id,
    renders.c.name,
    renders.c.timeline,
    renders.c.facts,
    renders.c.deleted_at,
)


@dataclass(frozen=True, slots=True)
class Output:
    """A finished render."""

    id: str
    run_id: str
    name: str
    timeline: Timeline
    facts: MediaFacts
    deleted_at: datetime | None = None
    """When its files were deleted to free space."""


class Outputs:
    """Reads finished renders; one of another owner is unknown."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get(self, owner: str, render_id: str) -> Output:
        """The finished render with that id."""
        query = _COLUMNS.where(
            renders.c.id == render_id,
            renders.c.owner == owner,
            renders.c.status == NodeStatus.completed,
        )
        row = await self._store.read(lambda c: c.execute(query).mappings().one_or_none())
        if row is None:
            raise NotFound(
                f"There is no finished output {render_id!r}.",
                remedy="GET /agent_run/{run_id} lists the outputs of a run.",
            )
        return _output(row)

    async def of_run(self, owner: str, run_id: str) -> list[Output]:
        """The finished renders of a run, in the order of its outputs."""
        query = (
            _COLUMNS.where(renders.c.run_id == run_id, renders.c.status == NodeStatus.completed)
            # As `RunRows` orders them.
            .order_by(renders.c.completed_at, renders.c.position)
        )

        def read(connection: sa.Connection) -> list[Output]:
            own_run(connection, owner, run_id)
            return [_output(row) for row in connection.execute(query).mappings()]

        return await self._store.read(read)

    async def name(self, render_id: str) -> str:
        """What people call it; for whoever holds a signed link. NotFound when its files went."""
        columns = (renders.c.name, renders.c.run_id, renders.c.deleted_at)
        query = sa.select(*columns).where(renders.c.id == render_id)
        row = await self._store.read(lambda c: c.execute(query).one_or_none())
        if row is None:
            return "output"
        if row.deleted_at is not None:
            raise NotFound(files_gone(row.name, row.deleted_at), remedy=again(row.run_id))
        return row.name


def files_gone(name: str, at: str) -> str:
    """What to say of an output whose files were deleted to free space."""
    return f'The files of "{name}" were deleted on {at[:10]} to free space.'


def again(run_id: str) -> str:
    """How to have them back."""
    return f"Resume the run {run_id}: it makes them again."


def _output(row: Any) -> Output:
    return Output(
        id=row["id"],
        run_id=row["run_id"],
        name=row["name"],
        timeline=Timeline.model_validate(row["timeline"]),
        facts=MediaFacts.model_validate(row["facts"]),
        deleted_at=datetime.fromisoformat(at) if (at := row["deleted_at"]) else None,
    )
