"""What this studio cannot do is said before a run is made, by its parameter."""

import httpx
import pytest
from mcp import Client
from test_rest_runs import make_agent, run

from mosaic_mcp.server import build_server
from mosaic_mcp.settings import Settings
from tests.support.media import video

WRONG = {"script": "Hello there.", "script_mode": "auto", "voice": "morgan"}


@pytest.fixture(scope="module")
def spoken(studio, tmp_path_factory):
    """`(client, agent, its nodes, a video)`: a voice-over on a video."""
    path = video(tmp_path_factory.mktemp("media") / "talk.mp4")
    with studio.client() as client:
        agent_id, nodes = make_agent(client, "Video Input", "AI Voiceover")
        asset = client.post("/studio/v1/files", json={"path": str(path), "asset_type": "video"})
        yield client, agent_id, nodes, asset.json()["asset_id"]


def runs(client: httpx.Client) -> list[str]:
    return [run["run_id"] for run in client.get("/agent_runs").json()["runs"]]


def test_a_run_is_refused_with_every_parameter_that_cannot_be_had(spoken):
    client, agent_id, nodes, asset = spoken
    before = runs(client)
    answer = run(client, agent_id, {"video_ids": [asset], "update_params": {nodes[1]: WRONG}})
    assert answer.status_code == 400
    said = answer.json()["detail"]
    assert f"update_params.{nodes[1]}.script_mode: The local studio does not write scripts" in said
    assert f"update_params.{nodes[1]}.voice: " in said
    assert "'morgan'" in said
    assert runs(client) == before


async def test_a_dry_run_names_them_as_the_caller_did(spoken, studio):
    _, agent_id, _, asset = spoken

    async def planned(**voiceover: str):
        params = {"AI Voiceover": {"script": "Hello there.", **voiceover}}
        arguments = {"agent": agent_id, "videos": [f"video:{asset}"], "params": params}
        async with Client(build_server(Settings(home=studio.home))) as client:
            return await client.call_tool("run_agent", {**arguments, "dry_run": True})

    refused = await planned(voice="morgan", script_mode="auto")
    assert refused.is_error
    text = refused.content[0].text
    assert "params.AI Voiceover.voice" in text
    assert "params.AI Voiceover.script_mode" in text
    assert "leave the node out: skip" in text
    assert not (await planned(voice="british")).is_error


@pytest.mark.parametrize(
    ("tile", "params", "where"),
    [
        ("Audio Generation", {"script": "Hello.", "voice_id": "morgan"}, "voice_id"),
        ("Audio Generation", {"mode": "music", "music_length_ms": 900_000}, "music_length_ms"),
        (
            "Image Generation",
            {"prompt": "A hill", "selected_context": {"a": [1]}},
            "selected_context",
        ),
        ("Video Generation", {"prompt": "A hill", "duration": "600"}, "duration"),
        ("Video Generation", {"prompt": "A hill", "aspect_ratio": "7:1"}, "aspect_ratio"),
        ("AI Content Generation", {"prompt": "  "}, "prompt"),
    ],
)
def test_what_a_tile_does_not_make_is_found_by_asking(studio, tile, params, where):
    with studio.client() as client:
        agent_id, (node,) = make_agent(client, tile)
        url = f"/studio/v1/agents/{agent_id}/check"
        found = client.post(url, json={"update_params": {node: params}}).json()["faults"]
        assert [fault["where"] for fault in found] == [f"update_params.{node}.{where}"]
        assert all(fault["remedy"] for fault in found)


CANNOT = {
    "Voice": "translating speech, keeping the speaker's voice",
    "AI Augment": "needs a hosted video-to-video model",
    "AI Avatar": "A face that speaks",
}


@pytest.mark.parametrize("tile", CANNOT)
def test_a_run_with_a_tile_that_the_studio_does_not_do_is_refused_before_it_is_made(spoken, tile):
    client, *_, asset = spoken
    agent_id, nodes = make_agent(client, "Video Input", "Mirror", tile)
    saved = {"AI Augment": {"instructions": "Make it snow"}}.get(tile, {})
    body = {"video_ids": [asset], "update_params": {nodes[2]: saved}}
    before = runs(client)
    answer = run(client, agent_id, body)
    assert answer.status_code == 400
    said = answer.json()["detail"]
    assert f"agent.{nodes[2]}: {tile} cannot be done by the local studio." in said
    assert CANNOT[tile] in said
    assert "MOSAIC_API_KEY" in said
    # A run cannot do without what makes its videos.
    assert (f'ignore_nodes=["{nodes[2]}"] leaves it out.' in said) == (tile != "AI Avatar")
    assert runs(client) == before
    found = client.post(f"/studio/v1/agents/{agent_id}/check", json=body).json()["faults"]
    assert [fault["where"] for fault in found] == [f"agent.{nodes[2]}"]
    assert found[0]["what"] in said


def test_every_tile_that_the_studio_does_not_do_is_named_at_once(spoken):
    client, *_, asset = spoken
    agent_id, nodes = make_agent(client, "Video Input", "Voice", "AI Augment")
    said = run(client, agent_id, {"video_ids": [asset]}).json()["detail"]
    assert all(f"agent.{node}: " in said for node in nodes[1:])
    assert "instructions" in said


def test_without_the_tile_that_the_studio_does_not_do_the_run_is_made(spoken):
    client, *_, asset = spoken
    agent_id, nodes = make_agent(client, "Video Input", "Mirror", "Voice")
    body = {"video_ids": [asset], "ignore_nodes": [nodes[2]]}
    answer = run(client, agent_id, body)
    assert answer.status_code == 200, answer.text
    client.post(f"/agent_run/{answer.json()['run_id']}/cancel")


def test_a_trigger_beside_the_run_is_no_reason_to_refuse_it(spoken):
    client, *_, asset = spoken
    agent_id, _ = make_agent(client, "YouTube Trigger", "Video Input", "Mirror")
    answer = run(client, agent_id, {"video_ids": [asset]})
    assert answer.status_code == 200, answer.text
    client.post(f"/agent_run/{answer.json()['run_id']}/cancel")


async def test_a_plan_names_it_once_as_the_caller_calls_it(spoken, studio):
    client, *_, asset = spoken
    agent_id, nodes = make_agent(client, "Video Input", "Voice")
    async with Client(build_server(Settings(home=studio.home))) as session:
        arguments = {"agent": agent_id, "videos": [f"video:{asset}"], "dry_run": True}
        answer = await session.call_tool("run_agent", arguments)
    text = answer.content[0].text
    assert text.count("cannot be done by the local studio") == 1
    assert "agent.Voice: " in text
    assert "skip=['Voice'] leaves it out." in text
    assert nodes[1] not in text


def test_another_owners_agent_cannot_be_asked_about(spoken, ben):
    assert ben.post(f"/studio/v1/agents/{spoken[1]}/check", json={}).status_code == 404
