"""What ails the studio of this machine: its process, its port, its databases, its last crash."""

from __future__ import annotations

import importlib.util
import re
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

import anyio
import httpx
from pydantic import ValidationError

from mosaic_mcp.client.studio import discovery, running_studio
from mosaic_mcp.contract.extensions import Discovery, Health
from mosaic_mcp.doctor.finding import Finding
from mosaic_mcp.settings import Settings

START = "the next call starts it"
DATABASES = {"studio.db": "agents, assets and runs", "dbos.db": "the queue"}
CRASHED = re.compile(r"^(Fatal Python error: .*|\w[\w.]*(Error|Exception|Interrupt|Exit)\b.*)$")
"""The line of a traceback, or of a crash below Python, that names the reason."""


def examine_studio(settings: Settings) -> Iterator[Finding]:
    """The process first, then what it keeps, then what it left behind."""
    folder = settings.home / "studio"
    found = anyio.run(running_studio, settings)
    if found is not None:
        yield Finding("studio", "ok", f"running: pid {found.pid} at {found.url}")
        yield from _health(found)
    else:
        yield from _absent(folder, discovery(settings.home))
        yield from _port(folder)
    # Of PostgreSQL doctor/cluster.py tells.
    for name, what in () if settings.studio_database else DATABASES.items():
        yield from _database(folder / name, what, busy=found is not None)
    yield from _last_crash(folder / "log")


def _health(found: Discovery) -> Iterator[Finding]:
    """What the running studio says of itself."""
    try:
        answer = httpx.get(f"{found.url}/health", timeout=10, trust_env=False)
        health = Health.model_validate_json(answer.content)
    except (httpx.HTTPError, ValidationError):
        yield Finding(
            "health", "note", "it does not tell", "It may be of another version: end it to renew."
        )
        return
    sick = [f"{check.name} {check.says}" for check in health.checks if not check.ok]
    if sick:
        yield Finding("health", "fail", "; ".join(sick), "Mend that; it goes on by itself.")
    else:
        yield Finding("health", "ok", ", ".join(f"{c.name} {c.says}" for c in health.checks))


def _absent(folder: Path, left: Discovery | None) -> Iterator[Finding]:
    """Nobody answers: because nobody is there, or in spite of somebody."""
    if _locked(folder / "studio.lock"):
        pid = left.pid if left else _holder(folder / "studio.lock")
        who = f"process {pid}" if pid else "a process"
        yield Finding(
            "studio",
            "fail",
            f"does not answer, but {who} holds the data folder: it hangs, or is just starting",
            f"If this stays so, end {who} (kill {pid or '<pid>'}, then kill -9); {START} anew and "
            "its runs go on.",
        )
    elif left is not None:
        yield Finding(
            "studio",
            "note",
            f"not running; process {left.pid} left a discovery file (studio.json), so it was "
            "killed or the machine went down",
            f"Nothing to do: {START} and unfinished runs go on.",
        )
    else:
        yield Finding("studio", "note", f"not running; {START}")


def _port(folder: Path) -> Iterator[Finding]:
    """Whether the port of last time is still to be had."""
    try:
        port = int((folder / "port").read_text())
    except (OSError, ValueError):
        return
    if _locked(folder / "studio.lock"):
        return  # a studio that hangs has it
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            yield Finding(
                "port",
                "note",
                f"{port}, the studio's of last time, is taken ({error.strerror})",
                "The next studio takes another port; links of before do not open then. "
                "list_outputs signs new ones.",
            )


def _database(path: Path, what: str, *, busy: bool) -> Iterator[Finding]:
    """Whether the file is whole, may be written, and is not from the future."""
    if not path.exists():
        return
    name = path.name
    try:
        with closing(sqlite3.connect(path, timeout=2, isolation_level=None)) as connection:
            wrong = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if wrong != "ok":
                yield _damaged(path, what, wrong)
                return
            newer = _newer(connection) if path.name == "studio.db" else None
            if newer:
                yield newer
                return
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        text = str(error)
        if "locked" in text:
            state, remedy = ("note", "Look again in a moment.") if busy else ("fail", _FREE)
            yield Finding(name, state, f"another program is writing it ({text})", remedy)
        elif "readonly" in text or "unable to open" in text:
            yield Finding(
                name,
                "fail",
                f"{path} cannot be written ({text})",
                f"Make {path.parent} and its files writable for you, or set MOSAIC_HOME to a "
                "folder that is.",
            )
        else:
            yield _damaged(path, what, text)
    except sqlite3.DatabaseError as error:
        yield _damaged(path, what, str(error))
    else:
        yield Finding(name, "ok", f"whole and writable, {path.stat().st_size / 1e6:.1f} MB")


_FREE = "Find the program (fuser on Linux, lsof on macOS) and end it."


def _damaged(path: Path, what: str, says: str) -> Finding:
    return Finding(
        path.name,
        "fail",
        f"{path} is damaged ({says}); it holds {what}",
        f"End the studio. Put back a copy from a backup, or move {path} and dbos.db away: the "
        "studio then starts with new ones. Finished videos stay in renders/.",
    )


def _newer(connection: sqlite3.Connection) -> Finding | None:
    """A schema that this version of the program does not know."""
    if importlib.util.find_spec("sqlalchemy") is None:
        return None
    from mosaic_mcp.studio.store.migrating import known_revisions

    query = "SELECT name FROM sqlite_master WHERE name = 'alembic_version'"
    if connection.execute(query).fetchone() is None:
        return None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    if row is None or row[0] in known_revisions():
        return None
    return Finding(
        "studio.db",
        "fail",
        f"its schema ({row[0]}) is newer than this program: a newer mosaic-mcp has used it",
        "Update mosaic-mcp, or set MOSAIC_HOME to another folder.",
    )


def _last_crash(logs: Path) -> Iterator[Finding]:
    """What the last studio that crashed said."""
    for name in ("console.log", "crash.log"):
        try:
            text = (logs / name).read_text("utf-8", "replace")
            when = datetime.fromtimestamp((logs / name).stat().st_mtime)
        except OSError:
            continue
        lines = [line.strip() for line in text.splitlines()]
        reasons = [line for line in lines if CRASHED.match(line)]
        if reasons or text.strip():
            reason = reasons[-1] if reasons else next(line for line in reversed(lines) if line)
            yield Finding(
                "last crash",
                "note",
                f"{when:%Y-%m-%d %H:%M}: {reason[:300]}",
                f"The whole of it is in {logs / name}. If it comes again, report it.",
            )
            return


def _locked(path: Path) -> bool:
    """True when a process holds the studio's lock."""
    from mosaic_mcp.studio.lock import FolderLock

    if not path.exists():
        return False
    lock = FolderLock(path)
    try:
        free = lock.take()
    except OSError:  # not ours to write: the database will tell the same
        return False
    lock.release()
    return not free


def _holder(path: Path) -> int | None:
    """Who holds a lock, where the system tells (Linux)."""
    try:
        inode = path.stat().st_ino
        for line in Path("/proc/locks").read_text().splitlines():
            fields = line.split()
            if fields[1] == "FLOCK" and fields[5].endswith(f":{inode}"):
                return int(fields[4])
    except (OSError, ValueError, IndexError):
        pass
    return None
