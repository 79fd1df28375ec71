"""Tools against a serving studio, where only it shows the difference."""

import base64

import pytest
from mcp import Client
from mcp.client import advertise
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID

from mosaic_mcp.contract.extensions import PREFIX
from mosaic_mcp.server import build_server
from mosaic_mcp.server.results import MAX_CHARS, compact
from mosaic_mcp.settings import Settings
from tests.acceptance.tools import answer, to_the_end
from tests.support.media import video

APPS = [advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]})]


@pytest.mark.parametrize("detail", ["words", "sentences"])
async def test_a_transcript_is_read_to_its_end_and_no_word_is_lost(studio, local, tmp_path, detail):
    settings = Settings(home=studio.home, allowed_dirs=(tmp_path,))
    talk = str(video(tmp_path / "talk.mp4", seconds=3))
    cues = "\n\n".join(
        f"{n}\n00:00:0{n // 400},{2 * n % 800:03} --> 00:00:0{n // 400},{2 * n % 800 + 2:03}\nw{n}."
        for n in range(1, 700)
    )
    sent = local.post(f"{PREFIX}/files", json={"path": talk, "asset_type": "video"}).json()
    asset = sent["asset_id"]
    local.put(f"{PREFIX}/videos/{asset}/transcript", json={"text": cues}).raise_for_status()
    async with Client(build_server(settings)) as client:
        read, cursor = [], None
        while True:
            page = await answer(
                client, "read_transcript", video=f"video:{asset}", detail=detail, cursor=cursor
            )
            assert len(compact(page)) <= MAX_CHARS
            assert "left_out" not in page
            read += [row["text"] for row in page[detail]]
            if (cursor := page.get("next_cursor")) is None:
                break
            assert page["next"] == f"the same call with cursor='{cursor}'"
    assert read == [f"w{n}." for n in range(1, 700)]


async def test_the_viewer_gets_pictures_and_video_without_the_servers_public_address(
    studio, tmp_path
):
    """The proxy at that address may not be reachable from where the server stands."""
    settings = Settings(
        home=studio.home,
        owner="cleo",
        public_url="https://video.example.invalid",
        allowed_dirs=(tmp_path,),
    )
    video(tmp_path / "talk.mp4")
    async with Client(build_server(settings), extensions=APPS) as client:
        await answer(client, "build_agent", name="Louder", tiles=["Audio Enhance"])
        run = await answer(
            client, "run_agent", agent="Louder", videos=["talk.mp4"], quality="draft", wait_s=50
        )
        run = await to_the_end(client, run)
        seen = (await client.call_tool("view_run", {"run_id": run["run_id"]})).structured_content
        [output] = seen["outputs"]
        assert output["url"].startswith(settings.public_url)
        assert output["thumbnail"].startswith("data:image/jpeg;base64,")
        piece = await client.call_tool(
            "play_output", {"run_id": run["run_id"], "output_id": output["output_id"]}
        )
    assert base64.b64decode(piece.structured_content["data"])[4:8] == b"ftyp"
