"""A run is started once, whatever happens to the answer."""

from dataclasses import replace

import anyio
import pytest

from mosaic_mcp.client import Ledger, MosaicClient, submit_once, transport
from mosaic_mcp.contract.runs import RunRequest
from mosaic_mcp.errors import (
    Conflict,
    EngineUnavailable,
    InvalidRequest,
    OutcomeUnknown,
    RateLimited,
)
from tests.support.hosted_double import KEY, golden
from tests.support.hosted_state import Ending
from tests.support.patience import Patience

AGENT = golden("docs/agent")["agent"]["id"]
ONE = RunRequest(video_urls=("https://example.org/talk.mp4",))
TWO = RunRequest(video_urls=("https://example.org/other.mp4",))


@pytest.fixture
def time():
    return Patience()


@pytest.fixture
async def client(double, time):
    double.ending = Ending(after=None)
    async with MosaicClient(double.url, KEY, sleep=time.sleep, clock=time.clock) as connected:
        yield connected


@pytest.fixture
def ledger(tmp_path, time):
    return Ledger(tmp_path / "ledger.db", now=time.clock)


def posts(double) -> int:
    return double.calls("POST", "/run")


async def test_the_same_key_and_request_give_the_same_run_even_after_it_ended(
    double, client, ledger, time
):
    first = await submit_once(client, ledger, AGENT, ONE, key="k")
    double.runs[first.run_id].ending = Ending(after=0)
    ledger.delivered(first.run_id)
    time.now += 100_000
    again = await submit_once(client, ledger, AGENT, ONE, key="k")
    assert (first.replayed, again.replayed) == (False, True)
    assert again.run_id == first.run_id
    assert posts(double) == 1


async def test_the_same_key_with_another_request_is_a_conflict_and_sends_nothing(
    double, client, ledger
):
    await submit_once(client, ledger, AGENT, ONE, key="k")
    for request, quality in ((TWO, None), (ONE, "draft")):
        with pytest.raises(Conflict):
            await submit_once(client, ledger, AGENT, request, key="k", quality=quality)
    assert posts(double) == 1


async def test_an_equal_request_while_the_run_goes_on_is_the_same_run(double, client, ledger, time):
    first = await submit_once(client, ledger, AGENT, ONE)
    time.now += 100_000
    assert await submit_once(client, ledger, AGENT, ONE) == replace(first, replayed=True)
    assert (await submit_once(client, ledger, AGENT, TWO)).run_id != first.run_id


async def test_an_equal_request_soon_after_an_undelivered_run_is_the_same_run(
    double, client, ledger, time
):
    first = await submit_once(client, ledger, AGENT, ONE)
    double.runs[first.run_id].ending = Ending(after=0)
    time.now += 599
    assert (await submit_once(client, ledger, AGENT, ONE)).replayed
    time.now += 2
    assert not (await submit_once(client, ledger, AGENT, ONE)).replayed
    assert posts(double) == 2


async def test_an_equal_request_after_a_delivered_run_is_a_new_wish(double, client, ledger):
    first = await submit_once(client, ledger, AGENT, ONE)
    double.runs[first.run_id].ending = Ending(after=0)
    ledger.delivered(first.run_id)
    second = await submit_once(client, ledger, AGENT, ONE)
    assert not second.replayed
    assert second.run_id != first.run_id
    # From now on the new run is the one that an equal request means.
    assert (await submit_once(client, ledger, AGENT, ONE)).run_id == second.run_id


async def test_a_run_that_the_engine_no_longer_knows_is_not_replayed(double, client, ledger):
    first = await submit_once(client, ledger, AGENT, ONE)
    del double.runs[first.run_id]
    assert (await submit_once(client, ledger, AGENT, ONE)).run_id != first.run_id


async def test_the_outputs_that_fed_a_run_are_remembered(client, ledger):
    run = await submit_once(client, ledger, AGENT, ONE, from_outputs=("o-1", "o-2"))
    assert ledger.lineage(run.run_id) == ("o-1", "o-2")


async def test_quality_is_not_sent_to_an_engine_that_does_not_know_it(double, client, ledger):
    await submit_once(client, ledger, AGENT, ONE, quality="draft")
    assert next(s.query for s in double.seen if s.method == "POST") == ""


