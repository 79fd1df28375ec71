"""The outbox in a real database: what is told of a run, in which order, and how it is repeated."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import anyio
import pytest
import sqlalchemy as sa

from mosaic_mcp.contract.webhooks import RunFinishedEvent
from mosaic_mcp.studio.runs.feed import Feed
from mosaic_mcp.studio.signing import Links, Signer
from mosaic_mcp.studio.store.database import Store
from mosaic_mcp.studio.store.tables import webhooks
from mosaic_mcp.studio.webhooks import outbox
from mosaic_mcp.studio.webhooks.outbox import (
    AWAKE_S,
    CLAIM_S,
    GIVE_UP_S,
    PROGRESS_EVERY_S,
    Delivery,
    Outcome,
    pause_s,
)
from mosaic_mcp.studio.webhooks.sender import Sender
from mosaic_mcp.studio.webhooks.signing import Secrets
from mosaic_mcp.web.addresses import anywhere
from tests.support.receiver import receiver
from tests.support.run_states import MovedRun

LINE = {"in": "Video Input", "logo": "Watermark", "out": "Destination"}
HOOK = "https://example.org/hook?key=secret"
KEY = Signer(b"a key")
FAR = 1e12
"""Later than anything is due; claims end after it."""


class Box:
    """The outbox of one store."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def _do(self, work: Any) -> Any:
        with self.store.engine.begin() as connection:
            return work(connection)

    def rows(self) -> list[Any]:
        return self._do(lambda c: c.execute(sa.select(webhooks).order_by(webhooks.c.seq)).all())

    def flags(self) -> list[tuple[str, str]]:
        return [(row.event, row.state) for row in self.rows()]

    def due(self, at: float = FAR, *without: str, limit: int = 50) -> list[str]:
        heads = self._do(lambda c: outbox.due(c, at, without=without, limit=limit))
        return [delivery_id for delivery_id, _ in heads]

    def claim(self, at: float = FAR) -> Delivery:
        (head,) = self.due(at)
        delivery = self._do(lambda c: outbox.claim(c, head, at))
        assert delivery is not None
        return delivery

    def settle(self, delivery: Delivery, outcome: Outcome, at: float = FAR) -> None:
        self._do(lambda c: outbox.settle(c, delivery, outcome, at, jitter=lambda: 1.0))

    def deliver(self) -> Delivery:
        delivery = self.claim()
        self.settle(delivery, Outcome(204))
        return delivery

    def until_delivered(self) -> None:
        """An answer is recorded a moment after the receiver gave it."""
        while {row.state for row in self.rows()} != {"delivered"}:
            time.sleep(0.02)

    def remember(self, run: MovedRun, kind: str, node: str | None, at: float) -> None:
        self._do(lambda c: outbox.remember(c, run.id, kind, node, at=at))


@pytest.fixture
def box(store: Store) -> Box:
    return Box(store)


@pytest.fixture
def run(store: Store) -> MovedRun:
    return MovedRun(store, LINE, callback_url=HOOK)


def end(run: MovedRun, *errors: str | None) -> None:
    """Take a run from its beginning to its end; its one output node makes these renders."""
    run.do("in")
    run.decide_and_plan("logo", *(f"r{i}" for i in range(len(errors))))
    run.do_renders("logo", *errors)
    run.do("out")


def test_a_run_without_a_callback_puts_nothing_into_the_outbox(store: Store, box: Box):
    end(MovedRun(store, LINE), None)
    assert box.rows() == []


def test_a_run_tells_its_start_its_progress_and_its_end(run: MovedRun, box: Box):
    assert box.flags() == [("RUN_STARTED", "pending"), ("RUN_PROGRESS", "pending")]
    end(run, None)
    assert [flag for flag, _ in box.flags()] == ["RUN_STARTED", "RUN_PROGRESS", "RUN_FINISHED"]


def test_an_event_is_of_the_transaction_that_it_tells_of(run: MovedRun, box: Box, store: Store):
    end(run, None)
    finished = RunFinishedEvent.model_validate(box.rows()[-1].payload)
    assert (finished.status, finished.run_id) == ("completed", run.id)
    assert finished.node_status_counts.completed == 3
    assert [o.id for o in finished.outputs] == [row.id for row in run.renders("logo")]
    with store.engine.connect() as connection:
        outbox.remember(connection, run.id, "run.failed", None)
        connection.rollback()
    assert len(box.rows()) == 3


def test_errors_are_told_with_the_end(run: MovedRun, box: Box):
    end(run, None, "No space left.")
    finished = RunFinishedEvent.model_validate(box.rows()[-1].payload)
    assert finished.status == "partial_complete"
    assert finished.status_message
    [error] = finished.errors
    assert (error.original_node_id, error.messages) == ("logo", ("No space left.",))


