"""Intent against a real studio: agents built, runs planned and submitted over HTTP."""

import pytest

from mosaic_mcp.client import Ledger, MosaicClient
from mosaic_mcp.client.transport import quoted
from mosaic_mcp.contract.runs import RunRequest
from mosaic_mcp.errors import Forbidden, InvalidRequest
from mosaic_mcp.intent import (
    TileWish,
    VideoWish,
    build_graph,
    find_agent,
    plan_run,
    rename_agent,
    resolve_video,
    submit,
)
from mosaic_mcp.settings import Settings
from tests.support.media import picture, video

SRT = "1\n00:00:00,200 --> 00:00:01,500\nHello there.\n"


@pytest.fixture
async def client(studio):
    found = studio.discovery
    async with MosaicClient(found.url, found.token) as client:
        yield client


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path / "data", allowed_dirs=(tmp_path,))


@pytest.fixture(scope="module")
def talk(tmp_path_factory):
    return video(tmp_path_factory.mktemp("media") / "talk.mp4")


@pytest.fixture
def files(tmp_path, talk):
    (tmp_path / "talk.mp4").hardlink_to(talk)
    (tmp_path / "talk.srt").write_text(SRT)
    picture(tmp_path / "logo.png")
    return tmp_path


async def test_a_built_agent_is_found_planned_and_run(client, settings, files):
    built = await build_graph(
        client, name="Logo on top", tiles=[TileWish("Watermark", "logo", {"logo_size": 20})]
    )
    assert len(built.warnings) == 2
    plan = await plan_run(
        client,
        settings,
        agent="logo on",
        videos=[
            VideoWish(str(files / "talk.mp4"), clip="last 1 s", transcript=str(files / "talk.srt"))
        ],
        params={"logo": {"use_custom_logo": "custom", "image_id": str(files / "logo.png")}},
        labels=lambda agent_id: built.labels,
    )
    shown = await plan.preview()
    assert shown["input_clip_start_ms"] == {"from_end_ms": 1000}
    started = await submit(plan, client, Ledger(settings.home / "ledger.db"), quality="draft")
    try:
        run = await client.get_run(started.run_id)
        assert run.agent_id == built.detail.agent.id
        again = await submit(plan, client, Ledger(settings.home / "ledger.db"), quality="draft")
        assert (again.run_id, again.replayed) == (started.run_id, True)
    finally:
        await client.cancel_run(started.run_id)


async def test_a_bare_id_is_recognised_as_an_upload(client, settings, files):
    asset_id = await client.add_file(files / "talk.mp4", "video")
    plan = await plan_run(
        client, settings, agent="Caption and reframe", videos=[VideoWish(asset_id)]
    )
    assert plan.body() == {"video_ids": [asset_id]}
    assert await resolve_video(client, asset_id, settings) == ("videos", asset_id, "")


async def test_an_upload_that_is_no_video_is_refused(client, settings, files):
    asset_id = await client.add_file(files / "logo.png", "image")
    with pytest.raises(InvalidRequest, match=r"videos\[0\]: .* not a video"):
        await plan_run(client, settings, agent="Caption and reframe", videos=[VideoWish(asset_id)])


async def test_the_plan_finds_the_faults_that_the_studio_would_answer(client, settings):
    detail = await find_agent(client, "Talking head to vertical clips")
    clips = next(n for n in detail.agent_nodes if n.node_type.node_type_name == "Clips")
    body = {
        "video_urls": ["https://example.com/a.mp4"],
        "update_params": {clips.agent_node_id: {"num_clips": 99}},
        "callback_url": "nowhere",
    }
    with pytest.raises(InvalidRequest) as answered:
        await client.run(detail.agent.id, RunRequest.model_validate(body))
    with pytest.raises(InvalidRequest) as planned:
        await plan_run(
            client,
            settings,
            agent=detail.agent.name,
            videos=[VideoWish(body["video_urls"][0])],
            params={"Clips": {"num_clips": 99}},
            callback_url="nowhere",
        )
    theirs = str(answered.value).replace(f"update_params.{clips.agent_node_id}", "params.Clips")
    ours = quoted({"detail": str(planned.value)})  # a studio reached by key is told as any API
    assert ours is not None
    assert sorted(theirs.splitlines()) == sorted(ours["detail"].splitlines())


async def test_a_built_in_agent_is_not_replaced(client):
    with pytest.raises(Forbidden, match="built in"):
        await build_graph(
            client, name="X", tiles=[TileWish("Captions")], agent="Caption and reframe"
        )


async def test_an_agent_is_renamed_and_keeps_its_graph(client, settings):
    made = await build_graph(client, name="Old name", tiles=[TileWish("Captions")])
    renamed = await rename_agent(client, "Old name", "New name", "What it does")
    assert (renamed.agent.id, renamed.agent.name) == (made.detail.agent.id, "New name")
    assert renamed.agent.description == "What it does"
    assert renamed.agent_nodes == made.detail.agent_nodes


async def test_a_graph_is_replaced_and_keeps_its_agent(client):
    first = await build_graph(client, name="Changing", tiles=[TileWish("Captions")])
    second = await build_graph(
        client, name="Changed", tiles=[TileWish("Reframe"), TileWish("Captions")], agent="Changing"
    )
    assert second.detail.agent.id == first.detail.agent.id
    assert second.detail.agent.name == "Changed"
    names = [n.node_type.node_type_name for n in second.detail.agent_nodes]
    assert names == ["Reframe", "Captions", "Video Input", "Destination"]
