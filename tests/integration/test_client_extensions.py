"""What the studio adds, through the client: on a real studio, and request by request."""

import io
import json
from datetime import UTC, datetime

import pytest
from PIL import Image
from support import media

from mosaic_mcp.client import Ledger, MosaicClient, submit_once
from mosaic_mcp.contract.extensions import PREFIX, BringTranscript
from mosaic_mcp.contract.runs import RunRequest
from mosaic_mcp.errors import NotFound, OutcomeUnknown
from tests.support.hosted_double import KEY, golden

AGENT = golden("docs/agent")["agent"]["id"]
ONE = RunRequest(video_urls=("https://example.org/talk.mp4",))
SRT = "1\n00:00:00,200 --> 00:00:01,000\nGood morning everyone.\n"
INFO = {"name": "mosaic-studio", "version": "0.1.0", "local_files": False}
RUN = {"agent_id": AGENT, "started_at": datetime(2026, 11, 1, tzinfo=UTC).isoformat()}


@pytest.fixture
async def client(studio):
    """The local user's client of a real studio."""

    async def alive() -> bool:
        return True

    found = studio.discovery
    async with MosaicClient(found.url, found.token, alive=alive) as connected:
        yield connected


@pytest.fixture
async def local(client):
    return await client.studio()


@pytest.fixture
async def extended(double):
    """A client of the double, which here answers the probe as a studio does."""
    double.fail("answer", f"{PREFIX}$", status=200, body=INFO)
    async with MosaicClient(double.url, KEY) as connected:
        yield connected


async def test_the_studio_says_what_it_is_and_how_well_it_does_each_tile(local):
    assert local.info.local_files
    tiles = {tile.name: tile for tile in (await local.tiles()).tiles}
    assert tiles["Clips"].params["properties"]["num_clips"]


async def test_a_local_file_becomes_an_asset_without_being_sent(client, local, tmp_path):
    path = media.video(tmp_path / "talk.mp4")
    asset = await local.add_local_file(path, "video")
    assert (asset.name, asset.facts.width) == ("talk.mp4", 160)
    assert await client.add_file(path, "video") == asset.asset_id


async def test_a_studio_without_our_disk_gets_the_file_by_upload(studio, tmp_path):
    path = media.video(tmp_path / "talk.mp4")
    async with MosaicClient(studio.discovery.url, "mk_anna") as anna:
        asset_id = await anna.add_file(path, "video")
        assert (await anna.view_url("video", asset_id)).asset_id == asset_id


async def test_words_that_were_brought_are_read_back_by_page_query_and_span(local, tmp_path):
    path = media.video(tmp_path / "words.mp4")
    asset = await local.add_local_file(path, "video")
    await local.bring_transcript(asset.asset_id, BringTranscript(text=SRT))
    heard = await local.transcript("videos", asset.asset_id, start_s=0, end_s=2)
    assert [word.text for word in heard.words] == ["Good", "morning", "everyone."]


async def test_a_video_is_shown_as_a_sheet_or_a_frame(local, tmp_path):
    asset = await local.add_local_file(media.video(tmp_path / "seen.mp4"), "video")
    *sheet, times = await local.sheet("videos", asset.asset_id, frames=4)
    for data, kind in (sheet, await local.frame("videos", asset.asset_id, at_s=1.0)):
        assert kind == "image/jpeg"
        assert Image.open(io.BytesIO(data)).width >= 160
    length = asset.facts.duration_s
    assert all(n <= time / length * 4 < n + 1 for n, time in enumerate(times))
    assert len(times) == 4


async def test_a_key_that_started_nothing_has_no_run(local):
    assert await local.find_run("never-used") is None


@pytest.mark.parametrize("hostile", ["../runs", "a/b", ""])
async def test_hostile_ids_do_not_leave_the_process(extended, double, hostile):
    studio = await extended.studio()
    seen = len(double.seen)
    for call in (
        studio.watch(hostile, since=0, wait_s=0),
        studio.render(hostile),
        studio.timeline(hostile),
        studio.transcript("videos", hostile),
        studio.sheet("renders", hostile, 9),
        studio.frame("renders", hostile, 1.0),
        studio.bring_transcript(hostile, BringTranscript(text=SRT)),
    ):
        with pytest.raises(NotFound):
            await call
    assert len(double.seen) == seen


async def test_a_watch_waits_at_the_studio_and_says_since_when(extended, double):
    answer = {"seq": 8, "run": {**RUN, "status": "running"}}
    double.fail("answer", "/watch$", status=200, body=answer)
    watched = await (await extended.studio()).watch("run-1", since=7, wait_s=12.3456)
    assert watched.seq == 8
    assert double.seen[-1].path == f"{PREFIX}/runs/run-1/watch"
    assert double.seen[-1].query == "since=7&wait_s=12.346"


async def test_a_render_is_described(extended, double):
    answer = {"id": "r1", "run_id": "run-1", "name": "Clip 1", "facts": {"duration_s": 3.5}}
    double.fail("answer", "/renders/r1$", status=200, body=answer)
    assert (await (await extended.studio()).render("r1")).facts.duration_s == 3.5


async def test_quality_and_key_are_sent_to_a_studio(extended, double, tmp_path):
    ledger = Ledger(tmp_path / "ledger.db")
    double.fail("answer", "/run$", status=200, body={"run_id": "run-1"})
    await submit_once(extended, ledger, AGENT, ONE, key="k", quality="draft")
    assert double.seen[-1].query == "quality=draft"
    assert double.seen[-1].headers["idempotency-key"] == "k"


async def test_a_lost_answer_of_a_studio_is_found_by_its_key(extended, double, tmp_path):
    ledger = Ledger(tmp_path / "ledger.db")
    double.fail("broken", "/run$")
    double.fail("answer", f"{PREFIX}/runs$", status=200, body={"run_id": "run-1"})
    assert (await submit_once(extended, ledger, AGENT, ONE, key="k")).run_id == "run-1"
    assert double.seen[-1].query == "idempotency_key=k"
    assert double.calls("POST", "/run") == 1


async def test_a_lost_request_to_a_studio_is_sent_again_under_its_key(extended, double, tmp_path):
    ledger = Ledger(tmp_path / "ledger.db")
    double.fail("broken", "/run$")
    double.fail("answer", f"{PREFIX}/runs$", status=200, body={"run_id": None}, times=2)
    with pytest.raises(OutcomeUnknown, match="has no run of this request"):
        await submit_once(extended, ledger, AGENT, ONE)
    double.fail("answer", "/run$", status=200, body={"run_id": "run-1"})
    assert (await submit_once(extended, ledger, AGENT, ONE)).run_id == "run-1"
    keys = [s.headers["idempotency-key"] for s in double.seen if s.method == "POST"]
    assert len(keys) == 2
    assert len(set(keys)) == 1


async def test_what_may_be_done_twice_is_repeated_at_the_studio_too(extended, double, tmp_path):
    asset = {"asset_type": "video", "asset_id": "a1", "name": "x.mp4", "sha256": "0"}
    double.fail("answer", "/files$", status=503, headers={"retry-after": "0"})
    double.fail("answer", "/files$", status=200, body=json.dumps(asset).encode())
    studio = await extended.studio()
    assert (await studio.add_local_file(tmp_path / "x.mp4", "video")).asset_id == "a1"
