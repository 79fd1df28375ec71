"""Three MCP servers and a script on one data folder: one studio, the same runs."""

import sys
import time
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import httpx
import pytest
from mcp import Client, StdioServerParameters

from mosaic_mcp.contract.extensions import PREFIX, Discovery
from mosaic_mcp.settings import Settings
from tests.acceptance.conftest import Talk, end_studio, environment
from tests.acceptance.tools import answer, to_the_end
from tests.support.studio_runs import processes_in
from tests.support.waiting import WAIT_S

HERE = {"agent": "Caption and reframe", "skip": ["Captions"], "quality": "draft"}


@pytest.fixture
def fresh(tmp_path: Path, folder: Path):
    """A data folder that no studio serves yet."""
    home = tmp_path / "home"
    yield Settings(home=home, allowed_dirs=(folder,))
    end_studio(home)


def studios(home: Path) -> set[int]:
    """The studio processes of a data folder: they work in it."""
    found: set[int] = set()
    for pid in processes_in(home):
        with suppress(OSError):
            said = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if b"mosaic_mcp.studio" in said:
                found.add(pid)
    return found


def until_only(home: Path, pid: int) -> None:
    """Wait until those that came too late have left."""
    deadline = time.monotonic() + WAIT_S
    while studios(home) != {pid}:
        assert time.monotonic() < deadline, f"studios {studios(home)}, announced is {pid}"
        time.sleep(0.05)


async def server(settings: Settings, stack: AsyncExitStack) -> Client:
    command = StdioServerParameters(
        command=sys.executable, args=["-m", "mosaic_mcp"], env=environment(settings)
    )
    return await stack.enter_async_context(Client(command))


@pytest.mark.long
@pytest.mark.short
async def test_servers_and_a_script_that_begin_at_once_share_one_studio_and_its_runs(
    fresh: Settings, talk: Talk
):
    async with AsyncExitStack() as stack:
        clients = [await server(fresh, stack) for _ in range(4)]
        async with anyio.create_task_group() as first_calls:
            for client in clients:
                first_calls.start_soon(answer, client, "list_runs")
        found = Discovery.model_validate_json((fresh.home / "studio/studio.json").read_bytes())
        await anyio.to_thread.run_sync(until_only, fresh.home, found.pid)

        made: dict[int, dict[str, Any]] = {}

        async def use(number: int, client: Client) -> None:
            clip = {"source": str(talk.video), "clip": f"0:0{number}-0:0{number + 1}"}
            run = await answer(client, "run_agent", **HERE, videos=[clip])
            made[number] = await to_the_end(client, run)

        async with anyio.create_task_group() as users:
            for number, client in enumerate(clients[:3]):
                users.start_soon(use, number, client)
        assert {run["status"] for run in made.values()} == {"completed"}
        ids = {run["run_id"] for run in made.values()}
        assert len(ids) == 3

        for client in clients:
            listed = await answer(client, "list_runs")
            assert {run["run_id"] for run in listed["runs"]} == ids
        headers = {"authorization": f"Bearer {found.token}"}
        async with httpx.AsyncClient(base_url=found.url, headers=headers, trust_env=False) as http:
            listed = (await http.get("/agent_runs")).json()
            assert {run["run_id"] for run in listed["runs"]} == ids
            seen = await http.get(f"{PREFIX}/runs/{ids.copy().pop()}/watch")
            assert seen.json()["run"]["status"] == "completed"
        assert studios(fresh.home) == {found.pid}
