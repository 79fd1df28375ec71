"""Ending a server that people wait at, and one server before the hosted API."""

from contextlib import asynccontextmanager

import anyio
import httpx
import pytest

from tests.acceptance.tools import answer, refusal, text_of
from tests.support.hosted_double import KEY
from tests.support.hosted_state import Ending
from tests.support.http_command import ANNA, BEN, http_server
from tests.support.waiting import WAIT_S

AGENT = "Talking head to vertical clips"
VIDEO = "https://example.org/talk.mp4"


@pytest.fixture
def server(double, tmp_path):
    """One subject before the hosted API's double, whose runs end when a test says so."""
    with http_server(
        tmp_path / "home",
        MOSAIC_HTTP_TOKENS=f"{ANNA}=anna",
        MOSAIC_API_KEY=KEY,
        MOSAIC_API_URL=double.url,
        MOSAIC_SPENDING="allow",
    ) as serving:
        yield serving


@asynccontextmanager
async def bounded():
    """What never comes is not waited for."""
    with anyio.fail_after(WAIT_S):
        yield


async def end(server) -> int:
    return await anyio.to_thread.run_sync(server.end)


class Waiting:
    """A call that waits; `told` is set when its first progress has come."""

    def __init__(self) -> None:
        self.begun = anyio.Event()
        self.result = None

    async def progress(self, *_: object) -> None:
        self.begun.set()

    async def call(self, client, tool: str, **arguments) -> None:
        self.result = await client.call_tool(tool, arguments, progress_callback=self.progress)


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_who_waits_is_told_to_ask_again_and_the_run_goes_on(server, double, mode):
    double.ending = Ending(after=None)
    async with server.client(ANNA, mode) as client:
        run = await answer(client, "run_agent", agent=AGENT, videos=[VIDEO], wait_s=0)
        waiting = Waiting()
        async with bounded(), anyio.create_task_group() as tasks:
            tasks.start_soon(
                lambda: waiting.call(
                    client, "get_run", run_id=run["run_id"], since=run["since"], wait_s=50
                )
            )
            await waiting.begun.wait()
            assert await end(server) == 0
        told = waiting.result
    assert told.is_error
    assert told.structured_content["error"]["retryable"]
    assert f"get_run(run_id='{run['run_id']}')" in text_of(told)
    assert not double.runs[run["run_id"]].ended


async def test_a_start_that_is_cut_off_is_found_again_by_the_same_call(server, double, tmp_path):
    double.ending = Ending(after=None)
    async with server.client(ANNA) as client:
        waiting = Waiting()
        async with bounded(), anyio.create_task_group() as tasks:
            tasks.start_soon(
                lambda: waiting.call(client, "run_agent", agent=AGENT, videos=[VIDEO], wait_s=50)
            )
            while not double.runs:  # noqa: ASYNC110 - the double is another thread's
                await anyio.sleep(0.01)
            await end(server)
        assert "same call again" in text_of(waiting.result)
    with http_server(
        server.home,
        MOSAIC_HTTP_TOKENS=f"{ANNA}=anna",
        MOSAIC_API_KEY=KEY,
        MOSAIC_API_URL=double.url,
        MOSAIC_SPENDING="allow",
    ) as again:
        async with again.client(ANNA) as client:
            run = await answer(client, "run_agent", agent=AGENT, videos=[VIDEO], wait_s=0)
    assert run["replayed"]
    assert list(double.runs) == [run["run_id"]]


async def test_a_call_that_does_not_wait_is_answered(server, double):
    double.fail("answer", "/agents$", status=502)  # tried again after half a second
    async with server.client(ANNA) as client:
        await client.list_tools()  # or the client would ask for the answer's schema afterwards
        told: list[object] = []

        async def look() -> None:
            told.append(await answer(client, "find_agents"))

        async with bounded(), anyio.create_task_group() as tasks:
            tasks.start_soon(look)
            while not double.seen:  # noqa: ASYNC110 - the double is another thread's
                await anyio.sleep(0.01)
            assert await end(server) == 0
    assert told


async def test_an_idle_server_ends_at_once_and_listens_no_more(server):
    assert await end(server) == 0
    with pytest.raises(httpx.ConnectError), server.http() as http:
        http.get("/mcp")


async def test_people_with_keys_of_their_own_use_the_hosted_api_each_with_theirs(double, tmp_path):
    with http_server(
        tmp_path / "home",
        MOSAIC_HTTP_TOKENS=f"{ANNA}=anna,{BEN}=ben",
        MOSAIC_HTTP_KEYS=f"anna={KEY}",
        MOSAIC_API_URL=double.url,
        MOSAIC_SPENDING="allow",
    ) as serving:
        async with serving.client(ANNA) as anna, serving.client(BEN) as ben:
            await answer(anna, "run_agent", agent=AGENT, videos=[VIDEO], wait_s=0)
            told = await refusal(ben, "find_agents")
        assert "no Mosaic API key for you" in told
        assert KEY not in told
        with serving.http(ANNA) as http:
            assert http.get("/media/renders/a/video.mp4?exp=1&sig=x").status_code == 404
            ticket = http.post("/uploads/video/get_upload_url").json()
        assert ticket["upload_url"].startswith(double.url)
