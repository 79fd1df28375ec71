"""From words to a request: what the tools understand, and how they refuse."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from mcp import Client

from mosaic_mcp.contract.builtin import BUILTIN_AGENTS
from mosaic_mcp.server import build_server
from mosaic_mcp.settings import Settings
from tests.acceptance.conftest import Talk
from tests.acceptance.tools import answer, refusal, to_the_end


@pytest.fixture(params=["legacy", "auto"])
async def client(settings: Settings, request: pytest.FixtureRequest) -> AsyncIterator[Client]:
    async with Client(build_server(settings), mode=request.param) as client:
        yield client


async def test_agents_can_be_listed_searched_and_described(client: Client):
    everything = await answer(client, "find_agents")
    assert "Captions (approximate)" in everything["tiles"]
    found = await answer(client, "find_agents", query="vertical clips")
    own = {detail.agent.name for detail in BUILTIN_AGENTS}  # other tests have made more
    named = [agent["name"] for agent in found["agents"] if agent["name"] in own]
    assert named == ["Talking head to vertical clips", "Long video to shorts"]
    described = (await answer(client, "find_agents", agent="talking head to vertical"))["agent"]
    assert described["inputs"] == ["Video Input"]
    clips = next(node for node in described["nodes"] if node["node"] == "Clips")
    assert clips["standing"] == "approximate"
    count = next(p for p in clips["parameters"] if p["name"] == "num_clips")
    assert (count["type"], count["allowed"], count["value"]) == ("integer", "1…20", 2)


async def test_a_dry_run_shows_the_exact_request_and_starts_nothing(client: Client, talk: Talk):
    before = await answer(client, "list_runs", limit=50)
    shown = await answer(
        client,
        "run_agent",
        agent="Caption and reframe",
        videos=str(talk.video),
        clip="1 - 3.5",
        params={"captions": {"caption_style": "karaoke"}},
        skip=["Reframe"],
        dry_run=True,
    )
    assert shown["status"] == "dry_run"
    request = shown["request"]
    (item,) = request.get("video_id_inputs", [request])
    assert (item["input_clip_start_ms"], item["input_clip_end_ms"]) == (1000, 3500)
    assert list(request["update_params"].values()) == [{"caption_style": "karaoke"}]
    assert len(request["ignore_nodes"]) == 1
    after = await answer(client, "list_runs", limit=50)
    assert [r["run_id"] for r in after["runs"]] == [r["run_id"] for r in before["runs"]]


async def test_a_confirmation_binds_the_run_to_what_was_shown(client: Client, talk: Talk):
    said = {"agent": "Caption and reframe", "videos": [str(talk.video)]}
    token = (await answer(client, "run_agent", **said, dry_run=True))["confirm"]
    text = await refusal(client, "run_agent", **said, clip="first 2 s", confirm=token)
    assert "belongs to another request" in text


async def test_all_faults_are_told_at_once_with_the_nearest_names(client: Client, talk: Talk):
    text = await refusal(
        client,
        "run_agent",
        agent="Caption and reframe",
        videos=[str(talk.video), str(talk.video.with_name("my tolk.mp4"))],
        clip="5:00-4:00",
        params={"Captions": {"caption_styl": "karaoke", "caption_font_weight": 700}},
        skip=["Refrane"],
    )
    for part in ("my talk.mp4", "caption_style", "caption_font_weight", "Reframe", "clip"):
        assert part in text, text


async def test_unknown_names_are_answered_with_the_nearest(client: Client):
    assert "Caption and reframe" in await refusal(
        client, "run_agent", agent="Caption and refrain", videos=["x.mp4"]
    )
    assert "list_runs" in await refusal(client, "get_run", run_id="0" * 8)
    assert "Did you mean 'run_agent'?" in await refusal(client, "run_agnt")


async def test_the_transcript_is_told_with_times_source_and_confidence(client: Client, talk: Talk):
    run = await answer(
        client,
        "run_agent",
        agent="Caption and reframe",
        videos=[talk.named],
        clip="0-3",
        quality="draft",
        wait_s=50,
    )
    ended = await to_the_end(client, run)
    output = ended["outputs"][0]["output_id"]
    said = await answer(client, "read_transcript", video=f"render:{output}")
    assert (said["source"], said["confidence"]) == ("user", 1.0)
    assert said["sentences"][0]["text"].startswith("Welcome to the show.")
    words = await answer(client, "read_transcript", video=f"render:{output}", detail="words")
    late = await answer(client, "read_transcript", video=f"render:{output}", span="last 0.5 s")
    assert late["sentences"] == [row for row in said["sentences"] if row["end_s"] > 2.5]
    truth = talk.truth.words[0]
    assert abs(words["words"][0]["start_s"] - float(truth.start)) < 0.1


async def test_the_same_request_again_finds_its_run(client: Client, talk: Talk):
    said = {
        "agent": "Caption and reframe",
        "videos": [talk.named],
        "clip": "0-2",
        "quality": "draft",
        "wait_s": 0,
    }
    key = f"key-{id(client)}"
    first = await answer(client, "run_agent", **said, idempotency_key=key)
    again = await answer(client, "run_agent", **said, idempotency_key=key)
    assert again["run_id"] == first["run_id"]
    assert again["replayed"] is True
    text = await refusal(client, "run_agent", **{**said, "clip": "0-1"}, idempotency_key=key)
    assert "key" in text
    await to_the_end(client, first)


@pytest.mark.long
@pytest.mark.short
async def test_a_cancelled_run_can_be_resumed(client: Client, talk: Talk):
    run = await answer(
        client,
        "run_agent",
        agent="Caption and reframe",
        videos=[talk.named],
        clip="0-4",
        idempotency_key=f"cancel-{id(client)}",
        wait_s=0,
    )
    cancelled = await answer(client, "cancel_run", run_id=run["run_id"])
    assert cancelled["status"] == "cancelled"
    assert "resume_run" in cancelled["next"]
    resumed = await answer(client, "resume_run", run_id=run["run_id"], wait_s=50)
    ended = await to_the_end(client, resumed)
    assert ended["status"] == "completed"
    assert "completed" in await refusal(client, "resume_run", run_id=run["run_id"])


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.mp4", b"", "0 bytes"),
        ("text.mp4", b"this is not a video" * 100, "not a media file"),
        ("list.mp4", b"#EXTM3U\n#EXT-X-TARGETDURATION:5\nother.ts\n", "playlist"),
    ],
)
async def test_a_file_that_is_no_video_is_refused_in_a_sentence(
    client: Client, folder: Path, name: str, content: bytes, said: str
):
    path = folder / name
    path.write_bytes(content)
    text = await refusal(
        client, "run_agent", agent="Caption and reframe", videos=[str(path)], wait_s=0
    )
    assert said in text, text


async def test_a_file_outside_the_allowed_folders_is_refused(client: Client, tmp_path: Path):
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(b"x")
    text = await refusal(
        client, "run_agent", agent="Caption and reframe", videos=[str(secret)], wait_s=0
    )
    assert "MOSAIC_ALLOWED_DIRS" in text


async def test_captions_without_reliable_words_say_what_to_bring(client: Client, talk: Talk):
    copy = talk.video.with_name("no words.mp4")
    copy.write_bytes(talk.video.read_bytes() + b"\0")  # other content: the words do not come along
    run = await to_the_end(
        client,
        await answer(
            client, "run_agent", agent="Caption and reframe", videos=[str(copy)], wait_s=50
        ),
    )
    if run["status"] == "completed":
        pytest.skip("the recogniser understood this voice")
    (error,) = run["errors"]
    assert error["node"] == "Captions"
    assert "SRT" in error["messages"][0]
