"""Making room: choosing what may go, oldest first, and deleting it.

| thing | may go when |
| --- | --- |
| output | its run has ended; its row and recipe stay, so that it can be made again |
| cache | no running run works with its source |
| source | no run and no agent refers to it: what outputs were made from stays |
| leftover | nobody awaits the upload any more; nothing was written there for a day |

What goes is first written down and then deleted. Killed in between, the next round deletes the
rest: it is a leftover then.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import anyio
import anyio.to_thread
import sqlalchemy as sa

from mosaic_mcp.contract.keeping import Collect, Collected, Removed, Thing
from mosaic_mcp.contract.runs import NodeStatus
from mosaic_mcp.studio.keeping import files, records
from mosaic_mcp.studio.keeping.files import Freed, Kept
from mosaic_mcp.studio.library import Library
from mosaic_mcp.studio.store.database import Store

QUIET = timedelta(days=1)
"""What nobody knows is a leftover when nothing was written there for so long. Jobs end sooner."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something that may go."""

    thing: Thing
    kept: Kept
    at: datetime
    name: str = ""


@dataclass(frozen=True, slots=True)
class Keeper:
    """Makes room in one library."""

    store: Store
    library: Library
    _one: anyio.Lock = field(default_factory=anyio.Lock)

    async def collect(self, wish: Collect) -> Collected:
        """Delete what the wish names, or only say what that would be."""
        async with self._one:
            now = datetime.now(UTC)
            before = await anyio.to_thread.run_sync(files.occupied, self.library)
            found = await self._candidates(now)
            chosen = choose(found, wish, now, before)
            if not wish.dry_run:
                chosen = await self._delete(chosen, now)
            return _told(chosen, wish, before)

    async def _candidates(self, now: datetime) -> list[Candidate]:
        def look(connection: sa.Connection) -> list[Candidate]:
            found = [
                *_outputs(connection, self.library, now),
                *_caches(connection, self.library),
                *_sources(connection, self.library, now),
                *_leftovers(connection, self.library, now),
            ]
            return sorted(found, key=lambda candidate: candidate.at)

        return await self.store.read(look)

    async def _delete(self, chosen: list[Candidate], now: datetime) -> list[Candidate]:
        """Delete these; those that were really deleted."""
        outputs = {c.kept.id for c in chosen if c.thing == "output"}
        sources = {c.kept.id for c in chosen if c.thing == "source"}

        def write_down(connection: sa.Connection) -> set[str]:
            return records.mark_deleted(connection, outputs) | records.forget_assets(
                connection, now.isoformat(), sources
            )

        may = await self.store.write(write_down) if outputs or sources else set[str]()
        gone = [c for c in chosen if c.thing in ("cache", "leftover") or c.kept.id in may]

        def delete() -> None:
            for candidate in gone:
                files.delete(self.library, candidate.kept)

        await anyio.to_thread.run_sync(delete)
        return gone


def choose(found: list[Candidate], wish: Collect, now: datetime, occupied: int) -> list[Candidate]:
    """Leftovers, what is older than wished, and then the oldest until the rest fits."""
    old = None if wish.older_than_s is None else now - timedelta(seconds=wish.older_than_s)
    freed, left = Freed(), occupied
    chosen: list[Candidate] = []
    rest: list[Candidate] = []
    for candidate in found:
        if candidate.thing == "leftover" or (old is not None and candidate.at <= old):
            left -= freed.add(candidate.kept)
            chosen.append(candidate)
        else:
            rest.append(candidate)
    for candidate in rest:
        if wish.max_bytes is None or left <= wish.max_bytes:
            break
        left -= freed.add(candidate.kept)
        chosen.append(candidate)
    return chosen


def _told(chosen: list[Candidate], wish: Collect, before: int) -> Collected:
    freed = Freed()
    removed = tuple(
        Removed(
            thing=c.thing,
            id=c.kept.id,
            name=c.name,
            bytes=freed.add(c.kept),
            at=c.at,
        )
        for c in chosen
    )
    total = sum(one.bytes for one in removed)
    after = before - total
    return Collected(
        dry_run=wish.dry_run,
        removed=removed,
        freed_bytes=total,
        before_bytes=before,
        after_bytes=after,
        over_bytes=0 if wish.max_bytes is None else max(0, after - wish.max_bytes),
    )


def _outputs(connection: sa.Connection, library: Library, now: datetime) -> Iterator[Candidate]:
    rows = records.outputs(connection)
    for kept in files.renders(library):
        row = rows.get(kept.id)
        if row is not None and row.running:
            continue
        if row is not None and row.status == NodeStatus.completed and row.deleted_at is None:
            at = datetime.fromisoformat(row.completed_at)
            yield Candidate("output", kept, at, row.name)
        elif kept.modified < now - QUIET or (row is not None and row.deleted_at is not None):
            yield Candidate("leftover", kept, kept.modified)


def _caches(connection: sa.Connection, library: Library) -> Iterator[Candidate]:
    busy = records.in_use(connection)
    for kept in files.caches(library):
        if kept.id not in busy:
            yield Candidate("cache", kept, kept.modified)


def _sources(connection: sa.Connection, library: Library, now: datetime) -> Iterator[Candidate]:
    free = records.unreferenced(connection, now.isoformat())
    known = records.known_files(connection)
    for kept in files.sources(library):
        if kept.id in free:
            yield Candidate("source", kept, kept.modified, kept.path.name)
        elif kept.id not in known and kept.modified < now - QUIET:
            yield Candidate("leftover", kept, kept.modified)


def _leftovers(connection: sa.Connection, library: Library, now: datetime) -> Iterator[Candidate]:
    awaited = records.awaited(connection)
    for kept in files.uploads(library):
        if kept.id not in awaited:
            yield Candidate("leftover", kept, kept.modified)
    for kept in files.jobs(library):
        if kept.modified < now - QUIET:
            yield Candidate("leftover", kept, kept.modified)
