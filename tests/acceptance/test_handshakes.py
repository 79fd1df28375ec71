"""Raw JSON-RPC, as clients of every version of the protocol send it; no SDK in between."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx
import pytest
from mcp import Client

from mosaic_mcp.server import build_server
from mosaic_mcp.settings import Settings
from tests.acceptance.conftest import Talk, environment
from tests.acceptance.tools import answer, to_the_end
from tests.support.loopback import on_loopback
from tests.support.waiting import WAIT_S

HANDSHAKES = ["2024-11-05", "2025-06-18", "2025-11-25"]
MODERN = "2026-07-28"
VERSIONS = [*HANDSHAKES, MODERN]

META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientInfo": {"name": "raw", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


class Wire:
    """A client that writes lines and reads lines."""

    def __init__(self, process: subprocess.Popen[str], version: str) -> None:
        self.process = process
        self.version = version
        self.next_id = 0

    def tell(self, message: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self.process.stdin.flush()

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """The answer to a request; whatever else arrives before it must be a notification."""
        self.next_id += 1
        if self.version == MODERN:
            params["_meta"] = META
        self.tell({"id": self.next_id, "method": method, "params": params})
        assert self.process.stdout is not None
        for line in self.process.stdout:
            message = json.loads(line)
            assert message["jsonrpc"] == "2.0"
            if message.get("id") == self.next_id:
                return message
            assert "method" in message, line
            assert "id" not in message, line
        raise AssertionError("the server ended without an answer")

    def begin(self) -> dict[str, Any]:
        """The server's first words, by this version's rules."""
        if self.version == MODERN:
            return self.ask("server/discover")["result"]
        hello = self.ask(
            "initialize",
            protocolVersion=self.version,
            capabilities={},
            clientInfo={"name": "raw", "version": "1"},
        )["result"]
        assert hello["protocolVersion"] == self.version
        self.tell({"method": "notifications/initialized"})
        return hello

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        result = self.ask("tools/call", name=tool, arguments=arguments)["result"]
        assert not result.get("isError"), result
        return result

    def hang_up(self) -> tuple[int, str, str]:
        """Close our end; how the process ended, what it still said, and its log."""
        out, log = self.process.communicate(timeout=WAIT_S)
        return self.process.returncode, out, log


@contextmanager
def speaking(settings: Settings, version: str) -> Iterator[Wire]:
    process = subprocess.Popen(
        [sys.executable, "-m", "mosaic_mcp"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=environment(settings),
    )
    try:
        yield Wire(process, version)
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            with suppress(BrokenPipeError):
                pipe.close()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_client_of_each_version_lists_and_calls_over_stdio(settings: Settings, version: str):
    with speaking(settings, version) as wire:
        hello = wire.begin()
        assert {"tools", "prompts", "resources"} <= hello["capabilities"].keys()
        assert "run_agent" in hello["instructions"]
        tools = wire.ask("tools/list")["result"]["tools"]
        assert "run_agent" in [tool["name"] for tool in tools]
        found = wire.call("find_agents")
        assert json.loads(found["content"][0]["text"])["agents"]
        assert ("resultType" in found) == (version == MODERN)
        code, out, log = wire.hang_up()
    assert (code, out) == (0, "")
    assert "Traceback" not in log


def test_a_client_that_reads_no_more_ends_the_server_quietly(settings: Settings):
    with speaking(settings, HANDSHAKES[-1]) as wire:
        wire.begin()
        assert wire.process.stdout is not None
        assert wire.process.stderr is not None
        wire.process.stdout.close()
        wire.tell({"id": 7, "method": "tools/list", "params": {}})
        assert wire.process.stdin is not None
        wire.process.stdin.close()
        assert wire.process.wait(WAIT_S) == 0
        assert wire.process.stderr.read() == ""


@pytest.mark.parametrize("version", [HANDSHAKES[0], MODERN])
async def test_work_goes_on_when_a_client_hangs_up(settings: Settings, talk: Talk, version: str):
    with speaking(settings, version) as wire:
        wire.begin()
        started = wire.call(
            "run_agent",
            agent="Caption and reframe",
            videos=[talk.named],
            clip="1-4",
            quality="draft",
            idempotency_key=f"hang up {version}",
            wait_s=0,
        )
        run = json.loads(started["content"][0]["text"])
        assert run["status"] == "running"
        code, _, _ = wire.hang_up()
    assert code == 0
    async with Client(build_server(settings)) as client:
        ended = await to_the_end(client, await answer(client, "get_run", run_id=run["run_id"]))
    assert ended["status"] == "completed"


async def test_a_client_that_hangs_up_during_a_call_ends_the_wait_and_not_the_run(
    settings: Settings, talk: Talk
):
    with speaking(settings, HANDSHAKES[-1]) as wire:
        wire.begin()
        arguments = {
            "agent": "Caption and reframe",
            "videos": [talk.named],
            "clip": "0-5",
            "quality": "draft",
            "idempotency_key": "hang up in a call",
            "wait_s": 50,
        }
        params = {"name": "run_agent", "arguments": arguments, "_meta": {"progressToken": "p"}}
        wire.tell({"id": 99, "method": "tools/call", "params": params})
        assert wire.process.stdout is not None
        for line in wire.process.stdout:  # until the run has begun
            message = json.loads(line)
            assert message["method"] == "notifications/progress"
            if "checked" not in message["params"]["message"]:
                break
        code, _, _ = wire.hang_up()
    assert code == 0
    async with Client(build_server(settings)) as client:
        again = await answer(client, "run_agent", **{**arguments, "wait_s": 0})
        assert again["replayed"]
        assert (await to_the_end(client, again))["status"] == "completed"


def test_an_unknown_version_is_answered_with_one_that_is_spoken(settings: Settings):
    with speaking(settings, "1999-01-01") as wire:
        hello = wire.ask(
            "initialize",
            protocolVersion="1999-01-01",
            capabilities={},
            clientInfo={"name": "raw", "version": "1"},
        )["result"]
    assert hello["protocolVersion"] == HANDSHAKES[-1]


@pytest.fixture(scope="module")
def url(settings: Settings) -> Iterator[str]:
    with on_loopback(build_server(settings)) as address:
        yield address


def received(response: httpx.Response) -> dict[str, Any]:
    """The message of an answer, sent plainly or as the last event of a stream."""
    assert response.status_code == 200, response.text
    if response.headers["content-type"].startswith("application/json"):
        return response.json()
    events = [line for line in response.text.splitlines() if line.startswith("data: {")]
    return json.loads(events[-1].removeprefix("data: "))


@pytest.mark.parametrize("version", HANDSHAKES)
def test_a_client_of_each_handshake_version_lists_and_calls_over_http(url: str, version: str):
    headers = {"accept": "application/json, text/event-stream"}
    with httpx.Client(headers=headers, trust_env=False, timeout=WAIT_S) as http:

        def ask(method: str, **params: Any) -> dict[str, Any]:
            body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
            return received(http.post(url, json=body))["result"]

        client = {"name": "raw", "version": "1"}
        body = {"protocolVersion": version, "capabilities": {}, "clientInfo": client}
        message = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": body}
        hello = http.post(url, json=message)
        assert received(hello)["result"]["protocolVersion"] == version
        http.headers["mcp-session-id"] = hello.headers["mcp-session-id"]
        http.headers["mcp-protocol-version"] = version
        initialized = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        assert http.post(url, json=initialized).status_code == 202
        assert "run_agent" in [tool["name"] for tool in ask("tools/list")["tools"]]
        assert ask("tools/call", name="find_agents", arguments={})["structuredContent"]["agents"]


def test_a_modern_client_lists_and_calls_over_http_without_a_session(url: str):
    headers = {
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": MODERN,
    }
    with httpx.Client(headers=headers, trust_env=False, timeout=WAIT_S) as http:

        def ask(method: str, name: str | None = None, **params: Any) -> dict[str, Any]:
            routing = {"mcp-method": method, **({"mcp-name": name} if name else {})}
            params |= {"_meta": META, **({"name": name} if name else {})}
            body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
            response = http.post(url, json=body, headers=routing)
            assert "mcp-session-id" not in response.headers
            return received(response)["result"]

        assert MODERN in ask("server/discover")["supportedVersions"]
        assert "run_agent" in [tool["name"] for tool in ask("tools/list")["tools"]]
        found = ask("tools/call", "find_agents", arguments={})
        assert found["structuredContent"]["agents"]
