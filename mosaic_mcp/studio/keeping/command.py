"""`mosaic-mcp studio gc`: make room, through the running studio or in its place.

A studio holds its data folder's lock while it lives. Whoever gets the lock may delete; else the
holder is asked to.
"""

from __future__ import annotations

import re
from datetime import timedelta

import anyio
import httpx
from pydantic import ValidationError

from mosaic_mcp.contract.base import ErrorBody
from mosaic_mcp.contract.extensions import PREFIX, Discovery
from mosaic_mcp.contract.keeping import Collect, Collected, Removed
from mosaic_mcp.errors import EngineUnavailable, Fault, InvalidRequest
from mosaic_mcp.settings import Settings
from mosaic_mcp.studio.keeping.collecting import Keeper, logs_age
from mosaic_mcp.studio.keeping.upkeep import wish_of
from mosaic_mcp.studio.library import Library
from mosaic_mcp.studio.lock import FolderLock
from mosaic_mcp.studio.machine import size
from mosaic_mcp.studio.process import read_discovery
from mosaic_mcp.studio.storage import open_storage
from mosaic_mcp.studio.store.database import Store

LISTED = 20
"""Outputs that are named one by one."""
_SECONDS = {"h": 3600, "d": 86_400, "w": 7 * 86_400}
_BYTES = {"kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}


def age(text: str) -> float:
    """Seconds of "30d", "12h" or "2w"."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([hdw])", text.strip().lower())
    if found is None:
        raise InvalidRequest([Fault("--older-than", f"{text!r} is no age.", "Write 12h or 30d.")])
    return float(found[1]) * _SECONDS[found[2]]


def amount(text: str) -> int:
    """Bytes of "50GB", "800MB" or "1.5TB"."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([kmgt]b)", text.strip().lower())
    if found is None:
        raise InvalidRequest([Fault("--max-size", f"{text!r} is no size.", "Write 800MB or 50GB.")])
    return int(float(found[1]) * _BYTES[found[2]])


def run_gc(
    settings: Settings, *, dry_run: bool, older_than_s: float | None, max_bytes: int | None
) -> int:
    """Make room and print what went; the exit code."""
    kept = wish_of(settings)
    if older_than_s is None and max_bytes is None:
        older_than_s, max_bytes = kept.older_than_s, kept.max_bytes
    wish = Collect(dry_run=dry_run, older_than_s=older_than_s, max_bytes=max_bytes)
    for line in told(anyio.run(_collect, settings, wish), wish):
        print(line)
    return 0


async def _collect(settings: Settings, wish: Collect) -> Collected:
    library = Library(settings.home)
    library.storage = open_storage(settings, library.work)
    if settings.studio_database is None and not library.studio.is_dir():
        return Collected(dry_run=wish.dry_run)
    library.studio.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = FolderLock(library.studio / "studio.lock")
    if lock.take():
        try:
            store = Store(settings.studio_database or library.studio / "studio.db")
            try:
                return await Keeper(store, library).collect(wish)
            finally:
                store.close()
        finally:
            lock.release()
    found = read_discovery(library.studio)
    if found is None:
        raise EngineUnavailable(
            "A studio holds the data folder and cannot be called: it is starting, ending, or "
            "serves others with --require-key.",
            remedy="Try again in a moment, or set MOSAIC_STUDIO_KEEP_DAYS for that studio.",
        )
    return await _asked(found, wish)


async def _asked(found: Discovery, wish: Collect) -> Collected:
    headers = {"authorization": f"Bearer {found.token}"}
    try:
        async with httpx.AsyncClient(
            base_url=found.url, headers=headers, timeout=600, trust_env=False
        ) as http:
            answer = await http.post(f"{PREFIX}/gc", json=wish.model_dump())
        if answer.is_success:
            return Collected.model_validate_json(answer.content)
        why = ErrorBody.model_validate_json(answer.content).detail
    except (httpx.TransportError, ValidationError) as error:
        why = f"{type(error).__name__}: {error}"
    raise EngineUnavailable(f"The running studio did not make room. {why}")


def told(done: Collected, wish: Collect) -> list[str]:
    """What went, for people."""
    verb = "would go" if done.dry_run else "went"
    lines: list[str] = []
    outputs = [one for one in done.removed if one.thing == "output"]
    for one in outputs[:LISTED]:
        lines.append(f"  {one.at:%Y-%m-%d %H:%M}  {size(one.bytes):>9}  {one.name}  ({one.id})")
    if len(outputs) > LISTED:
        lines.append(f"  … and {len(outputs) - LISTED} more outputs")
    for things, name in (
        (outputs, "Outputs (their recipes stay, and resuming their runs makes them again)"),
        (_of(done, "cache"), "Caches"),
        (_of(done, "source"), "Sources that no run and no agent refers to"),
        (_of(done, "leftover"), "Leftovers of uploads and jobs"),
    ):
        if things:
            lines.append(f"{name}: {len(things)}, {size(sum(one.bytes for one in things))}")
    if done.log_entries:
        days = logs_age(wish) / timedelta(days=1)
        lines.append(
            f"Log entries and settled webhooks of runs that ended {days:g} days ago or before: "
            f"{done.log_entries}"
        )
    lines.append(
        f"{size(done.freed_bytes)} {verb}. Media took {size(done.before_bytes)}, "
        f"{'would take' if done.dry_run else 'take'} {size(done.after_bytes)} now."
    )
    if done.over_bytes:
        lines.append(
            f"That is {size(done.over_bytes)} more than asked for: the rest is what running runs "
            "need, and the sources that outputs are made from."
        )
    if done.shared:
        lines.append(
            "The storage was used with another database, too: sources and whatever this database "
            "does not know stay (docs/disk.md)."
        )
    if wish.older_than_s is None and wish.max_bytes is None:
        lines.append("Outputs stay unless you say how old or how much: --older-than, --max-size.")
    return lines


def _of(done: Collected, thing: str) -> list[Removed]:
    return [one for one in done.removed if one.thing == thing]