def test_of_progress_only_the_newest_is_kept_with_every_node_that_was_not_told_of(
    run: MovedRun, box: Box
):
    first = box.rows()[-1]
    run.do("in")
    assert box.flags() == [("RUN_STARTED", "pending"), ("RUN_PROGRESS", "pending")]
    newest = box.rows()[-1]
    assert newest.id != first.id
    told = {n["original_node_id"]: n["status"] for n in newest.payload["updated_nodes"]}
    assert told == {"in": "completed", "logo": "queued"}
    assert newest.payload["node_status_counts"] == {
        "completed": 1,
        "in_progress": 1,
        "failed": 0,
    }


def test_progress_in_numbers_alone_is_not_told(run: MovedRun, box: Box):
    run.do("in")
    run.decide_and_plan("logo", "r")
    before = box.rows()
    fence = run.start_render(run.renders("logo")[0])
    assert fence is not None
    run.progress_render(fence, 0.5)
    assert box.rows() == before


def test_progress_is_told_no_more_often_than_every_few_seconds(run: MovedRun, box: Box):
    box.deliver()
    box.settle(box.claim(FAR), Outcome(200), FAR)
    box.remember(run, "node.running", "in", FAR)
    assert box.due(FAR + PROGRESS_EVERY_S - 0.1) == []
    assert len(box.due(FAR + PROGRESS_EVERY_S)) == 1


def test_the_end_of_a_run_does_not_wait_for_progress_to_be_due(run: MovedRun, box: Box):
    box.deliver()
    box.settle(box.claim(FAR), Outcome(200), FAR)
    box.remember(run, "node.running", "in", FAR)
    box.remember(run, "run.failed", None, FAR)
    assert box.claim(FAR).event.flag == "RUN_PROGRESS"


def test_a_runs_events_go_one_after_another_and_those_of_others_do_not_wait(
    run: MovedRun, box: Box, store: Store
):
    other = MovedRun(store, LINE, callback_url=HOOK)
    end(run, None)
    assert len(box.due()) == 2
    sent = []
    while box.due():
        for head in box.due():
            delivery = box._do(lambda c, head=head: outbox.claim(c, head, FAR))
            sent.append((delivery.run_id, delivery.event.flag))
            assert delivery.id not in box.due()
            box.settle(delivery, Outcome(204))
    flags = ["RUN_STARTED", "RUN_PROGRESS", "RUN_FINISHED"]
    assert [flag for run_id, flag in sent if run_id == run.id] == flags
    assert [flag for run_id, flag in sent if run_id == other.id] == flags[:2]


def test_only_one_process_gets_an_event_until_its_claim_runs_out(run: MovedRun, box: Box):
    (head,) = box.due()
    first = box._do(lambda c: outbox.claim(c, head, FAR))
    assert box._do(lambda c: outbox.claim(c, head, FAR)) is None
    assert box.due(FAR + CLAIM_S - 1) == []
    again = box.claim(FAR + CLAIM_S)
    assert (again.id, again.attempt) == (first.id, 2)
    # Whoever comes late records nothing: the other attempt decides.
    box.settle(first, Outcome(410), FAR + CLAIM_S)
    assert box.rows()[0].state == "pending"
    box.settle(again, Outcome(200), FAR + CLAIM_S)
    assert box.rows()[0].state == "delivered"


def test_failed_attempts_are_repeated_ever_more_slowly_and_given_up_after_three_days(
    run: MovedRun, box: Box
):
    at = box.rows()[0].next_at
    ends_at = box.rows()[0].ends_at
    assert ends_at == at + GIVE_UP_S
    pauses = []
    while box.rows()[0].state == "pending":
        delivery = box.claim(at)
        box.settle(delivery, Outcome(503, "It answered 503."), at)
        pauses.append(box.rows()[0].next_at - at)
        at = box.rows()[0].next_at
    assert pauses[:4] == pytest.approx([5, 10, 20, 40])
    assert max(pauses) == pytest.approx(6 * 3600)
    assert sum(pauses[:-1]) == pytest.approx(GIVE_UP_S)
    first = box.rows()[0]
    assert (first.state, first.last_status, first.last_error) == (
        "failed",
        503,
        "It answered 503.",
    )
    assert 20 <= first.attempts <= 30
    assert len(box.due(at)) == 1, "the next event of the run is tried"


def test_an_event_that_waited_behind_others_for_too_long_is_still_tried_once(
    run: MovedRun, box: Box
):
    at = box.rows()[0].ends_at + 1
    box.settle(box.claim(at), Outcome(500), at)
    box.settle(box.claim(at), Outcome(500), at)
    assert [(row.state, row.attempts) for row in box.rows()] == [("failed", 1), ("failed", 1)]


def test_pauses_are_scattered_so_that_many_do_not_come_back_at_once(store: Store, box: Box):
    for _ in range(5):
        MovedRun(store, LINE, callback_url=HOOK)
    for head in box.due():
        delivery = box._do(lambda c, head=head: outbox.claim(c, head, FAR))
        box._do(lambda c, d=delivery: outbox.settle(c, d, Outcome(500), 0.0))
    pauses = [row.next_at for row in box.rows() if row.event == "RUN_STARTED"]
    assert len(set(pauses)) == 5
    assert all(0.8 * pause_s(1) <= pause <= 1.2 * pause_s(1) for pause in pauses)