@pytest.mark.parametrize(
    ("kind", "more"), [("lost", {}), ("late", {"status": 504}), ("late", {"status": 500})]
)
async def test_a_run_whose_answer_was_lost_is_found_and_not_started_again(
    double, client, ledger, kind, more
):
    double.fail(kind, "/run$", **more)
    run = await submit_once(client, ledger, AGENT, ONE, from_outputs=("o-1",))
    assert [run.run_id] == list(double.runs)
    assert ledger.lineage(run.run_id) == ("o-1",)
    assert (await submit_once(client, ledger, AGENT, ONE)).run_id == run.run_id
    assert posts(double) == 1


async def test_a_run_is_found_after_a_timeout_though_the_clocks_differ(
    double, client, ledger, monkeypatch
):
    double.ahead_s = -7200
    monkeypatch.setattr(transport, "ACT_S", 0.1)
    await client.whoami()
    double.fail("hang", "/run$")
    run = await submit_once(client, ledger, AGENT, ONE)
    assert [run.run_id] == list(double.runs)


async def test_a_run_that_appears_late_is_found(double, client, ledger, time, monkeypatch):
    double.fail("broken", "/run$")
    agent = double.agents[AGENT]

    async def appear(seconds: float) -> None:
        time.now += seconds
        if len(time.slept) == 3:
            double.add_run(agent, ONE)
        time.slept.append(seconds)

    client.sleep = appear
    run = await submit_once(client, ledger, AGENT, ONE)
    assert [run.run_id] == list(double.runs)
    assert posts(double) == 1


async def test_a_request_that_reached_nobody_is_sent_again_only_by_a_later_call(
    double, client, ledger, time
):
    double.fail("broken", "/run$")
    with pytest.raises(OutcomeUnknown, match="not known yet") as caught:
        await submit_once(client, ledger, AGENT, ONE)
    assert "same call again" in caught.value.remedy
    assert posts(double) == 1
    time.now += 60
    run = await submit_once(client, ledger, AGENT, ONE)
    assert not run.replayed
    assert (posts(double), list(double.runs)) == (2, [run.run_id])


async def test_a_lost_request_is_looked_for_before_it_is_sent_again(double, client, ledger, time):
    double.fail("lost", "/run$")
    double.fail("answer", "/runs$", status=503, times=8)  # before it is sent, and after
    with pytest.raises(EngineUnavailable):
        await submit_once(client, ledger, AGENT, ONE)
    time.now += 3600
    run = await submit_once(client, ledger, AGENT, ONE)
    assert (run.run_id, run.replayed) == (next(iter(double.runs)), True)
    assert posts(double) == 1


async def test_runs_of_other_requests_and_of_triggers_are_not_mistaken_for_the_lost_one(
    double, client, ledger
):
    known = await submit_once(client, ledger, AGENT, TWO)
    double.fail("lost", "/run$")
    double.add_run(double.agents[AGENT], TWO, triggered_by={"trigger_id": "t"})
    run = await submit_once(client, ledger, AGENT, ONE)
    assert double.runs[run.run_id].request == ONE
    assert run.run_id != known.run_id


async def unanswered(double, client, ledger, request=ONE) -> None:
    """Send a request that starts a run, and learn neither its answer nor the runs there are."""
    double.fail("lost", "/run$")
    double.fail("answer", "/runs$", status=503, times=8)
    with pytest.raises(EngineUnavailable):
        await submit_once(client, ledger, AGENT, request)


async def test_several_runs_that_may_be_the_lost_one_are_not_guessed_among(double, client, ledger):
    await unanswered(double, client, ledger)
    double.add_run(double.agents[AGENT], TWO)
    for _ in range(2):
        with pytest.raises(OutcomeUnknown, match="2 runs began since") as caught:
            await submit_once(client, ledger, AGENT, ONE)
    assert "list_runs" in caught.value.remedy
    assert posts(double) == 1


async def test_a_run_that_somebody_began_a_moment_before_is_not_taken_for_ours(
    double, client, ledger
):
    other = double.add_run(double.agents[AGENT], ONE)
    double.fail("lost", "/run$")
    run = await submit_once(client, ledger, AGENT, ONE)
    assert run.run_id != other.id
    assert double.runs.keys() == {run.run_id, other.id}


MORE = RunRequest(video_urls=("https://example.org/talk.mp4", "https://example.org/other.mp4"))


