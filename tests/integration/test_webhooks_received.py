"""The hosted API tells of its runs, and whoever waits for one looks at once."""

import json
import math
import socket
import subprocess
import sys
from dataclasses import replace

import anyio
import httpx
import pytest
from mcp import Client
from starlette.applications import Starlette

from mosaic_mcp.errors import InvalidRequest
from mosaic_mcp.server import build_server, waiting, webhooks
from mosaic_mcp.server.access import check_access
from mosaic_mcp.server.closing import Closing
from mosaic_mcp.server.engine import Engine
from mosaic_mcp.server.hints import Bell, Hints
from mosaic_mcp.server.http import build_app
from mosaic_mcp.settings import HttpSettings, Settings
from tests.acceptance.conftest import environment
from tests.support.hosted_double import KEY
from tests.support.hosted_state import Ending
from tests.support.hosted_webhooks import event, send
from tests.support.waiting import WAIT_S

SECRET = "a secret of the dashboard"
PUBLIC = "https://video.example.org"
VIDEO = "https://example.org/talk.mp4"
AGENT = "Talking head to vertical clips"
HEADERS = {"x-mosaic-signature": SECRET}


@pytest.fixture
def settings(double, tmp_path) -> Settings:
    return Settings(
        home=tmp_path / "home",
        api_key=KEY,
        api_url=double.url,
        ask_before_spending=False,
        webhook_secret=SECRET,
    )


@pytest.fixture
def waits(monkeypatch):
    """Waiters look again only when a webhook says so; each sends word when it begins to wait."""
    begun, seen = anyio.create_memory_object_stream[None](math.inf)
    for name in ("MAX_WAIT_S", "HEARTBEAT_S"):
        monkeypatch.setattr(waiting, name, math.inf)
    monkeypatch.setattr(waiting, "POLL_S", (math.inf,))
    wait = Bell.wait

    async def told(self: Bell, _seconds: float) -> None:
        begun.send_nowait(None)
        await wait(self, math.inf)

    monkeypatch.setattr(Bell, "wait", told)
    with begun, seen:
        yield seen


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def receiver(hints: Hints) -> httpx.AsyncClient:
    app = Starlette(routes=[webhooks.route(hints, SECRET)])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here")


@pytest.mark.parametrize("repeats", [1, 3])
async def test_a_waiting_get_run_is_woken_by_a_webhook_and_asks_the_engine(
    double, settings, waits, repeats
):
    """Without the webhook it would wait for ever; how often does not matter."""
    port = free_port()
    url = f"http://127.0.0.1:{port}{webhooks.PATH}"
    server = build_server(replace(settings, webhook_port=str(port)))
    double.ending = Ending(after=None)
    with anyio.fail_after(WAIT_S):
        async with Client(server) as client:
            said = {"agent": AGENT, "videos": [VIDEO], "callback_url": url, "wait_s": 0}
            started = await client.call_tool("run_agent", said)
            run_id = started.structured_content["run_id"]
            before = double.calls("GET", f"/agent_run/{run_id}")
            ended = []

            async def wait() -> None:
                ended.append(await client.call_tool("get_run", {"run_id": run_id, "wait_s": 50}))

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(wait)
                await waits.receive()
                assert (await send(double, run_id, "RUN_PROGRESS", SECRET)).status_code == 204
                await waits.receive()
                assert not ended, "nothing had changed: a webhook is a hint"
                double.runs[run_id].ending = Ending(after=0)
                for _ in range(repeats):
                    assert (await send(double, run_id, "RUN_FINISHED", SECRET)).status_code == 204
    assert ended[0].structured_content["status"] == "completed"
    assert double.calls("GET", f"/agent_run/{run_id}") == before + 3


async def test_what_a_webhook_tells_is_not_believed(double, settings, waits):
    """It says that the run has ended; the engine says that it goes on."""
    engine = Engine(settings)
    server = build_server(settings, engine=engine)
    double.ending = Ending(after=None)
    with anyio.fail_after(WAIT_S):
        async with Client(server) as client, receiver(engine.hints) as http:
            said = {"agent": AGENT, "videos": [VIDEO], "wait_s": 0}
            started = await client.call_tool("run_agent", said)
            run_id = started.structured_content["run_id"]
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(client.call_tool, "get_run", {"run_id": run_id, "wait_s": 50})
                await waits.receive()
                lie = event(double, run_id, "RUN_FINISHED").model_dump(mode="json")
                lie |= {"status": "completed"}
                told = await http.post(webhooks.PATH, json=lie, headers=HEADERS)
                assert told.status_code == 204
                await waits.receive()
                double.runs[run_id].cancelled = True
                await http.post(webhooks.PATH, json={"run_id": run_id}, headers=HEADERS)
            cancelled = await client.call_tool("get_run", {"run_id": run_id, "wait_s": 0})
    assert cancelled.structured_content["status"] == "cancelled"


