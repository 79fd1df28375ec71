"""A chat edits a video: over real stdio, with a real studio, and real pixels at the end."""

import base64
import io
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters
from mcp_types import ImageContent, ResourceLink
from PIL import Image

from mosaic_mcp.settings import Settings
from mosaic_mcp.studio.perception.probe import probe
from tests.acceptance.conftest import Talk, environment
from tests.acceptance.tools import answer, text_of, to_the_end

VERTICAL = "Talking head to vertical clips"
ONE_CLIP = {"Clips": {"num_clips": 1, "target_duration": 6}}


@asynccontextmanager
async def stdio_client(settings: Settings) -> AsyncGenerator[Client]:
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "mosaic_mcp"], env=environment(settings)
    )
    async with Client(server) as client:
        yield client


async def test_a_talk_becomes_a_vertical_captioned_clip(
    settings: Settings, talk: Talk, folder: Path
):
    heard: list[tuple[float, str | None]] = []

    async def progress(value: float, _total: float | None, message: str | None) -> None:
        heard.append((value, message))

    async with stdio_client(settings) as client:
        started = await client.call_tool(
            "run_agent",
            {
                "agent": VERTICAL,
                "videos": [talk.named],
                "params": ONE_CLIP,
                "quality": "draft",
                "wait_s": 50,
            },
            progress_callback=progress,
        )
        assert not started.is_error, text_of(started)
        run = await to_the_end(client, started.structured_content or {})
        assert (run["status"], run.get("errors")) == ("completed", None)
        values = [value for value, _ in heard]
        assert values == sorted(set(values))
        assert any("Captions" in (message or "") for _, message in heard)

        listed = await answer(
            client, "list_outputs", run_id=run["run_id"], save_to=str(folder / "saved")
        )
        (output,) = listed["outputs"]
        saved = Path(output["saved_to"])
        source = await probe(saved, name="saved")
        assert (source.width, source.height) == (540, 960)
        assert abs(float(source.duration) - output["duration_s"]) < 0.1
        assert source.audio_channels == 2
        assert Path(output["subtitles"]).read_text("utf-8").count("-->") >= 1

        sheet = await client.call_tool("view_output", {"output_id": output["output_id"]})
        picture = next(b for b in sheet.content if isinstance(b, ImageContent))
        data = base64.b64decode(picture.data)
        assert len(data) <= 100_000
        assert max(Image.open(io.BytesIO(data)).size) <= 1024
        assert sheet.structured_content is None


async def test_a_run_outlives_the_server_that_started_it(settings: Settings, talk: Talk):
    async with stdio_client(settings) as client:
        run = await answer(
            client,
            "run_agent",
            agent="Caption and reframe",
            videos=[talk.named],
            clip="first 4 s",
            quality="draft",
            wait_s=0,
        )
    async with stdio_client(settings) as client:
        ended = await to_the_end(client, run)
        assert ended["status"] == "completed"
        runs = await answer(client, "list_runs", status=["completed"])
        assert run["run_id"] in [line["run_id"] for line in runs["runs"]]


async def test_a_chain_carries_the_edit_on_and_remembers_where_it_came_from(
    settings: Settings, talk: Talk
):
    async with stdio_client(settings) as client:
        first = await to_the_end(
            client,
            await answer(
                client,
                "run_agent",
                agent="Caption and reframe",
                videos=[talk.named],
                clip="0-3",
                quality="draft",
            ),
        )
        built = await answer(client, "build_agent", name="Brand it", tiles=["Watermark"])
        assert [node["tile"] for node in built["nodes"]] == [
            "Video Input",
            "Watermark",
            "Destination",
        ]
        second = await client.call_tool(
            "chain_run",
            {
                "source": first["run_id"],
                "agent": "Brand it",
                "params": {"Watermark": {"logo_position": "top-left", "logo_opacity": 100}},
                "quality": "draft",
                "wait_s": 50,
            },
        )
        run = await to_the_end(client, second.structured_content or {})
        assert run["status"] == "completed"
        assert run["from_outputs"] == [first["outputs"][0]["output_id"]]
        listed = await client.call_tool("list_outputs", {"run_id": run["run_id"]})
        link = next(b for b in listed.content if isinstance(b, ResourceLink))
        assert link.mime_type == "video/mp4"


@pytest.mark.parametrize("era", ["legacy", "auto"])
async def test_the_server_says_what_it_is_in_both_eras(settings: Settings, era: str):
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "mosaic_mcp"], env=environment(settings)
    )
    async with Client(server, mode=era) as client:
        tools = await client.list_tools()
        assert len(tools.tools) == 11
