"""What this machine remembers about its requests, so that nothing is started twice.

A row is written before a request is sent: after a crash or a lost answer it tells whether the
engine may have acted. Labels of nodes and the lineage of runs live here too, because the contract
has no place for them.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mosaic_mcp.errors import Conflict

REPEAT_S = 600.0
"""An identical request within this time of an undelivered answer is the same wish."""

_SCHEMA = """
create table if not exists requests (
  key text not null, engine text not null, hash text not null, agent_id text not null,
  run_id text, state text not null, sent_at real not null, delivered integer not null default 0,
  primary key (engine, key));
create index if not exists requests_by_hash on requests (engine, hash);
create table if not exists lineage (run_id text not null, output_id text not null);
create table if not exists labels (
  agent_id text not null, node_id text not null, label text not null,
  primary key (agent_id, node_id));
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """A remembered request. `state` is sent, accepted or unknown."""

    key: str
    hash: str
    agent_id: str
    run_id: str | None
    state: str
    sent_at: float
    delivered: bool
    """True once a caller has seen the run's end."""

    @property
    def recent(self) -> bool:
        """True within the time in which an equal request is taken for a repeat."""
        return time.time() - self.sent_at < REPEAT_S


def request_hash(agent_id: str, body: Mapping[str, Any], quality: str | None) -> str:
    """Equal for equal requests, whatever the order of their fields."""
    text = json.dumps([agent_id, body, quality], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


class Ledger:
    """A small SQLite file in the data folder; every call is one short transaction."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(self._open()) as db, db:
            db.execute("pragma journal_mode=wal")
            db.executescript(_SCHEMA)

    def _open(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=30)
        db.row_factory = sqlite3.Row
        return db

    def begin(
        self, engine: str, key: str | None, digest: str, agent_id: str, *, anew: bool = False
    ) -> Entry | None:
        """Remember that a request is about to be sent.

        Answers an earlier entry when there is one: then nothing must be sent blindly. Without a
        key that is the newest equal request; `anew` says that it is over and a new one is meant.
        Raises Conflict for a key that was used with another request.
        """
        with closing(self._open()) as db, db:
            db.execute("begin immediate")
            row = None if anew else self._same(db, engine, key, digest)
            if row is not None:
                if row["hash"] != digest:
                    raise Conflict(
                        f"The idempotency key {key!r} was used with another request.",
                        remedy="Use a new key for a new request.",
                    )
                return _entry(row)
            db.execute(
                "insert into requests (key, engine, hash, agent_id, state, sent_at)"
                " values (?, ?, ?, ?, 'sent', ?)",
                (key or f"auto-{uuid.uuid4()}", engine, digest, agent_id, time.time()),
            )
        return None

    @staticmethod
    def _same(
        db: sqlite3.Connection, engine: str, key: str | None, digest: str
    ) -> sqlite3.Row | None:
        if key is not None:
            return db.execute(
                "select * from requests where engine = ? and key = ?", (engine, key)
            ).fetchone()
        return db.execute(
            "select * from requests where engine = ? and hash = ? and key like 'auto-%'"
            " order by sent_at desc limit 1",
            (engine, digest),
        ).fetchone()

    def latest(self, engine: str, digest: str) -> Entry | None:
        """The newest entry of an equal request."""
        with closing(self._open()) as db:
            row = db.execute(
                "select * from requests where engine = ? and hash = ?"
                " order by sent_at desc limit 1",
                (engine, digest),
            ).fetchone()
        return _entry(row) if row is not None else None

    def accepted(self, engine: str, key: str, run_id: str) -> None:
        """The engine answered with a run."""
        self._set(engine, key, "state = 'accepted', run_id = ?", run_id)

    def unknown(self, engine: str, key: str) -> None:
        """The request was sent and its answer lost."""
        self._set(engine, key, "state = 'unknown'")

    def refused(self, engine: str, key: str) -> None:
        """The engine refused the request, so it never happened."""
        with closing(self._open()) as db, db:
            db.execute("delete from requests where engine = ? and key = ?", (engine, key))

    def _set(self, engine: str, key: str, change: str, *values: object) -> None:
        with closing(self._open()) as db, db:
            # `change` is one of the constants above, never a caller's text.
            db.execute(
                f"update requests set {change} where engine = ? and key = ?",  # noqa: S608
                (*values, engine, key),
            )

    def delivered(self, run_id: str) -> None:
        """A caller has been given the run after its end."""
        with closing(self._open()) as db, db:
            db.execute("update requests set delivered = 1 where run_id = ?", (run_id,))

    def add_lineage(self, run_id: str, outputs: Sequence[str]) -> None:
        """The run was fed with these outputs."""
        with closing(self._open()) as db, db:
            db.executemany(
                "insert into lineage (run_id, output_id) values (?, ?)",
                [(run_id, output) for output in outputs],
            )

    def lineage(self, run_id: str) -> tuple[str, ...]:
        """The outputs that a run was fed with."""
        with closing(self._open()) as db:
            rows = db.execute("select output_id from lineage where run_id = ?", (run_id,))
            return tuple(dict.fromkeys(row["output_id"] for row in rows))

    def labels(self, agent_id: str) -> dict[str, str]:
        """The labels that were given to an agent's nodes, by node id."""
        with closing(self._open()) as db:
            rows = db.execute("select node_id, label from labels where agent_id = ?", (agent_id,))
            return {row["node_id"]: row["label"] for row in rows}

    def set_labels(self, agent_id: str, labels: Mapping[str, str]) -> None:
        """Replace the labels of an agent's nodes."""
        with closing(self._open()) as db, db:
            db.execute("delete from labels where agent_id = ?", (agent_id,))
            db.executemany(
                "insert into labels (agent_id, node_id, label) values (?, ?, ?)",
                [(agent_id, node, label) for node, label in labels.items()],
            )


def _entry(row: sqlite3.Row) -> Entry:
    return Entry(
        key=row["key"],
        hash=row["hash"],
        agent_id=row["agent_id"],
        run_id=row["run_id"],
        state=row["state"],
        sent_at=row["sent_at"],
        delivered=bool(row["delivered"]),
    )
