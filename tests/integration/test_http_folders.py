"""A folder of one's own on the server, a server without tokens, and starts that are refused."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.tools import answer, refusal, to_the_end
from tests.support.http_command import ANNA, BEN, TOKENS, http_server, refused
from tests.support.media import video

AGENT = "Talking head to vertical clips"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("shared") / "anna"
    folder.mkdir()
    video(folder / "mine.mp4")
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


@pytest.mark.parametrize(
    "said", ["../not mine.mp4", "way out.mp4", "~/a.mp4", "/etc/passwd", "{home}/studio/studio.db"]
)
async def test_nothing_outside_of_ones_folder_can_be_reached(server, folder, said):
    said = said.format(home=server.home)
    async with server.client(ANNA) as anna:
        told = await refusal(anna, "run_agent", agent=AGENT, videos=[said])
        await refusal(anna, "read_transcript", video=said)
    assert str(Path.home()) not in told
    assert str(server.home) not in told.replace(said, "")


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


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_without_tokens_this_machine_is_served_apart_from_its_user(tmp_path, mode):
    with http_server(tmp_path / "home") as server:
        assert server.url.startswith("http://127.0.0.1:")
        async with server.client(mode=mode) as client:
            built = await answer(client, "build_agent", name="Mine", tiles=["Captions"])
            file = video(tmp_path / "a.mp4")
            await refusal(client, "run_agent", agent=AGENT, videos=[str(file)])
        owners = [path for path in (server.home / "owners").iterdir() if path.is_dir()]
        assert len(owners) == 1
        assert not (server.home / "ledger.db").exists()
        assert built["agent_id"]


def test_a_start_that_is_not_safe_is_refused_with_all_reasons(tmp_path):
    said = refused(tmp_path, "--host", "0.0.0.0", "--port", "0", MOSAIC_HTTP_FOLDERS="anna=x")
    assert "MOSAIC_PUBLIC_URL" in said
    assert "nobody would have to show who they are" in said
    assert "MOSAIC_HTTP_FOLDERS" in said


def test_a_port_that_is_taken_is_told(tmp_path):
    with http_server(tmp_path / "home") as server:
        said = refused(tmp_path / "other", "--port", server.url.rpartition(":")[2])
    assert "cannot be used" in said
    assert "--port" in said


def test_an_address_without_http_is_refused(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "mosaic_mcp", "serve", "--port", "8765"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    assert "--http" in done.stderr
