"""A folder of one's own on the server, a server without tokens, and starts that are refused."""

import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from mosaic_mcp.client import connect
from mosaic_mcp.errors import EngineUnavailable
from mosaic_mcp.settings import Settings
from tests.acceptance.tools import answer, refusal, to_the_end
from tests.support.http_command import ANNA, BEN, TOKENS, http_server, refused
from tests.support.media import video
from tests.support.studio_process import running_studio
from tests.support.waiting import WAIT_S

AGENT = "Talking head to vertical clips"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("shared") / "anna"
    folder.mkdir()
    video(folder / "mine.mp4")
    (folder / "mine.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nHello there.\n")
    video(folder.parent / "not mine.mp4")
    (folder / "way out.mp4").symlink_to(folder.parent / "not mine.mp4")
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory, folder):
    with http_server(
        tmp_path_factory.mktemp("home"),
        MOSAIC_HTTP_TOKENS=TOKENS,
        MOSAIC_HTTP_FOLDERS=f"anna={folder}",
    ) as serving:
        yield serving


async def test_a_file_of_ones_folder_is_edited_and_saved_there(server, folder):
    async with server.client(ANNA) as anna:
        await answer(anna, "build_agent", name="Louder", tiles=["Audio Enhance"])
        run = await answer(
            anna, "run_agent", agent="Louder", videos=["mine.mp4"], quality="draft", wait_s=50
        )
        run = await to_the_end(anna, run)
        listed = await answer(anna, "list_outputs", run_id=run["run_id"], save_to="out")
    [line] = listed["outputs"]
    saved = Path(line["saved_to"])
    assert saved.parent == folder / "out"
    assert saved.stat().st_size == line["size_bytes"]
    assert "path" not in line
    assert Path(line["subtitles"]) == saved.with_suffix(".srt")
    assert saved.with_suffix(".txt").read_text("utf-8") == "[0:00:00] Hello there.\n"


@pytest.mark.parametrize(
    "said", ["../not mine.mp4", "way out.mp4", "~/a.mp4", "/etc/passwd", "{home}/studio/studio.db"]
)
async def test_nothing_outside_of_ones_folder_can_be_reached(server, folder, said):
    said = said.format(home=server.home)
    async with server.client(ANNA) as anna:
        told = await refusal(anna, "run_agent", agent=AGENT, videos=[said])
        await refusal(anna, "read_transcript", video=said)
    assert "outside the allowed folders" in told or "no file" in told
    assert str(Path.home()) not in told
    assert str(server.home) not in told.replace(said, "")


async def test_the_data_folder_is_not_ones_folder(server):
    """There are the videos of everybody, and the keys."""
    kept = next(path for path in server.home.rglob("*.mp4") if path.is_file())
    async with server.client(ANNA) as anna:
        told = await refusal(anna, "run_agent", agent=AGENT, videos=[str(kept)], dry_run=True)
    assert "outside the allowed folders" in told


@pytest.mark.parametrize("said", ["..", "/tmp", "../ben"])
async def test_nothing_is_written_outside_of_ones_folder(server, folder, said):
    async with server.client(ANNA) as anna:
        runs = (await answer(anna, "list_runs"))["runs"]
        await refusal(anna, "list_outputs", run_id=runs[0]["run_id"], save_to=said)
    assert not (folder.parent / "ben").exists()


async def test_the_folder_is_nobody_elses(server, folder):
    async with server.client(BEN) as ben:
        for said in ("mine.mp4", str(folder / "mine.mp4")):
            told = await refusal(ben, "run_agent", agent=AGENT, videos=[said])
            assert "cannot see the files of your machine" in told


async def test_without_tokens_this_machine_is_served_apart_from_its_user(tmp_path):
    file = video(tmp_path / "a.mp4")
    with http_server(tmp_path / "home") as server:
        assert server.url.startswith("http://127.0.0.1:")
        for mode in ("legacy", "2026-07-28"):
            async with server.client(mode=mode) as client:
                await answer(client, "build_agent", name=f"Mine, {mode}", tiles=["Captions"])
                await refusal(client, "run_agent", agent=AGENT, videos=[str(file)])
        settings = Settings(home=server.home)
        async with await connect(settings) as local:
            assert "Mine, legacy" not in [a.name for a in (await local.list_agents()).agents]
        async with await connect(replace(settings, owner="anonymous")) as same:
            assert "Mine, legacy" in [a.name for a in (await same.list_agents()).agents]


async def test_a_studio_that_ignores_whom_we_act_for_is_not_used(tmp_path, monkeypatch):
    settings = Settings(home=tmp_path / "home", owner="anna")
    with running_studio(settings.home):
        connecting = sys.modules["mosaic_mcp.client.connect"]
        monkeypatch.setattr(connecting, "acting_headers", lambda _: {})
        with pytest.raises(EngineUnavailable, match="cannot tell the callers"):
            await connect(settings)


def test_a_start_that_is_not_safe_is_refused_with_all_reasons(tmp_path):
    said = refused(tmp_path, "--host", "0.0.0.0", "--port", "0", MOSAIC_HTTP_FOLDERS="anna=x")
    assert "MOSAIC_PUBLIC_URL" in said
    assert "nobody would have to show who they are" in said
    assert "MOSAIC_HTTP_FOLDERS" in said


def test_a_port_that_is_taken_is_told(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        said = refused(tmp_path, "--port", str(other.getsockname()[1]))
    assert "cannot be used" in said
    assert "--port" in said


def test_an_address_without_http_is_refused(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "mosaic_mcp", "serve", "--port", "8765"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )
    assert done.returncode == 1
    assert "--http" in done.stderr
