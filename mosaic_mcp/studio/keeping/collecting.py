"""Making room: choosing what may go, oldest first, and deleting it.

| thing | may go when |
| --- | --- |
| output | its run has ended; its row and recipe stay, so that it can be made again |
| cache | no running run works with its source |
| source | no run and no agent refers to it: what outputs were made from stays |
| leftover | nobody awaits the upload any more; nothing was written there for a day |
| log | its run ended long ago |

A folder and a bucket are the same here. What goes is first written down and then deleted. Killed in
between, the next round deletes the rest: it is a leftover then.

Files that the database does not know go only while no other database was ever used with this
storage: they may be what the other one knows.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

import anyio
import anyio.to_thread
import sqlalchemy as sa

from mosaic_mcp.contract.keeping import Collect, Collected, Removed, Thing
from mosaic_mcp.contract.runs import NodeStatus
from mosaic_mcp.studio.keeping import files, records
from mosaic_mcp.studio.keeping.files import Found, Freed
from mosaic_mcp.studio.library import Kept, Library
from mosaic_mcp.studio.store.database import Store
from mosaic_mcp.studio.store.secrets import database_id

QUIET = timedelta(days=1)
"""What nobody knows is a leftover when nothing was written there for so long. Jobs end sooner."""
LOGS = timedelta(days=90)
"""How long logs and settled webhooks stay after their run's end, unless a shorter age is wished."""

Place = Literal["render", "source", "job", "file"]
"""Where it lies, which says how it is deleted; `job`: on this machine."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something that may go."""

    thing: Thing
    kept: Kept
    at: datetime
    name: str = ""
    place: Place = "file"


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
            # Files first: what comes after is younger than what the database tells then.
            found = await files.look(self.library)
            shared = await self._shared()
            candidates = await self.store.read(lambda c: _candidates(c, found, now, shared=shared))
            before = found.occupied
            chosen = choose(candidates, wish, now, before)
            old = (now - logs_age(wish)).isoformat()
            if wish.dry_run:
                entries = await self.store.read(lambda c: records.count_logs(c, old))
            else:
                chosen = await self._delete(chosen, now)
                entries = await self.store.write(lambda c: records.trim_logs(c, old))
            done = _told(chosen, wish, before)
            return done.model_copy(update={"log_entries": entries, "shared": shared})

    async def tidy(self) -> None:
        """Delete what killed jobs left on this machine, whoever looks after the storage."""
        quiet = datetime.now(UTC) - QUIET
        for job in await anyio.to_thread.run_sync(self.library.jobs):
            if job.modified < quiet:
                await anyio.to_thread.run_sync(self.library.delete_job, job)
                log.info("deleted what a killed job left: %s", job.id)

    async def _shared(self) -> bool:
        """True when another database was ever used with this storage; says that ours is."""
        storage, ours = self.library.storage, f"databases/{await database_id(self.store)}"
        await storage.write(ours, b"")
        return [file.key async for file in storage.list("databases")] != [ours]

    async def _delete(self, chosen: list[Candidate], now: datetime) -> list[Candidate]:
        """Delete these; those that were really deleted."""
        sources = {c.kept.id for c in chosen if c.thing == "source"}
        forgotten = set[str]()
        if sources:
            forgotten = await self.store.write(
                lambda c: records.forget_assets(c, now.isoformat(), sources)
            )
        # One after the other, each asked for when it is its turn: with a bucket this takes long.
        return [c for c in chosen if await self._deleted(c, forgotten)]

    async def _deleted(self, candidate: Candidate, forgotten: set[str]) -> bool:
        kept = candidate.kept
        if candidate.place == "job":
            await anyio.to_thread.run_sync(self.library.delete_job, kept)
        elif candidate.place == "render":
            if not await self.store.write(lambda c: records.mark_deleted(c, kept.id)):
                return False
            await self.library.delete_render(kept.id)
        else:
            if candidate.thing == "source" and kept.id not in forgotten:
                return False
            if candidate.place == "source" and await self._came_again(kept):
                return False
            await self.library.delete(kept)
        return True

    async def _came_again(self, source: Kept) -> bool:
        """True when somebody added the same content a moment ago."""
        return await self.store.read(lambda c: records.knows_file(c, source.id))


def logs_age(wish: Collect) -> timedelta:
    """How long after their run's end logs stay."""
    return LOGS if wish.older_than_s is None else timedelta(seconds=wish.older_than_s)


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


def _candidates(
    connection: sa.Connection, found: Found, now: datetime, *, shared: bool
) -> list[Candidate]:
    """What may go, oldest first."""
    may = [*_outputs(connection, found, now), *_caches(connection, found)]
    may += [
        Candidate("leftover", kept, kept.modified, place="job") for kept in _quiet(found.jobs, now)
    ]
    if not shared:
        may += [*_sources(connection, found, now), *_leftovers(connection, found, now)]
    return sorted(may, key=lambda candidate: candidate.at)


def _outputs(connection: sa.Connection, found: Found, now: datetime) -> Iterator[Candidate]:
    rows = records.outputs(connection)
    for kept in found.renders:
        row = rows.get(kept.id)
        if row is None or row.running:
            continue
        if row.status == NodeStatus.completed and row.deleted_at is None:
            at = datetime.fromisoformat(row.completed_at)
            yield Candidate("output", kept, at, row.name, place="render")
        elif row.deleted_at is not None or kept.modified < now - QUIET:
            yield Candidate("leftover", kept, kept.modified, place="render")


def _caches(connection: sa.Connection, found: Found) -> Iterator[Candidate]:
    busy = records.in_use(connection)
    for kept in found.caches:
        if kept.id not in busy:
            yield Candidate("cache", kept, kept.modified)


def _sources(connection: sa.Connection, found: Found, now: datetime) -> Iterator[Candidate]:
    free = records.unreferenced(connection, now.isoformat())
    known = records.known_files(connection)
    for kept in found.sources:
        if kept.id in free:
            name = kept.id.rpartition("/")[2]
            yield Candidate("source", kept, kept.modified, name, place="source")
        elif kept.id not in known and kept.modified < now - QUIET:
            yield Candidate("leftover", kept, kept.modified, place="source")


def _leftovers(connection: sa.Connection, found: Found, now: datetime) -> Iterator[Candidate]:
    awaited, known = records.awaited(connection), records.outputs(connection)
    for kept in found.uploads:
        if kept.id not in awaited:
            yield Candidate("leftover", kept, kept.modified)
    for kept in _quiet(found.unfinished, now):
        yield Candidate("leftover", kept, kept.modified)
    for kept in _quiet(found.renders, now):
        if kept.id not in known:
            yield Candidate("leftover", kept, kept.modified, place="render")


def _quiet(found: list[Kept], now: datetime) -> list[Kept]:
    return [kept for kept in found if kept.modified < now - QUIET]
