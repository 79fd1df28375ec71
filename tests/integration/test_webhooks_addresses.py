"""Where webhooks may go: never inside, whatever a name says at first."""

import ipaddress
import socket
import threading
from itertools import chain, repeat

import anyio
import pytest

from mosaic_mcp.studio.webhooks import posting
from mosaic_mcp.studio.webhooks.posting import callback_faults, client, post
from mosaic_mcp.web import addresses
from mosaic_mcp.web.addresses import anywhere, public
from tests.support.receiver import receiver
from tests.support.waiting import WAIT_S

INSIDE = [
    "http://127.0.0.1:9000/hook",
    "http://localhost/hook",
    "http://10.1.2.3/hook",
    "http://192.168.0.1/hook",
    "http://169.254.169.254/latest/meta-data",
    "http://[::1]/hook",
    "http://[::ffff:169.254.169.254]/hook",
    "http://[fd00::1]/hook",
    "http://0.0.0.0/hook",
    "http://2130706433/hook",
    "http://100.64.0.1/hook",
]


@pytest.mark.parametrize("url", INSIDE)
async def test_an_address_inside_is_refused_when_the_run_is_posted(url):
    [fault] = await callback_faults(url, public)
    assert fault.where == "callback_url"
    assert "inside a private network" in fault.what
    assert "MOSAIC_PRIVATE_URLS=1" in fault.remedy
    assert await callback_faults(url, anywhere) == []


@pytest.mark.parametrize("url", INSIDE)
async def test_and_again_when_an_event_is_sent(url):
    async with client(public) as http:
        outcome = await post(http, url, "{}", {})
    assert not outcome.delivered
    assert outcome.status is None
    assert "inside a private network" in str(outcome.error)


@pytest.mark.parametrize("url", ["http://example.org:99999/", "http://example.org/" + "x" * 3000])
async def test_an_address_that_no_request_can_have_is_refused(url):
    [fault] = await callback_faults(url, public)
    assert fault.where == "callback_url"


def test_a_run_with_such_an_address_is_refused_with_every_other_fault(anna):
    agent_id = anna.get("/agents").json()["agents"][0]["id"]
    body = {"video_ids": ["nothing"], "callback_url": INSIDE[0], "ignore_nodes": ["nowhere"]}
    answer = anna.post(f"/agent/{agent_id}/run", json=body)
    assert (answer.status_code, answer.json()["error"]) == (400, "validation_error")
    for part in ("'127.0.0.1' is inside a private network", "'nothing'", "'nowhere'"):
        assert part in answer.json()["detail"]


async def test_a_name_that_nobody_knows_now_does_not_refuse_a_run():
    assert await callback_faults("https://nowhere.invalid/hook", public) == []
    async with client(public) as http:
        outcome = await post(http, "https://nowhere.invalid/hook", "{}", {})
    assert outcome.status is None
    assert outcome.error


async def test_a_name_that_leads_inside_only_later_is_refused_then(monkeypatch):
    """DNS rebinding: public when the run is posted, loopback when the event is sent."""
    with receiver() as hook:
        said = chain(["93.184.215.14"], repeat("127.0.0.1"))

        async def look_up(host, port, **_):
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(said), port))]

        monkeypatch.setattr(addresses.anyio, "getaddrinfo", look_up)
        url = f"http://rebind.example:{hook.port}/hook"
        assert await callback_faults(url, public) == []
        async with client(public) as http:
            outcome = await post(http, url, "{}", {})
        assert "inside a private network" in str(outcome.error)
        assert hook.came.empty()


async def test_what_was_checked_is_what_is_connected_to(monkeypatch):
    """The name is looked up once for an attempt: a second answer could differ."""
    asked = []
    with receiver() as hook:

        async def look_up(host, port, **_):
            asked.append(host)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

        monkeypatch.setattr(addresses.anyio, "getaddrinfo", look_up)
        seen = []

        def allowed(address):
            seen.append(address)
            return True

        async with client(allowed) as http:
            outcome = await post(http, f"http://hook.example:{hook.port}/", "{}", {})
        assert outcome.delivered
        assert asked == ["hook.example"]
        assert seen == [ipaddress.ip_address("127.0.0.1")]
        assert hook.next().headers["host"] == f"hook.example:{hook.port}"


async def test_an_endpoint_that_does_not_answer_is_given_up_in_time(monkeypatch):
    monkeypatch.setattr(posting, "ATTEMPT_S", 0.1)
    with receiver() as hook:
        hook.hold = threading.Event()
        async with client(anywhere) as http:
            outcome = await post(http, hook.url(), "{}", {})
    assert outcome.status is None
    assert "no answer within" in str(outcome.error)


async def test_an_answer_without_end_is_not_read():
    """The status is all that counts; a receiver cannot fill our memory."""

    async def endless(stream):
        async with stream:
            await stream.receive()
            await stream.send(b"HTTP/1.1 200 OK\r\ncontent-length: 999999999999\r\n\r\n")
            try:
                while True:
                    await stream.send(b"x" * 65536)
            except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                closed.set()

    closed = anyio.Event()
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(anyio.abc.SocketAttribute.local_port)
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, endless)
        async with client(anywhere) as http:
            outcome = await post(http, f"http://127.0.0.1:{port}/", "{}", {})
        with anyio.fail_after(WAIT_S):
            await closed.wait()
        tasks.cancel_scope.cancel()
    assert outcome.delivered


@pytest.mark.parametrize(
    ("header", "seconds"),
    [({}, 0), ({"retry-after": "120"}, 120), ({"retry-after": "soon"}, 0)],
)
async def test_how_long_an_endpoint_asks_to_wait_is_read(header, seconds):
    with receiver() as hook:
        hook.answers = [(503, header)]
        async with client(anywhere) as http:
            outcome = await post(http, hook.url(), "{}", {})
    assert outcome.retry_after_s == seconds


async def test_a_date_to_wait_for_is_read_too():
    with receiver() as hook:
        hook.answers = [
            (503, {"retry-after": "Wed, 01 Jan 2199 00:00:00 GMT"}),
            (503, {"retry-after": "Sat, 01 Jan 2000 00:00:00 GMT"}),
        ]
        async with client(anywhere) as http:
            late = await post(http, hook.url(), "{}", {})
            past = await post(http, hook.url(), "{}", {})
    assert late.retry_after_s > 3600
    assert past.retry_after_s == 0
