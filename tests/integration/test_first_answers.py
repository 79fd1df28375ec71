"""What somebody is answered who does not know the tools yet."""

from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from mosaic_mcp.contract.extensions import PREFIX
from mosaic_mcp.server import build_server
from mosaic_mcp.settings import Settings
from tests.acceptance.tools import answer, to_the_end
from tests.support.media import video

SRT = "1\n00:00:00,000 --> 00:00:02,000\nHello wonderful gardeners everywhere.\n"
RANGED = {"ranges": [{"start_ms": 300, "end_ms": 1500}]}


@pytest.fixture
def settings(studio, tmp_path: Path) -> Settings:
    return Settings(home=studio.home, allowed_dirs=(tmp_path,))


@pytest.fixture
def call(settings):
    async def tool(name: str, /, **arguments: Any) -> dict[str, Any]:
        async with Client(build_server(settings)) as client:
            return (await client.call_tool(name, arguments)).structured_content or {}

    return tool


@pytest.mark.parametrize(
    ("query", "best"),
    [
        ("podcast", "Long video to shorts"),
        ("captions karaoke", "Captions only"),
        ("captioning", "Caption and reframe"),
        ("vertical clips from my podcast", "Talking head to vertical clips"),
        ("color correction", "Clean up raw footage"),  # by its tiles
    ],
)
async def test_agents_are_found_by_what_people_call_things(call, query, best):
    found = await call("find_agents", query=query)
    assert best in [agent["name"] for agent in found["agents"]]


async def test_a_search_without_a_match_says_so(call):
    found = await call("find_agents", query="zymurgy")
    assert found["agents"] == []
    assert found["next"].startswith("Nothing matches 'zymurgy'.")


async def test_the_next_call_of_a_new_agent_is_one_that_can_be_made(call):
    cut = await call("build_agent", name="Cut", tiles=["Clips"])
    assert cut["next"] == f"run_agent(agent='{cut['agent_id']}', videos=[…])"
    made = await call("build_agent", name="Film", tiles=["Video Generation"])
    assert made["next"] == f"run_agent(agent='{made['agent_id']}')"
    dubbed = await call("build_agent", name="Dubbed", tiles=["Voice"])
    assert dubbed["next"].endswith("videos=[…], skip=['Voice'])")
    face = await call("build_agent", name="Face", tiles=["AI Avatar"])
    assert "run_agent" not in face["next"]
    assert "hosted engine" in face["next"]
    assert "AI Avatar: the local studio cannot do this tile." in face["warnings"]
    refused = (await call("run_agent", agent=face["agent_id"]))["error"]
    assert "skip" not in refused["message"]
    assert refused["message"].count("hosted engine") == 1


async def test_ranges_that_cut_a_word_and_parts_that_are_not_there_are_told(
    settings, local, tmp_path
):
    talk = video(tmp_path / "talk.mp4", seconds=2)
    sent = local.post(f"{PREFIX}/files", json={"path": str(talk), "asset_type": "video"}).json()
    given = f"video:{sent['asset_id']}"
    words = {"text": SRT}
    local.put(f"{PREFIX}/videos/{sent['asset_id']}/transcript", json=words).raise_for_status()
    async with Client(build_server(settings)) as client:
        tile = {"tile": "Clips", "params": RANGED}
        agent = (await answer(client, "build_agent", name="Chosen", tiles=[tile]))["agent_id"]
        shown = await answer(client, "run_agent", agent=agent, videos=[given], dry_run=True)
        assert any("ends at 1.50 s, inside the word 'everywhere.'" in w for w in shown["warnings"])
        late = {"agent": "Captions only", "videos": [str(talk)], "clip": "70-80", "dry_run": True}
        refused = (await client.call_tool("run_agent", late)).structured_content["error"]
        assert "the part begins at 70.000 s, but talk.mp4 lasts 2.000 s" in refused["message"]
        run = await answer(
            client, "run_agent", agent=agent, videos=[given], quality="draft", wait_s=50
        )
        run = await to_the_end(client, run)
        told = [w for w in run["warnings"] if "inside the word" in w]
        assert len(told) == 1, "told once, though the plan foresaw it"
        assert told[0].startswith("Clips: clip 1 ends at 1.52 s, inside the word 'everywhere.'")
        output = run["outputs"][0]["output_id"]
        late = await client.call_tool("view_output", {"output_id": output, "at": 1.2})
        error = late.structured_content["error"]
        assert "1.2 s is behind the end: the video lasts 1.200 s." in error["message"]
        assert error["faults"][0]["remedy"] == "The last frame is at=1.160."
        assert "Nothing was started" not in str(error)
        seen = await client.call_tool("view_output", {"output_id": output, "at": 1.16})
        assert not seen.is_error
        odd = await client.call_tool("view_output", {"output_id": output, "at": -1})
        assert "Nothing was started" not in str(odd.structured_content)
