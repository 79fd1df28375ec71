"""One wish, one run: whoever asks at the same moment, and whoever dies before the answer."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from socket import create_server
from typing import Any

import anyio
import httpx
import pytest
import uvicorn
from mcp import Client
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mosaic_mcp.server import build_server
from mosaic_mcp.settings import Settings
from tests.support.hosted_double import KEY
from tests.support.hosted_faults import Fault, Faulty
from tests.support.hosted_state import Ending
from tests.support.ours import over_stdio
from tests.support.waiting import WAIT_S

MANY = 20
VIDEO = "https://example.org/talk.mp4"
AGENT = "Talking head to vertical clips"
WISH = {"agent": AGENT, "videos": [VIDEO], "wait_s": 0}


def settings_of(home: Path, url: str, key: str) -> Settings:
    return Settings(home=home, api_key=key, api_url=url, ask_before_spending=False)


async def at_once(settings: Settings, wish: dict[str, Any]) -> list[dict[str, Any]]:
    """The answers to the same call of many servers on one data folder."""
    answers: list[dict[str, Any]] = []

    async def caller() -> None:
        async with Client(build_server(settings)) as client:
            answer = await client.call_tool("run_agent", wish)
            assert not answer.is_error, answer.content
            answers.append(answer.structured_content)

    async with anyio.create_task_group() as callers:
        for _ in range(MANY):
            callers.start_soon(caller)
    return answers


@pytest.mark.chaos
@pytest.mark.short
@pytest.mark.parametrize("key", [None, "chosen"])
async def test_equal_calls_of_many_servers_start_one_hosted_run(double, tmp_path, key):
    double.ending = Ending(after=None)
    wish = WISH | ({"idempotency_key": key} if key else {})
    answers = await at_once(settings_of(tmp_path, double.url, KEY), wish)
    assert {answer["run_id"] for answer in answers} == set(double.runs)
    assert (len(double.runs), double.calls("POST", "/run")) == (1, 1)
    assert sum("replayed" not in answer for answer in answers) == 1


@pytest.mark.chaos
@pytest.mark.short
async def test_equal_calls_of_many_servers_start_one_run_of_the_studio(studio, anna, tmp_path):
    settings = settings_of(tmp_path, studio.discovery.url, "mk_anna")
    answers = await at_once(settings, WISH | {"idempotency_key": "many servers"})
    [run_id] = {answer["run_id"] for answer in answers}
    runs = anna.get("/agent_runs", params={"limit": 100}).json()["runs"]
    agent = next(run["agent_id"] for run in runs if run["run_id"] == run_id)
    assert [run["run_id"] for run in runs if run["agent_id"] == agent] == [run_id]


def test_equal_requests_at_the_same_moment_are_one_run_of_the_studio(ben):
    agents = ben.get("/agents").json()["agents"]
    agent = next(a["id"] for a in agents if a["name"] == AGENT)
    start = threading.Barrier(MANY)

    def post(number: int) -> httpx.Response:
        start.wait(WAIT_S)
        body = {"video_urls": [VIDEO]}
        headers = {"idempotency-key": "many requests"}
        return ben.post(f"/agent/{agent}/run", json=body, headers=headers)

    with ThreadPoolExecutor(MANY) as pool:
        answers = list(pool.map(post, range(MANY)))
    assert {answer.status_code for answer in answers} == {200}
    [run_id] = {answer.json()["run_id"] for answer in answers}
    runs = ben.get(f"/agent/{agent}/runs").json()["runs"]
    assert [run["run_id"] for run in runs] == [run_id]
    # One that comes later, and one with another body.
    assert post_one(ben, agent, VIDEO).json() == {"run_id": run_id}
    other = post_one(ben, agent, f"{VIDEO}?other")
    assert (other.status_code, other.json()["error"]) == (409, "conflict")


def post_one(client: httpx.Client, agent: str, video: str) -> httpx.Response:
    headers = {"idempotency-key": "many requests"}
    return client.post(f"/agent/{agent}/run", json={"video_urls": [video]}, headers=headers)


class Server:
    """Our server as a chat client starts it: raw lines, so that it can be killed in a call."""

    def __init__(self, settings: Settings) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mosaic_mcp"],
            env=over_stdio(settings).env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        hello = {"protocolVersion": "2025-11-25", "capabilities": {}}
        self.ask("initialize", **hello, clientInfo={"name": "t", "version": "1"})
        assert self.answer()["protocolVersion"]

    def ask(self, method: str, **params: Any) -> None:
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            message = json.loads(line)
            if "result" in message:
                return message["result"]
        raise AssertionError("the server ended without an answer")


@contextmanager
def serving(settings: Settings) -> Iterator[Server]:
    server = Server(settings)
    try:
        yield server
    finally:
        server.process.kill()
        server.process.communicate()


@contextmanager
def in_between(url: str) -> Iterator[tuple[str, Faulty, threading.Event]]:
    """A way to the engine at `url` on which answers can be lost; set once a run was made."""
    done = threading.Event()

    async def forward(request: Request) -> Response:
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=WAIT_S) as http:
            headers = {k: v for k, v in request.headers.items() if k != "host"}
            target = httpx.URL(path=request.url.path, query=request.url.query.encode())
            answer = await http.request(
                request.method, target, content=await request.body(), headers=headers
            )
        if request.method == "POST" and request.url.path.endswith("/run"):
            done.set()
        return Response(answer.content, answer.status_code, media_type="application/json")

    faulty = Faulty(Starlette(routes=[Route("/{path:path}", forward, methods=["GET", "POST"])]))
    config = uvicorn.Config(
        faulty, log_config=None, log_level="critical", lifespan="off", ws="none",
        timeout_graceful_shutdown=1,
    )  # fmt: skip
    with create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", faulty, done
        finally:
            server.should_exit = True
            thread.join()


def remembered(settings: Settings) -> list[tuple[str, str | None, bool]]:
    """State, run and whether there is a hash, of every request in the ledger."""
    with closing(sqlite3.connect(settings.ledger)) as database:
        rows = database.execute("select state, run_id, hash from requests").fetchall()
    return [(state, run_id, len(digest) == 64) for state, run_id, digest in rows]


@pytest.mark.chaos
@pytest.mark.short
@pytest.mark.parametrize("key", [None, "chosen"])
@pytest.mark.parametrize("engine", ["hosted", "studio"])
def test_a_server_killed_between_the_post_and_its_answer_finds_the_run_at_the_next_call(
    double, studio, anna, tmp_path, engine, key
):
    double.ending = Ending(after=None)
    behind, api_key = (double.url, KEY) if engine == "hosted" else (studio.discovery.url, "mk_anna")
    with in_between(behind) as (url, way, made):
        settings = settings_of(tmp_path, url, api_key)
        wish = WISH | ({"idempotency_key": f"{engine} {key}"} if key else {})
        wish |= {"videos": [f"{VIDEO}?{engine}&{key}"]}
        way.faults.append(Fault("hang", "/run$", method="POST"))
        with serving(settings) as server:
            server.ask("tools/call", name="run_agent", arguments=wish)
            assert made.wait(WAIT_S)
            assert remembered(settings) == [("sent", None, True)]
            os.kill(server.process.pid, signal.SIGKILL)
        with serving(settings) as server:
            server.ask("tools/call", name="run_agent", arguments=wish)
            answer = server.answer()["structuredContent"]
        assert answer["replayed"] is True
        posts = [s for s in way.seen if s.method == "POST" and s.path.endswith("/run")]
        assert len(posts) == 1
        state = "guessed" if engine == "hosted" else "accepted"
        assert remembered(settings) == [(state, answer["run_id"], True)]
    if engine == "hosted":
        assert list(double.runs) == [answer["run_id"]]
    else:
        assert anna.get(f"/agent_run/{answer['run_id']}").status_code == 200
