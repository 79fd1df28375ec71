"""Real runs as tasks of the protocol: over stdio and HTTP, and through restarts of everything."""

import os
import signal
import sys
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import httpx
import pytest
from mcp import Client, MCPError, StdioServerParameters

from mosaic_mcp.contract.extensions import Discovery
from mosaic_mcp.server import build_server
from mosaic_mcp.settings import Settings
from tests.acceptance.conftest import Talk, environment
from tests.acceptance.tools import answer
from tests.support.loopback import on_loopback
from tests.support.task_client import Handle, PollingTasks, ask, start, to_the_end
from tests.support.waiting import WAIT_S

CUT = {"agent": "Caption and reframe", "quality": "draft", "clip": "0-3"}


@asynccontextmanager
async def stdio_client(settings: Settings) -> AsyncGenerator[Client]:
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "mosaic_mcp"], env=environment(settings)
    )
    async with Client(server, extensions=[PollingTasks()]) as client:
        yield client


@pytest.fixture
def url(settings: Settings) -> Iterator[str]:
    with on_loopback(build_server(settings)) as address:
        yield address


def stop_studio(home: Path) -> None:
    """End the studio in good order, and wait until it is gone."""
    pid = Discovery.model_validate_json((home / "studio" / "studio.json").read_bytes()).pid
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + WAIT_S
    while Path(f"/proc/{pid}").exists() and "zombie" not in Path(f"/proc/{pid}/status").read_text():
        assert time.monotonic() < deadline, "the studio did not end"
        time.sleep(0.05)


@pytest.mark.long
@pytest.mark.short
async def test_a_task_outlives_the_server_and_the_studio(settings: Settings, talk: Talk):
    async with stdio_client(settings) as client:
        task = await start(client, "run_agent", videos=[talk.named], idempotency_key="a", **CUT)
        assert isinstance(task, Handle), task
    stop_studio(settings.home)
    async with stdio_client(settings) as client:
        seen = await to_the_end(client, task.task_id)
        assert seen["status"] == "completed"
        result = seen["result"]["structuredContent"]
        result.pop("warnings", None)  # how the clip was taken: told once, by the call itself
        assert result == await answer(client, "get_run", run_id=task.task_id)
    (output,) = result["outputs"]
    assert Path(output["path"]).is_file()


async def test_over_stdio_a_host_sees_the_steps_and_gets_the_result(settings: Settings, talk: Talk):
    host = PollingTasks(sleep=lambda _seconds: anyio.sleep(0.2))
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "mosaic_mcp"], env=environment(settings)
    )
    async with Client(server, extensions=[host]) as client:
        arguments = {"videos": [talk.named], "idempotency_key": "b", **CUT, "clip": "0-4"}
        result = await client.call_tool("run_agent", arguments)
    assert result.structured_content["status"] == "completed"
    assert host.messages[0].startswith("Running, ")
    assert host.messages[-1] == "Finished: 1 video ready."


async def test_over_http_the_task_is_got_by_its_name(url: str, talk: Talk):
    async with Client(url, extensions=[PollingTasks()]) as client:
        task = await start(client, "run_agent", videos=[talk.named], idempotency_key="c", **CUT)
        assert isinstance(task, Handle), task
        assert (await to_the_end(client, task.task_id))["status"] == "completed"

    def got(name: str) -> dict:
        body = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tasks/get",
            "params": {
                "taskId": task.task_id,
                "_meta": {
                    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
                    "io.modelcontextprotocol/clientCapabilities": {
                        "extensions": {"io.modelcontextprotocol/tasks": {}}
                    },
                },
            },
        }
        headers = {
            "accept": "application/json, text/event-stream",
            "mcp-protocol-version": "2026-07-28",
            "mcp-method": "tasks/get",
            "mcp-name": name,
        }
        return httpx.post(url, json=body, headers=headers, trust_env=False, timeout=WAIT_S).json()

    assert got(task.task_id)["result"]["status"] == "completed"
    assert got("another")["error"]["code"] == -32020


@pytest.mark.parametrize("task_id", ["nonsense", "../whoami", "x" * 5000, "0" * 36])
async def test_an_id_that_no_run_has_is_a_wrong_parameter(settings: Settings, task_id: str):
    async with Client(build_server(settings), extensions=[PollingTasks()]) as client:
        with pytest.raises(MCPError) as refused:
            await ask(client, "tasks/get", task_id)
    assert refused.value.code == -32602


async def test_a_cancelled_task_is_a_cancelled_run(settings: Settings, talk: Talk):
    async with stdio_client(settings) as client:
        task = await start(
            client, "run_agent", agent="Talking head to vertical clips", videos=[talk.named],
            quality="best", idempotency_key="d",
        )  # fmt: skip
        assert isinstance(task, Handle), task
        await ask(client, "tasks/cancel", task.task_id)
        seen = await ask(client, "tasks/get", task.task_id)
        run = await answer(client, "get_run", run_id=task.task_id)
    assert (seen["status"], run["status"]) == ("cancelled", "cancelled")
