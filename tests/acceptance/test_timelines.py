"""An edit handed over to an editor: the timeline of an output, made through the tools."""

import json
import zipfile
from collections.abc import AsyncIterator
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
import pytest
from mcp import Client

from mosaic_mcp.server import build_server
from mosaic_mcp.settings import Settings
from tests.acceptance.conftest import Talk
from tests.acceptance.tools import answer, to_the_end
from tests.support.editors import read, shots


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[Client]:
    async with Client(build_server(settings)) as client:
        yield client


async def test_the_timeline_of_an_output_is_its_recipe_cut_by_cut(
    client: Client, talk: Talk, folder: Path
):
    agent = await answer(
        client, "build_agent", name="Tighten", tiles=["Silence Removal", "Captions"]
    )
    run = await answer(
        client,
        "run_agent",
        agent=agent["agent_id"],
        videos=[talk.named],
        quality="draft",
        wait_s=50,
    )
    ended = await to_the_end(client, run)
    assert ended["status"] == "completed", ended
    (output,) = (await answer(client, "list_outputs", run_id=run["run_id"]))["outputs"]
    recipe = json.loads(Path(output["path"]).with_name("recipe.json").read_text("utf-8"))
    rate = Fraction(recipe["timeline"]["frame_rate"])
    clips = recipe["timeline"]["clips"]
    assert len(clips) > 2, "pauses were cut out"
    decided = [
        (round(Fraction(c["start"]) * rate), round(Fraction(c["end"]) * rate)) for c in clips
    ]
    with zipfile.ZipFile(output["timeline_zip"]) as archive:
        for name, adapter, how in (
            ("timeline.otio", "otio_json", {}),
            ("timeline.xml", "fcp_xml", {}),
            ("timeline.edl", "cmx_3600", {"rate": float(rate)}),
        ):
            cuts = shots(read(archive, name, adapter, **how))
            assert [s.source for s in cuts] == decided, name
            assert cuts[-1].record[1] == recipe["frames"], name
            if name != "timeline.edl":
                links = {otio.url_utils.filepath_from_url(s.media) for s in cuts}
                assert links == {"media/my talk.mp4"}, "beside the timeline, under its own name"
        assert archive.read("captions.srt") == Path(output["subtitles"]).read_bytes()
        text = archive.read("captions.txt").decode()
        assert text.startswith("[0:00:00] Welcome to the show.")
        assert "media/my talk.mp4" in archive.read("README.txt").decode()
    assert float(recipe["frames"] / rate) == pytest.approx(output["duration_s"], abs=0.01)
    kept = await answer(client, "list_outputs", run_id=run["run_id"], save_to=str(folder / "kept"))
    (saved,) = kept["outputs"]
    video = Path(saved["saved_to"])
    assert Path(saved["subtitles"]) == video.with_suffix(".srt")
    assert video.with_suffix(".vtt").read_text("utf-8").startswith("WEBVTT")
    assert video.with_suffix(".txt").read_text("utf-8") == text
    beside = video.with_name(f"{video.stem}.timeline.zip")
    assert Path(saved["timeline_zip"]) == beside
    assert beside.read_bytes() == Path(output["timeline_zip"]).read_bytes()
