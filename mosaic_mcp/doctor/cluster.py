"""What ails the database and the storage that machines share, looked at without a studio."""

from __future__ import annotations

from collections.abc import Iterator

import anyio
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from mosaic_mcp.contract.runs import RunStatus
from mosaic_mcp.doctor.finding import Finding, room
from mosaic_mcp.settings import Settings
from mosaic_mcp.studio.ingest.footage import FOLDER
from mosaic_mcp.studio.library import Library
from mosaic_mcp.studio.liveness import NO_WORKER, alive
from mosaic_mcp.studio.machine import size
from mosaic_mcp.studio.runs.sounds import MUSIC
from mosaic_mcp.studio.storage import open_storage
from mosaic_mcp.studio.storage.folder import Folder
from mosaic_mcp.studio.store.migrating import known_revisions, newest_revision
from mosaic_mcp.studio.store.postgres import (
    connections,
    is_away,
    place,
    postgres_url,
    unreachable,
)
from mosaic_mcp.studio.store.tables import runs, workers

RIGHTS = "Give its role a database of its own (docs/cluster.md), or correct MOSAIC_STUDIO_DATABASE."


def examine_database(settings: Settings) -> Iterator[Finding]:
    """PostgreSQL: reached, of a schema that this program knows, writable; and who works."""
    url = postgres_url(settings.studio_database or "")
    engine = connections(url)
    try:
        with engine.connect() as connection:
            yield from _postgres(connection, place(url), settings.studio_dead_s)
    except DBAPIError as error:
        if is_away(error):
            away = unreachable(url, error)
            yield Finding("database", "fail", away.message, away.remedy)
        else:
            why = str(error.orig).strip().split("\n", 1)[0]
            yield Finding("database", "fail", f"{place(url)} cannot be used: {why}", RIGHTS)
    finally:
        engine.dispose()


def _postgres(connection: sa.Connection, where: str, dead_s: float) -> Iterator[Finding]:
    database = sa.func.current_database()
    told = connection.execute(
        sa.select(
            sa.func.pg_database_size(database).label("bytes"),
            sa.func.has_database_privilege(database, "CREATE").label("creates"),
            sa.func.current_setting("transaction_read_only").label("read_only"),
        )
    ).one()
    if told.read_only == "on":
        says = f"{where} takes no writes: it is a standby, or set to read only"
        yield Finding("database", "fail", says, "Name the primary in MOSAIC_STUDIO_DATABASE.")
        return
    if not sa.inspect(connection).has_table("alembic_version"):
        if told.creates:
            yield Finding("database", "ok", f"{where} is empty: the first start makes its tables")
        else:
            yield Finding("database", "fail", f"{where}: its role may make no tables there", RIGHTS)
        return
    version = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    newest = newest_revision()
    if version not in known_revisions():
        says = f"{where} has a schema ({version}) that a newer mosaic-mcp has made"
        yield Finding("database", "fail", says, "Update mosaic-mcp on this machine.")
        return
    if version != newest:
        says = f"{where} has schema {version}: the next start brings it to {newest}"
        yield Finding("database", "note", says, "Update all processes of the cluster together.")
        return
    # A write that changes nothing, but needs the rights that a write needs.
    connection.execute(runs.update().where(sa.false()).values(status=runs.c.status))
    facts = f"schema {version}, {size(told.bytes)}"
    yield Finding("database", "ok", f"{where} is writable, {facts}")
    yield _workers(connection, dead_s)


def _workers(connection: sa.Connection, dead_s: float) -> Finding:
    living = alive(connection, dead_s)
    silent = connection.execute(sa.select(sa.func.count()).select_from(workers)).scalar_one()
    if living:
        dead = f", {silent - living} silent" if silent > living else ""
        return Finding("workers", "ok", f"{living} alive{dead}")
    waiting = connection.execute(
        sa.select(sa.func.count()).select_from(runs).where(runs.c.status == RunStatus.running)
    ).scalar_one()
    start = "Start `mosaic-mcp worker`, or a studio without --no-work."
    if waiting:
        return Finding("workers", "fail", f"{waiting} runs wait, and {NO_WORKER}", start)
    return Finding("workers", "note", "none is running, and no run waits for one", start)


def examine_folders(settings: Settings) -> Iterator[Finding]:
    """The user's own folders, which count on a single machine only."""
    found = [n for n in (MUSIC, FOLDER) if any(settings.home.joinpath(n).glob("*"))]
    if found:
        yield Finding(
            "folders",
            "note",
            f"{' and '.join(found)} in {settings.home}: not looked at with MOSAIC_STUDIO_DATABASE, "
            "where each machine has another",
            "Give songs by audio_id and clips by `clips`.",
        )


def examine_storage(settings: Settings) -> Iterator[Finding]:
    """A folder or a bucket: can it be written, read and listed? Raises what its check raises."""
    storage = open_storage(settings, Library(settings.home).work)
    anyio.run(storage.check)
    if isinstance(storage, Folder):
        yield room("storage", storage.root, "MOSAIC_STUDIO_STORAGE")
    else:
        yield Finding("storage", "ok", f"{settings.studio_storage} can be written, read and listed")
