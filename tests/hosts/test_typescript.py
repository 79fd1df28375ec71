"""The TypeScript SDK's clients, with all their defaults, follow a run to its end.

A request of theirs ends after 60 s, progress or not, and they ask for no progress: what keeps a
long run alive is that every answer comes in time and names the next call.
"""

import json
import shutil
import subprocess
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

import mosaic_mcp
from mosaic_mcp.settings import Settings
from tests.support.hosted_double import KEY, hosted_double
from tests.support.hosted_state import Ending
from tests.support.node import node, npm_folder
from tests.support.ours import Ours, over_http, over_stdio
from tests.support.waiting import PROGRAM_S

pytestmark = pytest.mark.hosts

SDKS = {1: "@modelcontextprotocol/sdk@1.32.2", 2: "@modelcontextprotocol/client@2.4.0"}
SAMPLE = Path(mosaic_mcp.__file__).parent / "sample"


def follow(sdk: int, ours: Ours, **order: Any) -> list[dict[str, Any]]:
    """The calls of a client of that SDK, up to the answer that named no other."""
    command, *args = ours.command
    server = {"url": ours.url} if ours.url else {"command": command, "args": args, "env": ours.env}
    order = {"sdk": sdk, "server": server, "tool": "run_agent", **order}
    script = Path(__file__).with_name("follow.mjs")
    done = subprocess.run(
        [node(), script, npm_folder(SDKS[sdk]), json.dumps(order)],
        check=False,
        capture_output=True,
        text=True,
        timeout=PROGRAM_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads(done.stdout)
    if sdk == 2:
        assert said["version"] == "2026-07-28"
    return said["calls"]


def follow_hosted(sdk: int, folder: Path, seconds: float, wait_s: float | None = None) -> list[str]:
    """The tools that were called in a run that takes `seconds` on the hosted API.

    Version 1 starts our server, version 2 finds it at an address. `wait_s` bounds every wait.
    """
    (folder / "talk.mp4").write_bytes(b"a talk" * 1000)
    arguments = {"agent": "Talking head to vertical clips", "videos": [str(folder / "talk.mp4")]}
    order: dict[str, Any] = {"arguments": arguments}
    if wait_s:
        order = {"arguments": {**arguments, "wait_s": wait_s}, "wait_s": wait_s}
    with hosted_double() as double:
        double.ending = Ending(seconds=seconds)
        settings = Settings(
            home=folder / "home",
            api_key=KEY,
            api_url=double.url,
            allowed_dirs=(folder,),
            ask_before_spending=False,
        )
        face = nullcontext(over_stdio(settings)) if sdk == 1 else over_http(settings)
        with face as ours:
            calls = follow(sdk, ours, **order)
        assert [call for call in calls if call["result"].get("isError")] == []
        assert len(double.runs) == 1
    assert sum(call["seconds"] for call in calls) > seconds
    said = [call["result"].get("structuredContent", {}) for call in calls]
    assert [s["status"] for s in said if "run_id" in s][-2:] == ["completed", "completed"]
    return [call["tool"] for call in calls]


@pytest.mark.short
@pytest.mark.parametrize("sdk", SDKS)
def test_a_client_that_knows_only_next_follows_a_run_to_its_pictures(sdk: int, tmp_path: Path):
    tools = follow_hosted(sdk, tmp_path, 10, wait_s=2)
    assert tools[0] == "run_agent"
    assert tools[1:-2] == ["get_run"] * (len(tools) - 3)
    assert len(tools) > 6
    assert tools[-2:] == ["list_outputs", "view_output"]


@pytest.mark.short
@pytest.mark.parametrize("sdk", SDKS)
def test_a_failure_is_a_result_to_a_client_that_checks_results(sdk: int, stdio: Ours):
    (call,) = follow(sdk, stdio, tool="get_run", arguments={"run_idd": "r1"})
    assert call["result"]["isError"]
    assert "Did you mean 'run_id'?" in call["result"]["content"][0]["text"]


@pytest.mark.long
@pytest.mark.parametrize("sdk", SDKS)
def test_a_run_of_three_minutes_outlives_requests_of_sixty_seconds(sdk: int, tmp_path: Path):
    tools = follow_hosted(sdk, tmp_path, 180)
    assert tools.count("get_run") >= 4


@pytest.mark.long
@pytest.mark.parametrize("sdk", SDKS)
def test_the_studio_s_own_work_is_followed_to_its_pictures(sdk: int, settings: Settings):
    folder = settings.allowed_dirs[0] / f"sdk{sdk}"
    shutil.copytree(SAMPLE, folder)
    talk = {"source": str(folder / "talk.mp4"), "transcript": str(folder / "talk.srt")}
    wish = {"agent": "Talking head to vertical clips", "videos": [talk], "wait_s": 1}
    calls = follow(sdk, over_stdio(settings), arguments=wish, wait_s=3)
    assert len([c for c in calls if c["tool"] == "get_run"]) > 2
    (picture, *_) = calls[-1]["result"]["content"]
    assert (calls[-1]["tool"], picture["type"]) == ("view_output", "image")
