"""Requests to an engine that is slow, ill, gone or not one, over real HTTP."""

import socket

import anyio
import pytest

from mosaic_mcp.client import MosaicClient, transport
from mosaic_mcp.client.transport import PAUSES_S
from mosaic_mcp.contract.agents import CreateAgent
from mosaic_mcp.errors import (
    Conflict,
    EngineUnavailable,
    Forbidden,
    InvalidRequest,
    MosaicError,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    TooLarge,
    Unauthorized,
    Unsupported,
)
from tests.support.hosted_double import KEY
from tests.support.patience import Patience


@pytest.fixture
def time():
    return Patience()


@pytest.fixture
async def client(double, time):
    async with MosaicClient(double.url, KEY, sleep=time.sleep, clock=time.clock) as connected:
        yield connected


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_get_is_repeated_with_growing_pauses_while_the_engine_is_ill(
    double, client, time, status
):
    double.fail("answer", "/whoami", status=status, times=2)
    assert (await client.whoami()).organization_name == "Studio"
    assert double.calls("GET", "/whoami") == 3
    assert [0.7 * p <= s <= 1.3 * p for p, s in zip(PAUSES_S, time.slept, strict=False)] == [1, 1]


async def test_a_get_is_repeated_after_a_broken_connection(double, client):
    double.fail("broken", "/whoami")
    await client.whoami()
    assert double.calls("GET", "/whoami") == 2


async def test_a_get_gives_up_after_four_tries_with_the_engines_own_words(double, client):
    double.fail("answer", status=503, body={"detail": "Down for repair"}, times=9)
    with pytest.raises(EngineUnavailable, match="Down for repair"):
        await client.whoami()
    assert double.calls("GET", "/whoami") == 4


async def test_retry_after_is_honoured_to_the_second(double, client, time):
    double.fail("answer", status=429, headers={"retry-after": "7"})
    await client.whoami()
    assert time.slept == [7.0]


async def test_retry_after_may_be_a_date(double, client, time):
    date = {"date": "Mon, 24 Nov 2025 08:00:00 GMT"}
    until = {"retry-after": "Mon, 24 Nov 2025 08:00:09 GMT"}
    double.fail("answer", status=503, headers=date | until)
    await client.whoami()
    assert time.slept == [9.0]


async def test_an_unreadable_retry_after_is_no_reason_to_wait_longer(double, client, time):
    double.fail("answer", status=429, headers={"retry-after": "soon"})
    await client.whoami()
    assert time.slept[0] <= 0.65


async def test_a_wait_that_no_call_can_afford_is_handed_to_the_caller(double, client, time):
    double.fail("answer", status=429, headers={"retry-after": "120"})
    with pytest.raises(RateLimited) as caught:
        await client.whoami()
    assert caught.value.retry_after_s == 120
    assert time.slept == []


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InvalidRequest),
        (401, Unauthorized),
        (403, Forbidden),
        (404, NotFound),
        (409, Conflict),
        (413, TooLarge),
        (418, MosaicError),
        (422, InvalidRequest),
    ],
)
async def test_a_refusal_is_not_repeated_and_says_what_the_engine_said(
    double, client, status, kind
):
    double.fail("answer", "/whoami", status=status, body={"detail": "Because of this"})
    with pytest.raises(kind, match="Because of this"):
        await client.whoami()
    assert double.calls("GET", "/whoami") == 1


@pytest.mark.parametrize("body", [b"<html>", b"\xff\xfe", b"[1, 2]", b""])
async def test_a_refusal_without_json_names_its_status(double, client, body):
    double.fail("answer", status=404, body=body)
    with pytest.raises(NotFound, match="404"):
        await client.whoami()


async def test_a_key_that_the_engine_repeats_does_not_get_into_the_error(double, client):
    double.fail("answer", status=401, body={"detail": f"Invalid API key {KEY}"})
    with pytest.raises(Unauthorized) as caught:
        await client.whoami()
    assert KEY not in str(caught.value)
    assert "[key]" in caught.value.message


async def test_a_redirect_is_not_followed_because_the_key_stays_here(double, client):
    double.fail("answer", status=307, headers={"location": "https://evil.example/whoami"})
    with pytest.raises(Unsupported, match=r"evil\.example.*the key stays here"):
        await client.whoami()
    assert double.calls("GET", "/whoami") == 1


@pytest.mark.parametrize("kind", ["hang", "drip"])
async def test_an_answer_that_does_not_come_to_its_end_is_given_up(
    double, client, monkeypatch, kind
):
    monkeypatch.setattr(transport, "ANSWER_S", 0.6)
    double.fail(kind, times=9)
    with pytest.raises(EngineUnavailable, match="does not answer"):
        await client.whoami()
    assert double.calls("GET", "/whoami") == 4


async def test_an_answer_beyond_the_cap_is_not_read_to_its_end(double, client, monkeypatch):
    monkeypatch.setattr(transport, "MAX_BODY", 10)
    with pytest.raises(Unsupported, match="larger than"):
        await client.whoami()
    assert double.calls("GET", "/whoami") == 1


