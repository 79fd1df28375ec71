"""Calls that would take too long, on real engines: in time, with what is known, nothing lost."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from mosaic_mcp.server import build_server
from mosaic_mcp.server.engine import Engine
from mosaic_mcp.settings import Settings
from mosaic_mcp.studio.lock import FolderLock
from tests.acceptance.conftest import end_studio
from tests.support.hosted_double import KEY, Ending
from tests.support.media import video

AGENT = "Talking head to vertical clips"
CALL_S = 1.0
Connect = Callable[..., AbstractAsyncContextManager[Client]]


@asynccontextmanager
async def connected(settings: Settings, call_s: float = CALL_S) -> AsyncIterator[Client]:
    """A server whose calls may take a second where others' may take 50."""
    async with Client(build_server(settings, engine=Engine(settings, call_s=call_s))) as client:
        yield client


@pytest.fixture
def hosted(double, tmp_path) -> Settings:
    return Settings(
        home=tmp_path / "home",
        api_key=KEY,
        api_url=double.url,
        allowed_dirs=(tmp_path,),
        ask_before_spending=False,
    )


async def timed(client: Client, tool: str, **arguments: Any) -> tuple[Any, float]:
    began = time.monotonic()
    told = await client.call_tool(tool, arguments)
    return told, time.monotonic() - began


async def patiently(client: Client, tool: str, **arguments: Any) -> tuple[dict[str, Any], list]:
    """Do as each answer says, "the same call again": the outcome, and those answers."""
    again: list[dict[str, Any]] = []
    while len(again) < 60:
        told, took = await timed(client, tool, **arguments)
        assert took < 10 * CALL_S, "far less than what the work takes when it hangs"
        facts = told.structured_content
        following = facts.get("error", facts).get("next", "")
        if not following.startswith("the same call again"):
            assert not told.is_error, told.content
            return facts, again
        if told.is_error:
            assert facts["error"]["code"] == "still_working", told.content
        again.append(facts)
    raise AssertionError("it does not end")


async def test_an_engine_that_hangs_is_told_in_time_and_the_same_call_joins(hosted, double):
    double.fail("hang", "/agents$")
    async with connected(hosted) as client:
        told, took = await timed(client, "find_agents")
        assert took < 10 * CALL_S
        error = told.structured_content["error"]
        assert (error["code"], error["retryable"]) == ("still_working", True)
        assert "find_agents takes longer than a call may. It goes on." in told.content[0].text
        told, _ = await timed(client, "find_agents")
        assert double.calls("GET", "/agents") == 1, "it was joined, not begun anew"


async def test_a_full_wait_ends_with_the_run_at_hand_however_long_the_start_took(hosted, double):
    double.ending = Ending(after=None)
    async with connected(hosted) as client:
        wish = {"agent": AGENT, "videos": ["https://example.com/v.mp4"], "wait_s": 50}
        run, _ = await patiently(client, "run_agent", **wish)
    assert run["status"] == "running"
    assert run["next"].startswith(f"get_run(run_id='{run['run_id']}'")


async def test_videos_that_are_saved_for_long_are_listed_meanwhile(hosted, double, tmp_path):
    double.ending = Ending(outputs=2)
    async with connected(hosted) as client:
        wish = {"agent": AGENT, "videos": ["https://example.com/v.mp4"]}
        run, _ = await patiently(client, "run_agent", **wish, wait_s=0)
        while run["status"] == "running":
            run, _ = await patiently(client, "get_run", run_id=run["run_id"])
        slow = double.hold(r"\.mp4$")
        said = {"run_id": run["run_id"], "save_to": str(tmp_path / "kept")}
        told, took = await timed(client, "list_outputs", **said)
        assert took < 10 * CALL_S
        listed = told.structured_content
        assert len(listed["outputs"]) == 2
        assert all(line["url"] and "saved_to" not in line for line in listed["outputs"])
        assert listed["note"].startswith("Still saving")
        assert listed["next"].startswith("the same call again")
        slow.set()
        done, _ = await patiently(client, "list_outputs", **said)
    saved = [Path(line[key]) for line in done["outputs"] for key in ("saved_to", "timeline_zip")]
    assert sorted(saved) == sorted((tmp_path / "kept").iterdir())
    assert len(set(saved)) == 4


async def test_hashing_large_files_for_a_dry_run_is_joined(hosted, double, tmp_path):
    with (tmp_path / "long.mp4").open("wb") as file:
        file.truncate(1 << 30)  # read as zeros, in about a second
    wish = {"agent": AGENT, "videos": [str(tmp_path / "long.mp4")], "dry_run": True}
    async with connected(hosted, call_s=0.3) as client:
        shown, again = await patiently(client, "run_agent", **wish)
    reading = [facts["summary"] for facts in again if facts.get("status") == "reading"]
    assert "1 file(s) for their hashes, 1074 MB in all" in reading[0]
    assert shown["status"] == "dry_run"
    assert shown["confirm"]
    assert (double.uploads, double.runs) == ({}, {})


@pytest.mark.long
@pytest.mark.short
async def test_a_studio_that_does_not_start_and_one_that_listens_long_are_told_in_time(tmp_path):
    """Its lock is held, as by a studio that does not end; then a first transcript is made."""
    home = tmp_path / "home"
    (home / "studio").mkdir(parents=True)
    lock = FolderLock(home / "studio" / "studio.lock")
    assert lock.take()
    settings = Settings(home=home, allowed_dirs=(tmp_path,))
    talk = video(tmp_path / "talk.mp4", seconds=6)
    async with connected(settings) as client:
        try:
            told, took = await timed(client, "find_agents")
            assert took < 10 * CALL_S
            assert told.structured_content["error"]["code"] == "still_working"
            lock.release()
            found, again = await patiently(client, "find_agents")
            assert found["agents"]
            assert again
            read, again = await patiently(client, "read_transcript", video=str(talk))
            assert read["source"] == "pocketsphinx"
            assert again, "for this test: recognising took longer than a call"
        finally:
            end_studio(home)
