"""What else of a run may be made along with one of its renders, so that it is decoded once.

Never what is paid for, since that is begun only when it is; what others of this machine wait for;
nor what several machines might do, whose kept parts are not ours.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, nullcontext
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
from mosaic_mcp.studio.render.sharing import MOST, Waiting
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
    _with: list[Need] = field(default_factory=list[Need])
    """Of those whose files are here."""

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
        memory = partial(self._memory, need)
        return Waiting(render_id, timeline, partial(self._files, timeline, need), memory)

    @asynccontextmanager
    async def _files(
        self, timeline: Timeline, need: Need
    ) -> AsyncGenerator[Mapping[str, Path] | None]:
        disk = self.row["need_disk"] + sum(each.disk for each in [need, *self._with])
        # Half of what a render needs is its file, and others keep theirs in the same folder.
        if disk // 2 > PARTS_BYTES // 2 or self.machine.short_of(disk) is not None:
            yield None
            return
        self._with.append(need)
        async with AsyncExitStack() as held:
            yield await self.bring(timeline, held)

    @contextmanager
    def _memory(self, need: Need) -> Generator[bool]:
        """So much more, unless the one process would come to more than it may have."""
        most = Limits().memory_bytes - self.row["need_memory"] - MOST * need.memory
        with self.machine.more_memory(need.memory) if most >= 0 else nullcontext(False) as fits:
            yield fits


def _cuts(timeline: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """What a stored timeline shows of its sources: compared before it is read as a model."""
    return [(clip["source"], clip["start"], clip["end"]) for clip in timeline["clips"]]
