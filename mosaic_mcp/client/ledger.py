"""What this machine remembers about its requests, so that nothing is started or sent twice.

A row is written before a request is sent: after a crash or a lost answer it tells whether the
engine may have acted. Uploads, labels of nodes and the lineage of runs live here too, because the
contract has no place for them.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
import uuid
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mosaic_mcp.errors import Conflict, MosaicError

State = Literal["sent", "unknown", "accepted", "guessed"]
"""Sent: on its way, or its sender died. Unknown: the answer was lost. Accepted: it is a run.
Guessed: the same, but the engine did not say which; one was taken for it."""

_PATIENCE_S = 10.0
"""How long to wait for other processes that use the file."""

_SCHEMA = """
create table if not exists requests (
  engine text not null, key text not null, hash text not null, agent_id text not null,
  run_id text, state text not null, first_at real not null, sent_at real not null,
  named integer not null, delivered integer not null default 0,
  primary key (engine, key));
create index if not exists requests_by_hash on requests (engine, hash);
create index if not exists requests_by_run on requests (run_id);
create table if not exists sendings (
  engine text not null, key text not null, at real not null, before text not null);
create index if not exists sendings_by_key on sendings (engine, key);
create table if not exists uploads (
  engine text not null, asset_type text not null, sha256 text not null, asset_id text not null,
  primary key (engine, asset_type, sha256));
create table if not exists tasks (run_id text primary key, facts text not null);
create table if not exists lineage (
  run_id text not null, output_id text not null, primary key (run_id, output_id));
create table if not exists labels (
  agent_id text not null, node_id text not null, label text not null,
  primary key (agent_id, node_id));
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """A remembered request."""

    engine: str
    key: str
    hash: str
    agent_id: str
    run_id: str | None
    state: State
    first_at: float
    """When it was first sent, by the engine's clock, seconds since 1970."""
    sent_at: float
    """When it was last sent, by our clock."""
    named: bool
    """True when the caller chose the key."""
    delivered: bool
    """True once a caller has been given the run's end."""


@dataclass(frozen=True, slots=True)
class Sending:
    """Once that a request was sent."""

    at: float
    """By the engine's clock, seconds since 1970."""
    before: frozenset[str]
    """Runs of the agent that were there already."""