async def test_an_answer_that_is_no_answer_of_the_api_is_not_believed(double, client):
    double.fail("answer", status=200, body=b"<html>Welcome</html>")
    with pytest.raises(Unsupported, match="no WhoAmI") as caught:
        await client.whoami()
    assert "MOSAIC_API_URL" in caught.value.remedy


async def test_what_the_engine_said_is_not_quoted_when_it_does_not_fit(double, client):
    double.fail("answer", status=200, body={"organization_id": ["https://signed.example/secret"]})
    with pytest.raises(Unsupported, match="organization_id") as caught:
        await client.whoami()
    assert "secret" not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("kind", "more"),
    [("lost", {}), ("broken", {}), ("answer", {"status": 500}), ("late", {"status": 504})],
)
async def test_a_post_without_a_clear_answer_is_sent_once_and_its_outcome_called_unknown(
    double, client, kind, more
):
    double.fail(kind, "/agent/create", **more)
    with pytest.raises(OutcomeUnknown) as caught:
        await client.create_agent(CreateAgent(name="New"))
    assert "look" in caught.value.remedy
    assert double.calls("POST", "/agent/create") == 1


async def test_a_post_that_is_not_answered_in_time_has_an_unknown_outcome(
    double, client, monkeypatch
):
    monkeypatch.setattr(transport, "ACT_S", 0.1)
    double.fail("hang", "/agent/create")
    with pytest.raises(OutcomeUnknown, match="did not answer"):
        await client.create_agent(CreateAgent(name="New"))
    assert double.calls("POST", "/agent/create") == 1


async def test_a_post_with_an_unreadable_answer_has_an_unknown_outcome(double, client):
    double.fail("answer", "/agent/create", status=200, body=b"ok")
    with pytest.raises(OutcomeUnknown, match="no AgentChanged"):
        await client.create_agent(CreateAgent(name="New"))


async def test_a_post_that_is_told_to_wait_is_not_repeated_here(double, client, time):
    double.fail("answer", "/agent/create", status=429, headers={"retry-after": "3"})
    with pytest.raises(RateLimited) as caught:
        await client.create_agent(CreateAgent(name="New"))
    assert caught.value.retry_after_s == 3
    assert time.slept == []


async def test_a_post_that_may_be_done_twice_is_repeated(double, client):
    double.fail("answer", "get_upload_url", status=502)
    assert (await client.upload_ticket("video")).asset_id in double.uploads
    assert double.calls("POST", "get_upload_url") == 2


async def test_an_engine_that_is_not_there_is_named_with_what_to_check(time):
    url = f"http://127.0.0.1:{free_port()}"
    async with MosaicClient(url, "mk_x", sleep=time.sleep, clock=time.clock) as client:
        with pytest.raises(EngineUnavailable, match=url) as caught:
            await client.whoami()
        # Nothing was sent, so the outcome is known.
        with pytest.raises(EngineUnavailable, match=url):
            await client.create_agent(CreateAgent())
    assert "mosaic-mcp doctor" in caught.value.remedy


async def test_a_studio_that_has_ended_is_started_by_the_next_call(time):
    async def ended() -> bool:
        return False

    url = f"http://127.0.0.1:{free_port()}"
    async with MosaicClient(url, "t", alive=ended, sleep=time.sleep, clock=time.clock) as client:
        with pytest.raises(EngineUnavailable, match="studio has ended") as caught:
            await client.whoami()
        assert not await client.alive()
    assert "the next call starts it" in caught.value.remedy


async def test_a_token_of_the_studio_before_means_that_the_studio_has_ended(double, time):
    async def alive() -> bool:
        return True

    async with MosaicClient(
        double.url, "old", alive=alive, sleep=time.sleep, clock=time.clock
    ) as client:
        with pytest.raises(EngineUnavailable, match="studio has ended"):
            await client.whoami()


async def test_proxies_of_the_environment_do_not_see_requests_to_this_machine(double, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    async with MosaicClient(double.url, KEY) as client:
        await client.whoami()


async def test_the_engines_clock_is_read_from_its_answers(double, client):
    double.ahead_s = 3600
    await client.whoami()
    ours = MosaicClient(double.url, KEY).transport.engine_time()
    assert 3590 < client.transport.engine_time() - ours < 3610


async def test_an_answer_without_a_date_leaves_the_clock_as_it_was(double, client):
    double.ahead_s = 3600
    await client.whoami()
    double.fail("answer", "/whoami", status=404)
    with pytest.raises(NotFound):
        await client.whoami()
    ours = MosaicClient(double.url, KEY).transport.engine_time()
    assert client.transport.engine_time() - ours > 3500


async def test_a_caller_who_goes_away_ends_the_request(double, client):
    double.fail("hang", "/whoami")
    with anyio.move_on_after(0.1) as scope:
        await client.whoami()
    assert scope.cancelled_caught
    await client.whoami()  # the connection was given back