def test_retry_after_is_respected_when_it_is_longer(run: MovedRun, box: Box):
    at = box.rows()[0].next_at
    box.settle(box.claim(at), Outcome(429, "It answered 429.", retry_after_s=900), at)
    assert box.rows()[0].next_at == pytest.approx(at + 900)
    later = at + 900
    box.settle(box.claim(later), Outcome(429, retry_after_s=1), later)
    assert box.rows()[0].next_at == pytest.approx(later + 10)
    last = later + 10
    box.settle(box.claim(last), Outcome(429, retry_after_s=float("inf")), last)
    assert box.rows()[0].next_at == pytest.approx(box.rows()[0].ends_at)


def test_a_410_stops_what_waits_and_whatever_comes_of_that_run(
    run: MovedRun, box: Box, store: Store
):
    other = MovedRun(store, LINE, callback_url=HOOK)
    head = box.due()[0]
    gone = box._do(lambda c: outbox.claim(c, head, FAR))
    box.settle(gone, Outcome(410, "It answered 410."))
    end(run, None)
    of_run = [(r.event, r.state) for r in box.rows() if r.run_id == run.id]
    assert of_run == [("RUN_STARTED", "stopped"), ("RUN_PROGRESS", "stopped")]
    assert {r.state for r in box.rows() if r.run_id == other.id} == {"pending"}


def test_progress_that_failed_makes_room_for_newer_progress(run: MovedRun, box: Box):
    box.deliver()
    at = box.rows()[-1].next_at
    tried = box.claim(at)
    box.remember(run, "node.running", "logo", at)
    assert box.flags()[1:] == [("RUN_PROGRESS", "pending")] * 2
    box.settle(tried, Outcome(500), at)
    (_, kept) = box.rows()
    assert (kept.id == tried.id, kept.attempts) == (False, 1)
    told = [node["original_node_id"] for node in kept.payload["updated_nodes"]]
    assert told == ["in", "logo"]


def test_a_resumed_run_tells_of_its_second_end_too(run: MovedRun, box: Box):
    run.do("in")
    run.decide_and_plan("logo", "r")
    run.do_renders("logo", "No.")
    run.resume()
    run.do("logo", "out")
    flags = [flag for flag, _ in box.flags()]
    assert flags.count("RUN_FINISHED") == 2
    assert flags.count("RUN_STARTED") == 1
    ends = [r.payload["status"] for r in box.rows() if r.event == "RUN_FINISHED"]
    assert ends == ["failed", "completed"]


def test_a_cancelled_run_tells_its_end(run: MovedRun, box: Box):
    run.cancel()
    last = box.rows()[-1]
    assert (last.event, last.payload["status"]) == ("RUN_FINISHED", "cancelled")


def test_the_studio_stays_awake_for_an_hour_for_what_is_not_delivered(run: MovedRun, box: Box):
    at = box.rows()[-1].ends_at - GIVE_UP_S
    assert box._do(lambda c: outbox.awaited(c, at + AWAKE_S - 1))
    assert not box._do(lambda c: outbox.awaited(c, at + AWAKE_S + 1))
    while box.due():
        box.deliver()
    assert not box._do(lambda c: outbox.awaited(c, at))


def test_an_owner_whose_endpoint_hangs_does_not_hold_up_the_others(
    run: MovedRun, box: Box, store: Store
):
    MovedRun(store, LINE, callback_url=HOOK, owner="ben")
    (head,) = box.due(FAR, "anna")
    assert {r.id: r.owner for r in box.rows()}[head] == "ben"


async def test_processes_that_share_a_database_send_each_event_once_and_in_order(
    store: Store, either_database: Path | str, box: Box
):
    with receiver() as hook:
        sent = [MovedRun(store, LINE, callback_url=hook.url()) for _ in range(8)]
        for run in sent:
            end(run, None)
        async with AsyncExitStack() as processes:
            for _ in range(3):
                other = Store(either_database)
                processes.callback(other.close)
                sender = Sender(other, Feed(), Links("http://here", KEY), Secrets(None), anywhere)
                await processes.enter_async_context(sender.sending())
            came = [await anyio.to_thread.run_sync(hook.next) for _ in range(3 * len(sent))]
            await anyio.to_thread.run_sync(box.until_delivered)
        assert hook.came.empty()
    assert len({r.headers["webhook-id"] for r in came}) == len(came)
    for run in sent:
        flags = [r.flag for r in came if r.event["run_id"] == run.id]
        assert flags == ["RUN_STARTED", "RUN_PROGRESS", "RUN_FINISHED"]
        video = next(r for r in reversed(came) if r.event["run_id"] == run.id)
        assert video.event["outputs"][0]["video_url"].startswith("http://here/media/")


def test_of_many_that_claim_an_event_at_once_one_gets_it(run: MovedRun, box: Box):
    (head,) = box.due()
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda _: box._do(lambda c: outbox.claim(c, head, FAR)), range(8)))
    assert sum(delivery is not None for delivery in got) == 1