def _use_wal(db: sqlite3.Connection) -> None:
    """Let readers go on beside a writer; it stays with the file.

    Of several that switch a new file at once SQLite turns all but one away without waiting.
    """
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            db.execute("pragma journal_mode=wal")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def request_hash(agent_id: str, body: Mapping[str, Any], quality: str | None) -> str:
    """Equal for equal requests, whatever the order of their fields."""
    text = json.dumps([agent_id, body, quality], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


class Ledger:
    """A small SQLite file in the data folder; every call is one short transaction.

    Raises MosaicError when the file is damaged or cannot be written.
    """

    def __init__(self, path: Path, *, now: Callable[[], float] = time.time) -> None:
        self.path = path
        self._now = now
        with self._transaction() as db:
            _use_wal(db)
            db.executescript(_SCHEMA)

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=_PATIENCE_S)) as db, db:
                db.row_factory = sqlite3.Row
                yield db
        except (sqlite3.DatabaseError, OSError) as error:
            raise MosaicError(
                f"The memory of requests, {self.path.name} in MOSAIC_HOME, cannot be used: {error}",
                remedy="Free some space or correct its rights; if it is damaged, move it away.",
            ) from error

    # Requests

    def begin(
        self,
        engine: str,
        digest: str,
        agent_id: str,
        *,
        key: str | None,
        engine_time: float,
        over: str | None = None,
    ) -> tuple[Entry, bool]:
        """Remember that a request is about to be sent; True when it is a new one.

        An earlier entry is answered as it is, and nothing must be sent blindly then. Without a
        `key` that is the newest equal request, unless it is `over`: the key of one whose run is
        not meant. Raises Conflict for a key that was used with another request.
        """
        with self._transaction() as db:
            db.execute("begin immediate")
            row = _earlier(db, engine, key, digest)
            if row is not None and row["key"] != over:
                if row["hash"] != digest:
                    raise Conflict(
                        f"The idempotency key {key!r} was used with another request.",
                        remedy="Use a new key for a new request.",
                    )
                return _entry(row), False
            entry = Entry(
                engine=engine,
                key=key or f"auto-{uuid.uuid4()}",
                hash=digest,
                agent_id=agent_id,
                run_id=None,
                state="sent",
                first_at=engine_time,
                sent_at=self._now(),
                named=key is not None,
                delivered=False,
            )
            db.execute(
                "insert into requests (engine, key, hash, agent_id, state, first_at, sent_at, named"
                ") values (?, ?, ?, ?, ?, ?, ?, ?)",
                (engine, entry.key, digest, agent_id, entry.state, engine_time, entry.sent_at,
                 entry.named),
            )  # fmt: skip
            return entry, True

    def claim(self, entry: Entry) -> bool:
        """Take over the sending of a request without a run; False when another caller did."""
        with self._transaction() as db:
            changed = db.execute(
                "update requests set state = 'sent', sent_at = ?"
                " where engine = ? and key = ? and state = ? and sent_at = ?",
                (self._now(), entry.engine, entry.key, entry.state, entry.sent_at),
            )
            return changed.rowcount == 1

    def sending(self, entry: Entry, at: float, before: Iterable[str]) -> None:
        """The request is sent at this time of the engine's clock, and these runs are not its."""
        with self._transaction() as db:
            db.execute(
                "insert into sendings (engine, key, at, before) values (?, ?, ?, ?)",
                (entry.engine, entry.key, at, json.dumps(sorted(before))),
            )

    def sendings(self, entry: Entry) -> tuple[Sending, ...]:
        """When the request was sent, and what was there before."""
        with self._transaction() as db:
            rows = db.execute(
                "select at, before from sendings where engine = ? and key = ? order by at",
                (entry.engine, entry.key),
            )
            return tuple(Sending(r["at"], frozenset(json.loads(r["before"]))) for r in rows)

    def accepted(self, entry: Entry, run_id: str, *, guessed: bool = False) -> None:
        """The engine made the request a run; `guessed`: this one is taken for it."""
        with self._transaction() as db:
            db.execute(
                "update requests set state = ?, run_id = ? where engine = ? and key = ?",
                ("guessed" if guessed else "accepted", run_id, entry.engine, entry.key),
            )
            db.execute(
                "delete from sendings where engine = ? and key = ?", (entry.engine, entry.key)
            )

    def unknown(self, entry: Entry) -> None:
        """The request was sent and its answer lost."""
        with self._transaction() as db:
            db.execute(
                "update requests set state = 'unknown' where engine = ? and key = ?",
                (entry.engine, entry.key),
            )

    def refused(self, entry: Entry) -> None:
        """The engine refused the request, so it never happened."""
        with self._transaction() as db:
            db.execute(
                "delete from requests where engine = ? and key = ?", (entry.engine, entry.key)
            )

    def age_s(self, entry: Entry) -> float:
        """Seconds since the request was last sent."""
        return self._now() - entry.sent_at

    def other_runs(self, entry: Entry) -> frozenset[str]:
        """Runs that are known to belong to other requests."""
        with self._transaction() as db:
            rows = db.execute(
                "select run_id from requests where engine = ? and key != ? and agent_id = ?"
                " and run_id is not null",
                (entry.engine, entry.key, entry.agent_id),
            )
            return frozenset(row["run_id"] for row in rows)

    def delivered(self, run_id: str) -> None:
        """A caller has been given the run after its end."""
        with self._transaction() as db:
            db.execute("update requests set delivered = 1 where run_id = ?", (run_id,))

    # Uploads

    def upload(self, engine: str, asset_type: str, sha256: str) -> str | None:
        """The asset that a file of this content was uploaded as."""
        with self._transaction() as db:
            row = db.execute(
                "select asset_id from uploads where engine = ? and asset_type = ? and sha256 = ?",
                (engine, asset_type, sha256),
            ).fetchone()
        return row["asset_id"] if row is not None else None

    def uploaded(self, engine: str, asset_type: str, sha256: str, asset_id: str) -> None:
        """A file of this content was uploaded as that asset."""
        with self._transaction() as db:
            db.execute(
                "insert or replace into uploads (engine, asset_type, sha256, asset_id)"
                " values (?, ?, ?, ?)",
                (engine, asset_type, sha256, asset_id),
            )

    # Tasks

    def keep_task(self, run_id: str, facts: Mapping[str, Any]) -> None:
        """What the call that made the run a task needs to be told at its end."""
        with self._transaction() as db:
            db.execute(
                "insert or replace into tasks (run_id, facts) values (?, ?)",
                (run_id, json.dumps(facts)),
            )

    def task(self, run_id: str) -> dict[str, Any]:
        """What was kept of the newest such call; empty when there was none."""
        with self._transaction() as db:
            row = db.execute("select facts from tasks where run_id = ?", (run_id,)).fetchone()
        return json.loads(row["facts"]) if row is not None else {}

    # Lineage and labels

    def add_lineage(self, run_id: str, outputs: Sequence[str]) -> None:
        """The run was fed with these outputs."""
        with self._transaction() as db:
            db.executemany(
                "insert or ignore into lineage (run_id, output_id) values (?, ?)",
                [(run_id, output) for output in outputs],
            )

    def lineage(self, run_id: str) -> tuple[str, ...]:
        """The outputs that a run was fed with, in the order in which they were given."""
        with self._transaction() as db:
            rows = db.execute(
                "select output_id from lineage where run_id = ? order by rowid", (run_id,)
            )
            return tuple(row["output_id"] for row in rows)

    def labels(self, agent_id: str) -> dict[str, str]:
        """The labels that were given to an agent's nodes, by node id."""
        with self._transaction() as db:
            rows = db.execute("select node_id, label from labels where agent_id = ?", (agent_id,))
            return {row["node_id"]: row["label"] for row in rows}

    def set_labels(self, agent_id: str, labels: Mapping[str, str]) -> None:
        """Replace the labels of an agent's nodes."""
        with self._transaction() as db:
            db.execute("delete from labels where agent_id = ?", (agent_id,))
            db.executemany(
                "insert into labels (agent_id, node_id, label) values (?, ?, ?)",
                [(agent_id, node, label) for node, label in labels.items()],
            )


def _earlier(
    db: sqlite3.Connection, engine: str, key: str | None, digest: str
) -> sqlite3.Row | None:
    """The entry of the key; without one, the newest equal request that had none either."""
    if key is not None:
        return db.execute(
            "select * from requests where engine = ? and key = ?", (engine, key)
        ).fetchone()
    return db.execute(
        "select * from requests where engine = ? and hash = ? and not named"
        " order by rowid desc limit 1",
        (engine, digest),
    ).fetchone()


def _entry(row: sqlite3.Row) -> Entry:
    return Entry(
        engine=row["engine"],
        key=row["key"],
        hash=row["hash"],
        agent_id=row["agent_id"],
        run_id=row["run_id"],
        state=row["state"],
        first_at=row["first_at"],
        sent_at=row["sent_at"],
        named=bool(row["named"]),
        delivered=bool(row["delivered"]),
    )
