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
from tests.acceptance.tools import answer, refusal, to_the_end
from tests.support.media import video

APPS = [advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]})]


@pytest.mark.parametrize("detail", ["words", "sentences"])
async def test_a_transcript_is_read_to_its_end_and_no_word_is_lost(studio, local, tmp_path, detail):
    words = [f"w{n}." for n in range(1, 700)]
    talk = brought(local, tmp_path, [[word] for word in words])
    async with Client(build_server(Settings(home=studio.home))) as client:
        assert await read_through(client, talk, detail) == words


@pytest.mark.parametrize("detail", ["words", "sentences"])
async def test_each_word_of_a_sentence_without_end_is_read_once(studio, local, tmp_path, detail):
    words = [f"w{n}" for n in range(3000)]
    talk = brought(local, tmp_path, [words[n : n + 10] for n in range(0, 3000, 10)])
    async with Client(build_server(Settings(home=studio.home))) as client:
        rows = await read_through(client, talk, detail)
    assert " ".join(rows).split() == words
    assert detail == "sentences" or rows == words


async def test_the_words_of_the_last_part_of_a_video_are_read(studio, local, tmp_path):
    talk = brought(local, tmp_path, [["Cats", "sleep."], ["Dogs", "run."], ["Birds", "sing."]])
    async with Client(build_server(Settings(home=studio.home))) as client:
        late = await answer(client, "read_transcript", video=talk, span="last 0.5 s")
        every = await answer(client, "read_transcript", video=talk, span="last 2 hours")
        text = await refusal(client, "read_transcript", video=talk, span="last words")
    assert [row["text"] for row in late["sentences"]] == ["Birds sing."]
    assert len(every["sentences"]) == 3
    assert text.startswith("span: ")


async def test_what_is_said_is_read_without_a_stray_file_and_that_is_told(studio, tmp_path):
    talk = video(tmp_path / "talk.mp4", seconds=1)
    settings = Settings(home=studio.home, allowed_dirs=(tmp_path,))
    vtt = "WEBVTT\n\n00:00.000 --> 00:01.000\nOne<00:00:00.500><c> word</c>\n"
    async with Client(build_server(settings)) as client:
        (tmp_path / "talk.srt").write_text("Shots: one, two.")
        told = await answer(client, "read_transcript", video=str(talk))
        (tmp_path / "talk.srt").unlink()
        (tmp_path / "talk.en.vtt").write_text(vtt, "utf-16")
        said = await answer(client, "read_transcript", video=str(talk))
    assert f'"{tmp_path / "talk.srt"}" holds no timed text.' in told["note"]
    assert [row["text"] for row in said["sentences"]] == ["One word"]


def brought(local, folder, cues: list[list[str]]) -> str:
    """A video of three seconds that says these subtitles, one right after the other."""
    talk = video(folder / "talk.mp4", seconds=3)
    times = [f"00:00:0{ms // 1000},{ms % 1000:03}" for ms in range(0, 2701, 2700 // len(cues))]
    text = "\n\n".join(
        f"{n}\n{start} --> {end}\n{' '.join(words)}"
        for n, (start, end, words) in enumerate(zip(times, times[1:], cues, strict=False), 1)
    )
    sent = local.post(f"{PREFIX}/files", json={"path": str(talk), "asset_type": "video"}).json()
    asset = sent["asset_id"]
    local.put(f"{PREFIX}/videos/{asset}/transcript", json={"text": text}).raise_for_status()
    return f"video:{asset}"


async def read_through(client: Client, talk: str, detail: str) -> list[str]:
    """The rows of all pages, as their `next` leads from one to the other."""
    rows, cursor = [], None
    while True:
        page = await answer(client, "read_transcript", video=talk, detail=detail, cursor=cursor)
        assert len(compact(page)) <= MAX_CHARS
        assert "left_out" not in page
        rows += [row["text"] for row in page[detail]]
        if (cursor := page.get("next_cursor")) is None:
            return rows
        assert page["next"] == f"the same call with cursor='{cursor}'"


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
