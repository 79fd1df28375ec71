"""What else of a run may be made along with one of its renders, so that it is decoded once.

Never what is paid for, since that is begun only when it is; what others of this machine wait for;
nor what several machines might do, whose kept parts are not ours.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import anyio.to_thread
import sqlalchemy as sa

from mosaic_mcp.contract.runs import NodeStatus
from mosaic_mcp.studio.library import PARTS_BYTES
from mosaic_mcp.studio.machine import Machine
from mosaic_mcp.studio.render.ffmpeg import Limits
from mosaic_mcp.studio.render.sharing import Waiting
from mosaic_mcp.studio.runs.needs import Need
from mosaic_mcp.studio.runs.states import AT_WORK
from mosaic_mcp.studio.store.database import Store
from mosaic_mcp.studio.store.tables import renders
from mosaic_mcp.studio.timeline.model import Timeline

Bring = Callable[[Timeline, AsyncExitStack], Awaitable[Mapping[str, Path]]]
"""A timeline's sources by hash, on this machine until the stack ends."""


@dataclass(slots=True)
class Together:
    """The other renders of the run of one that is being made."""

    store: Store
    machine: Machine
    bring: Bring
    row: Mapping[str, Any]
    """Of the render that is made."""
    spoiled: set[str]
    """Renders that failed when they were made along with others, whichever."""
    _known: dict[str, Waiting | None] = field(default_factory=dict[str, Waiting | None])
    _lent: list[Need] = field(default_factory=list[Need])

    async def now(self) -> Sequence[Waiting]:
        """Those that are not done, each picture once; none while another owner waits."""
        found: list[Waiting] = []
        for render_id in await self.store.read(self._ids):
            if render_id not in self._known:
                self._known[render_id] = await self._read(render_id)
            waiting = self._known[render_id]
            if waiting is not None and render_id not in self.spoiled:
                found.append(waiting)
        return found

    def failed(self, ids: Sequence[str]) -> None:
        """Each of them is made alone from here on."""
        self.spoiled.update(ids)

    def _ids(self, connection: sa.Connection) -> list[str]:
        row = self.row
        elsewhere = sa.exists().where(
            renders.c.owner != row["owner"], renders.c.status == NodeStatus.queued
        )
        if connection.execute(sa.select(elsewhere)).scalar_one():
            return []
        done = renders.alias("done")
        taken_over = sa.exists().where(
            done.c.owner == row["owner"],
            done.c.recipe_hash == renders.c.recipe_hash,
            done.c.status == NodeStatus.completed,
        )
        query = (
            sa.select(renders.c.id, renders.c.recipe_hash)
            .where(
                renders.c.run_id == row["run_id"],
                renders.c.status.in_(AT_WORK),
                renders.c.waits_for.is_(None),
                renders.c.recipe_hash != row["recipe_hash"],
                ~taken_over,
            )
            .order_by(renders.c.position, renders.c.id)
        )
        first: dict[str, str] = {}
        for row in connection.execute(query):
            first.setdefault(row.recipe_hash, row.id)
        return list(first.values())

    async def _read(self, render_id: str) -> Waiting | None:
        columns = (renders.c.timeline, renders.c.need_memory, renders.c.need_disk)
        query = sa.select(*columns).where(renders.c.id == render_id)
        row = await self.store.read(lambda c: c.execute(query).one_or_none())
        if row is None or _cuts(row.timeline) != _cuts(self.row["timeline"]):
            return None
        timeline = await anyio.to_thread.run_sync(Timeline.model_validate, row.timeline)
        need = Need(row.need_memory, row.need_disk)
        return Waiting(render_id, timeline, partial(self._room, timeline, need))

    def _room(
        self, timeline: Timeline, need: Need, times: int
    ) -> AbstractAsyncContextManager[Mapping[str, Path] | None]:
        return self._lending(timeline, Need(need.memory * times, need.disk), times)

    @asynccontextmanager
    async def _lending(
        self, timeline: Timeline, need: Need, times: int
    ) -> AsyncGenerator[Mapping[str, Path] | None]:
        with self.machine.more_memory(need.memory) as fits:
            if not fits or not self._bearable(need, times):
                yield None
                return
            self._lent.append(need)
            try:
                async with AsyncExitStack() as held:
                    yield await self.bring(timeline, held)
            finally:
                self._lent.remove(need)

    def _bearable(self, need: Need, times: int) -> bool:
        """True when one process may take it along, the disk and the kept parts have room for it."""
        all_of_them = [need, *self._lent]
        memory = self.row["need_memory"] + sum(each.memory for each in all_of_them) // times
        disk = self.row["need_disk"] + sum(each.disk for each in all_of_them)
        return (
            memory <= Limits().memory_bytes
            # Half of what a render needs is its file. Others keep theirs in the same folder.
            and disk // 2 <= PARTS_BYTES // 2
            and self.machine.short_of(disk) is None
        )


def _cuts(timeline: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """What a stored timeline shows of its sources: compared before it is read as a model."""
    return [(clip["source"], clip["start"], clip["end"]) for clip in timeline["clips"]]