@pytest.mark.parametrize(
    ("request_", "by"),
    [
        (MORE, None),
        (ONE, {"trigger_id": "t"}),
        (ONE, {"type": "manual", "source": "ui", "user_id": "anna"}),
    ],
)
async def test_a_run_of_another_person_at_the_same_time_is_not_taken_for_ours(
    double, client, ledger, request_, by
):
    """Of the same agent: with other sources, by a trigger, or in the app."""
    await unanswered(double, client, ledger)
    [ours] = double.runs
    double.add_run(double.agents[AGENT], request_, triggered_by=by)
    found = await submit_once(client, ledger, AGENT, ONE)
    assert found.run_id == ours
    assert posts(double) == 1


async def test_a_run_that_began_long_after_is_not_taken_for_ours(double, client, ledger, time):
    double.fail("broken", "/run$")
    with pytest.raises(OutcomeUnknown):
        await submit_once(client, ledger, AGENT, ONE)
    time.now += 3600
    double.ahead_s = 3600
    other = double.add_run(double.agents[AGENT], ONE)
    run = await submit_once(client, ledger, AGENT, ONE)
    assert run.run_id != other.id
    assert posts(double) == 2, "ours had reached nobody"
    assert not run.guessed


async def test_what_was_found_without_being_told_is_called_a_guess_every_time(
    double, client, ledger
):
    double.fail("lost", "/run$")
    assert (await submit_once(client, ledger, AGENT, ONE)).guessed
    again = await submit_once(client, ledger, AGENT, ONE)
    assert (again.replayed, again.guessed) == (True, True)
    assert not (await submit_once(client, ledger, AGENT, TWO)).guessed


async def test_a_refused_request_is_forgotten(double, client, ledger):
    with pytest.raises(InvalidRequest):
        await submit_once(client, ledger, AGENT, RunRequest(), key="k")
    assert not (await submit_once(client, ledger, AGENT, ONE, key="k")).replayed


async def test_a_refusal_does_not_make_an_earlier_lost_answer_forgotten(
    double, client, ledger, time
):
    double.fail("broken", "/run$")
    with pytest.raises(OutcomeUnknown):
        await submit_once(client, ledger, AGENT, ONE, key="k")
    time.now += 60
    double.fail("answer", "/run$", status=429)
    with pytest.raises(RateLimited):
        await submit_once(client, ledger, AGENT, ONE, key="k")
    late = double.add_run(double.agents[AGENT], ONE)
    assert (await submit_once(client, ledger, AGENT, ONE, key="k")).run_id == late.id


async def test_a_caller_who_goes_away_leaves_a_request_that_is_looked_for(double, client, ledger):
    double.fail("hang", "/run$")
    async with anyio.create_task_group() as caller:
        caller.start_soon(submit_once, client, ledger, AGENT, ONE)
        while not double.runs:  # noqa: ASYNC110 - the double is in a thread of its own
            await anyio.sleep(0.01)
        caller.cancel_scope.cancel()
    run = await submit_once(client, ledger, AGENT, ONE)
    assert (run.replayed, list(double.runs)) == (True, [run.run_id])
    assert posts(double) == 1


async def test_equal_requests_at_the_same_moment_start_one_run(double, tmp_path, time):
    double.ending = Ending(after=None)
    runs = []

    async def no_time_passes(_: float) -> None:
        """Twenty callers wait at once: their seconds are the same ones."""
        while not double.runs:  # noqa: ASYNC110 - the double is in a thread of its own
            await anyio.sleep(0.01)

    async with (
        MosaicClient(double.url, KEY, sleep=no_time_passes, clock=time.clock) as client,
        anyio.create_task_group() as callers,
    ):

        async def caller() -> None:
            ledger = Ledger(tmp_path / "shared.db", now=time.clock)
            runs.append((await submit_once(client, ledger, AGENT, ONE)).run_id)

        for _ in range(20):
            callers.start_soon(caller)
    assert runs == [*double.runs] * 20
    assert posts(double) == 1


async def test_a_request_that_another_caller_takes_over_is_not_sent_by_us_too(
    double, client, ledger, time, monkeypatch
):
    double.fail("broken", "/run$")
    with pytest.raises(OutcomeUnknown):
        await submit_once(client, ledger, AGENT, ONE)
    time.now += 60
    claim, taken = Ledger.claim, []

    def late(self: Ledger, entry) -> bool:
        """Another caller takes the request over just before us, and its run appears."""
        if not taken:
            taken.append(entry)
            claim(self, entry)
            double.add_run(double.agents[AGENT], ONE)
        return claim(self, entry)

    monkeypatch.setattr(Ledger, "claim", late)
    run = await submit_once(client, ledger, AGENT, ONE)
    assert (run.replayed, [run.run_id]) == (True, list(double.runs))
    assert posts(double) == 1
