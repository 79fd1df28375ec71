"""The outbox: events that are to be posted, written, claimed and settled in short transactions.

A run's events are sent one after another: the first that is pending is its head, the others wait.
Of progress only the newest undelivered event is kept, with all nodes that were not told of yet.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, cast
from uuid import uuid4

import sqlalchemy as sa

from mosaic_mcp.contract.runs import RunStatus
from mosaic_mcp.contract.webhooks import Event, Flag, RunProgressEvent
from mosaic_mcp.studio.runs.states import S, now
from mosaic_mcp.studio.runs.views import RunRows
from mosaic_mcp.studio.store.tables import runs, webhooks
from mosaic_mcp.studio.webhooks.events import EVENTS, event_of, merged

PROGRESS_EVERY_S = 3.0
"""Seconds between two RUN_PROGRESS of a run, at least."""
GIVE_UP_S = 3 * 24 * 3600.0
"""An event whose attempt fails later than this after it was recorded is given up."""
AWAKE_S = 3600.0
"""The studio stays awake for an event this long, some ten attempts; a dead endpoint must not keep
it for ever. What is pending then is sent whenever a studio runs."""
PAUSES_S = (5.0, 6 * 3600.0)
"""After the first failed attempt, and at most; doubled each time."""
CLAIM_S = 30.0
"""How long a claimed event belongs to its sender: longer than an attempt may take."""
GONE = 410

TOLD = frozenset({S.completed, S.running, S.queued, S.failed, S.blocked, S.partial_complete})
"""Node statuses of RUN_PROGRESS (mosaic_contract §4); a cancelled run tells of its end only."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event that was claimed: for this attempt it is the sender's."""

    id: str
    owner: str
    run_id: str
    url: str
    event: Event
    attempt: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an attempt: an HTTP status, or no answer and why."""

    status: int | None = None
    error: str | None = None
    retry_after_s: float = 0.0

    @property
    def delivered(self) -> bool:
        """True for any 2xx."""
        return self.status is not None and 200 <= self.status < 300


def flag_of(kind: str) -> Flag | None:
    """What an event of a run is called outside; None for what is not told there."""
    what, _, status = kind.partition(".")
    if what == "node":
        return "RUN_PROGRESS" if status in TOLD else None
    if status == "started":
        return "RUN_STARTED"
    ended = what == "run" and status in set(RunStatus) and RunStatus(status).terminal
    return "RUN_FINISHED" if ended else None


def remember(
    connection: sa.Connection,
    run_id: str,
    kind: str,
    node_id: str | None,
    *,
    at: float | None = None,
) -> None:
    """Put what just happened to a run with a `callback_url` into the outbox.

    To be called in the transaction that changed the run, after its row was locked.
    """
    flag = flag_of(kind)
    if flag is None:
        return
    at = time.time() if at is None else at
    run = dict(connection.execute(sa.select(runs).where(runs.c.id == run_id)).mappings().one())
    newest = connection.execute(
        sa.select(webhooks)
        .where(webhooks.c.run_id == run_id)
        .order_by(webhooks.c.seq.desc())
        .limit(1)
        .with_for_update()  # a failed attempt may be about to change it
    ).one_or_none()
    if newest is not None and newest.state == "stopped":
        return  # the endpoint said 410: it wants no more of this run
    event = event_of(RunRows(connection, run), flag, node_id)
    next_at = at
    if newest is not None and newest.event == flag == "RUN_PROGRESS":
        if _joined(connection, newest, cast(RunProgressEvent, event), at):
            return
        next_at = max(at, newest.next_at + PROGRESS_EVERY_S)
    if flag == "RUN_FINISHED":  # progress that waits for its turn is told right before it
        waiting = (webhooks.c.run_id == run_id, _pending(), webhooks.c.attempts == 0)
        connection.execute(webhooks.update().where(*waiting).values(next_at=at))
    connection.execute(
        webhooks.insert().values(
            **_content(event, at),
            owner=run["owner"],
            run_id=run_id,
            event=flag,
            url=run["callback_url"],
            state="pending",
            attempts=0,
            next_at=next_at,
            claimed_until=0.0,
        )
    )


def _content(event: Event, at: float) -> dict[str, Any]:
    """What changes when a row comes to hold another event: a new id, so that nobody who has seen
    the old one takes it for a repetition."""
    return {
        "id": f"msg_{uuid4().hex}",
        "payload": event.model_dump(mode="json"),
        "ends_at": at + GIVE_UP_S,
        "recorded_at": now(),
    }


def _pending() -> sa.ColumnElement[bool]:
    return webhooks.c.state == "pending"


def _joined(connection: sa.Connection, row: Any, event: RunProgressEvent, at: float) -> bool:
    """Put newer progress in the place of a waiting one; False when that is sent or being sent.

    When it is tried next stays: an endpoint that is down is not asked more often for news.
    """
    if row.state != "pending" or row.claimed_until > at:
        return False
    older = cast(RunProgressEvent, EVENTS.validate_python(row.payload))
    changed = connection.execute(
        webhooks.update()
        .where(webhooks.c.id == row.id, _pending(), webhooks.c.claimed_until <= at)
        .values(**_content(merged(older, event), at))
    )
    return changed.rowcount == 1


def due(
    connection: sa.Connection, at: float, *, without: Collection[str], limit: int
) -> list[tuple[str, str]]:
    """`(id, owner)` of the heads that may be sent now, of owners not in `without`; longest due
    first."""
    earlier = webhooks.alias()
    waits = sa.exists().where(
        earlier.c.run_id == webhooks.c.run_id,
        earlier.c.state == "pending",
        earlier.c.seq < webhooks.c.seq,
    )
    rows = connection.execute(
        sa.select(webhooks.c.id, webhooks.c.owner)
        .where(
            _pending(),
            webhooks.c.next_at <= at,
            webhooks.c.claimed_until <= at,
            webhooks.c.owner.not_in(without),
            ~waits,
        )
        .order_by(webhooks.c.next_at)
        .limit(limit)
    )
    return [(row.id, row.owner) for row in rows]


def claim(connection: sa.Connection, delivery_id: str, at: float) -> Delivery | None:
    """Begin an attempt; None when another process was faster, or newer progress took its place."""
    row = connection.execute(
        webhooks.update()
        .where(
            webhooks.c.id == delivery_id,
            _pending(),
            webhooks.c.next_at <= at,
            webhooks.c.claimed_until <= at,
        )
        .values(claimed_until=at + CLAIM_S, attempts=webhooks.c.attempts + 1)
        .returning(webhooks)
    ).one_or_none()
    if row is None:
        return None
    event = EVENTS.validate_python(row.payload)
    return Delivery(row.id, row.owner, row.run_id, row.url, event, row.attempts)


def settle(
    connection: sa.Connection,
    delivery: Delivery,
    outcome: Outcome,
    at: float,
    *,
    jitter: Callable[[], float] = lambda: random.uniform(0.8, 1.2),
) -> None:
    """Record how an attempt ended; whoever comes after its claim ran out records nothing."""
    ours = (webhooks.c.id == delivery.id, webhooks.c.attempts == delivery.attempt, _pending())
    said = {"last_status": outcome.status, "last_error": outcome.error, "claimed_until": 0.0}
    if outcome.delivered:
        values = {"state": "delivered", "delivered_at": now(), "next_at": at}
        connection.execute(webhooks.update().where(*ours).values(**said, **values))
        return
    ends_at = connection.execute(sa.select(webhooks.c.ends_at).where(*ours)).scalar_one_or_none()
    if ends_at is None:
        return
    if outcome.status == GONE:
        of_run = (webhooks.c.run_id == delivery.run_id, _pending())
        connection.execute(webhooks.update().where(*ours).values(**said))
        connection.execute(webhooks.update().where(*of_run).values(state="stopped"))
        return
    pause = max(pause_s(delivery.attempt) * jitter(), outcome.retry_after_s)
    next_at = min(at + pause, max(ends_at, at))
    state = "failed" if at >= ends_at else "pending"
    connection.execute(webhooks.update().where(*ours).values(**said, state=state, next_at=next_at))
    if isinstance(delivery.event, RunProgressEvent) and state == "pending":
        _make_room(connection, delivery, delivery.event, next_at)


def _make_room(
    connection: sa.Connection, delivery: Delivery, event: RunProgressEvent, next_at: float
) -> None:
    """Let progress that was recorded during a failed attempt take the place of what failed."""
    newer = connection.execute(
        sa.select(webhooks)
        .where(webhooks.c.run_id == delivery.run_id, _pending(), webhooks.c.id != delivery.id)
        .order_by(webhooks.c.seq)
        .limit(1)
        .with_for_update()
    ).one_or_none()
    if newer is None or newer.event != "RUN_PROGRESS":
        return
    both = merged(event, cast(RunProgressEvent, EVENTS.validate_python(newer.payload)))
    connection.execute(
        webhooks.update()
        .where(webhooks.c.id == newer.id)
        .values(payload=both.model_dump(mode="json"), attempts=delivery.attempt, next_at=next_at)
    )
    connection.execute(webhooks.delete().where(webhooks.c.id == delivery.id))


def pause_s(attempts: int) -> float:
    """Seconds after this many failed attempts, before jitter."""
    first, most = PAUSES_S
    return min(first * 2 ** min(attempts - 1, 30), most)


def awaited(connection: sa.Connection, at: float) -> bool:
    """True while an event is pending for which the studio stays awake."""
    young = webhooks.c.ends_at > at + GIVE_UP_S - AWAKE_S
    return bool(connection.execute(sa.select(sa.exists().where(_pending(), young))).scalar())