async def test_a_hint_between_two_looks_is_not_missed():
    hints = Hints()
    with hints.of("r") as bell, anyio.fail_after(WAIT_S):
        hints.ring("r")
        await bell.wait(math.inf)
        with anyio.move_on_after(0.05) as scope:
            await bell.wait(math.inf)
        assert scope.cancelled_caught, "one ring wakes once"
    hints.ring("r")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-mosaic-signature": ""},
        {"x-mosaic-signature": SECRET[:-1]},
        {"x-mosaic-signature": SECRET + "x"},
        {"x-mosaic-signature": SECRET.upper()},
        {"x-mosaic-signature": "ключ".encode()},
        {"authorization": f"Bearer {SECRET}"},
    ],
)
async def test_a_webhook_without_the_secret_is_a_401_and_wakes_nobody(headers):
    hints, rung = Hints(), []
    hints.ring = rung.append
    async with receiver(hints) as http:
        answer = await http.post(webhooks.PATH, json={"run_id": "r"}, headers=headers)
    assert (answer.status_code, rung) == (401, [])
    assert SECRET not in answer.text


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"run_id": "nobody waits for it"}', 204),
        (b'{"flag": "TEST", "run_id": "test"}', 204),
        (b'{"run_id": "r", "flag": "A_LATER_ONE", "more": [1]}', 204),
        (b"", 400),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b"[" * 100_000, 400),
        (b'["run_id"]', 400),
        (b'{"run_id": 7}', 400),
        (b'{"run_id": "' + b"r" * webhooks.MAX_BODY + b'"}', 413),
    ],
)
async def test_what_a_webhook_may_hold(body, status):
    async with receiver(Hints()) as http:
        answer = await http.post(webhooks.PATH, content=body, headers=HEADERS)
    assert answer.status_code == status


async def test_a_webhook_is_posted_and_nothing_else():
    async with receiver(Hints()) as http:
        assert (await http.get(webhooks.PATH, headers=HEADERS)).status_code == 405


def app_of(settings: Settings, **env: str):
    http = HttpSettings.from_env({f"MOSAIC_{name}": value for name, value in env.items()})
    access = check_access(settings, http, "127.0.0.1", "http://127.0.0.1:8765")
    return access, build_app(access, Closing())


TOKENS = {"HTTP_TOKENS": "0123456789abcdef0123456789abcdef=anna"}


async def test_a_server_over_http_receives_webhooks_beside_its_tokens(settings):
    _, app = app_of(settings, PUBLIC_URL=PUBLIC, **TOKENS)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=PUBLIC) as http:
        told = await http.post(webhooks.PATH, json={"run_id": "r"}, headers=HEADERS)
        assert told.status_code == 204
        assert (await http.post(webhooks.PATH, json={"run_id": "r"})).status_code == 401
        _, without = app_of(replace(settings, webhook_secret=None), PUBLIC_URL=PUBLIC, **TOKENS)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(without), base_url=PUBLIC) as http:
        told = await http.post(webhooks.PATH, json={"run_id": "r"}, headers=HEADERS)
        assert told.status_code == 404


def test_a_server_over_http_names_itself_to_the_hosted_engine_where_that_can_reach_it(settings):
    access, _ = app_of(settings, PUBLIC_URL=PUBLIC, **TOKENS)
    assert access.settings_of("anna").callback_url == f"{PUBLIC}/webhooks/mosaic"
    others = [
        app_of(settings)[0],  # on loopback alone
        app_of(replace(settings, webhook_secret=None), PUBLIC_URL=PUBLIC, **TOKENS)[0],
        app_of(replace(settings, api_key=None), PUBLIC_URL=PUBLIC, **TOKENS)[0],
    ]
    assert [access.settings_of("anna").callback_url for access in others] == [None] * 3


async def test_a_run_without_a_callback_gets_the_servers_own(double, settings):
    double.ending = Ending(after=None)
    own = f"{PUBLIC}/webhooks/mosaic"
    async with Client(build_server(replace(settings, callback_url=own))) as client:
        for callback in (None, "https://example.org/theirs"):
            said = {"agent": AGENT, "videos": [VIDEO], "callback_url": callback, "wait_s": 0}
            await client.call_tool("run_agent", said)
    told = [run.request.callback_url for run in double.runs.values()]
    assert told == [own, "https://example.org/theirs"]


@pytest.mark.parametrize(
    ("said", "where"),
    [
        ({"webhook_port": "0"}, "MOSAIC_WEBHOOK_PORT"),
        ({"webhook_port": "http"}, "MOSAIC_WEBHOOK_PORT"),
        ({"webhook_port": "65536"}, "MOSAIC_WEBHOOK_PORT"),
        ({"webhook_port": "8766", "webhook_secret": None}, "MOSAIC_WEBHOOK_SECRET"),
    ],
)
def test_a_port_without_a_secret_or_that_is_none_is_refused_before_it_serves(settings, said, where):
    with pytest.raises(InvalidRequest) as caught:
        build_server(replace(settings, **said))
    assert [fault.where for fault in caught.value.faults] == [where]


async def test_a_port_that_is_taken_is_told_and_the_server_serves(settings, caplog):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        async with Client(build_server(replace(settings, webhook_port=port))) as client:
            assert (await client.list_tools()).tools
    assert f"port {port} cannot be used" in caplog.text


def test_a_server_over_stdio_receives_them_keeps_stdout_clean_and_ends_with_its_client(settings):
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "mosaic_mcp"],
        env={
            **environment(settings),
            "MOSAIC_WEBHOOK_PORT": str(port),
            "MOSAIC_WEBHOOK_SECRET": SECRET,
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    hello = {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "t", "version": "1"},
    }
    said = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}
    try:
        process.stdin.write(json.dumps(said) + "\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["result"]
        url = f"http://127.0.0.1:{port}{webhooks.PATH}"
        for headers, status in ((HEADERS, 204), ({}, 401)):
            told = httpx.post(url, json={"run_id": "r"}, headers=headers, trust_env=False)
            assert told.status_code == status
        out, log = process.communicate(timeout=WAIT_S)
    finally:
        process.kill()
        process.communicate()
    assert (process.returncode, out) == (0, "")
    assert "Traceback" not in log
