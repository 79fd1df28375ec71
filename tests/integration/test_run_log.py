"""The log of a run: every attempt, and FFmpeg commands that can be run again."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from mosaic_mcp.contract.extensions import RunLog
from mosaic_mcp.server import build_server
from mosaic_mcp.settings import Settings
from mosaic_mcp.studio.render.ffmpeg import find_ffmpeg
from tests.support.studio_process import KEYS, RunningStudio, running_studio
from tests.support.studio_runs import Studio, rendering
from tests.support.talking import talking_head

SCRIPT = "Welcome to the show. (0.7) Choose a quiet room with soft furniture."
REPEAT = Path(__file__).parents[2] / "examples" / "scripts" / "repeat_render.py"
BRANDED = {"in": "Video Input", "words": "Captions", "logo": "Watermark", "out": "Destination"}
LETTERED = {
    "in": "Video Input",
    "title": (
        "Motion Graphics",
        {"prompt": 'title "Hello" at 0:01', "reference_links": "https://a.example"},
    ),
    "words": ("Captions", {"caption_font": "Comic Sans"}),
    "out": "Destination",
}
SQUARE = {"in": "Video Input", "square": ("Reframe", {"aspect_ratio": "1:1"})}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStudio]:
    with running_studio(tmp_path_factory.mktemp("home"), MOSAIC_STUDIO_KEYS=KEYS) as running:
        yield running


@pytest.fixture(scope="module")
def studio(running: RunningStudio) -> Iterator[Studio]:
    with running.client() as http:
        yield Studio(http, running.home)


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    video = tmp_path_factory.mktemp("talk") / "my talk.mp4"
    video.with_suffix(".srt").write_text(talking_head(video, SCRIPT, cut_at=2.0).srt())
    return video


@pytest.fixture(scope="module")
def run_id(studio: Studio, talk: Path) -> str:
    """A finished run with captions and a watermark."""
    agent, _ = studio.agent(BRANDED, "in>words words>logo logo>out")
    asset = studio.add(talk, talk.with_suffix(".srt"))
    run_id = studio.run(agent, {"video_ids": [asset]})
    assert studio.end(run_id)["status"] == "completed"
    return run_id


def log_of(studio: Studio, run_id: str, **query: Any) -> RunLog:
    answer = studio.http.get(f"/studio/v1/runs/{run_id}/log", params=query)
    assert answer.is_success, answer.text
    return RunLog.model_validate_json(answer.content)


def picture(video: Path) -> str:
    """A hash of the pictures as they are stored."""
    ffmpeg = find_ffmpeg(Settings(home=video.parent))
    command = [ffmpeg, "-v", "error", "-i", video, "-map", "0:v", "-c", "copy", "-f", "md5", "-"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_every_attempt_is_told_in_order_with_its_commands(studio: Studio, run_id: str):
    log = log_of(studio, run_id)
    told = [(job.tile, job.kind, job.outcome, job.attempt) for job in log.jobs]
    assert told == [
        ("Video Input", "node", "done", 1),
        ("Captions", "node", "done", 1),
        ("Watermark", "node", "done", 1),
        ("Watermark", "render", "done", 1),
        ("Destination", "node", "done", 1),
    ]
    assert all(job.ended_at and job.ended_at >= job.began_at for job in log.jobs)
    (render,) = [job for job in log.jobs if job.kind == "render"]
    assert {command.exit_code for command in render.commands} == {0}
    (encode,) = [c for c in render.commands if "libx264" in c.arguments]
    assert encode.frames > 100
    assert any("kb/s" in line for line in encode.encoder)
    assert str(studio.home) not in json.dumps([c.model_dump(mode="json") for c in render.commands])


def test_a_kept_command_makes_the_same_picture_again(studio: Studio, run_id: str, tmp_path: Path):
    (output,) = studio.http.get(f"/agent_run/{run_id}").json()["outputs"]
    done = subprocess.run(
        [sys.executable, REPEAT, run_id, "--out", tmp_path],
        env={**os.environ, "MOSAIC_HOME": str(studio.home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    made = studio.home / "renders" / output["id"] / "video.mp4"
    assert picture(tmp_path / "render" / "part.mp4") == picture(made)


def test_another_owners_log_does_not_exist(running: RunningStudio, run_id: str):
    with running.client("mk_anna") as anna:
        assert anna.get(f"/studio/v1/runs/{run_id}/log").status_code == 404


def test_pages_follow_each_other_to_the_end(studio: Studio, run_id: str):
    whole = log_of(studio, run_id).jobs
    seen, cursor = [], "0"
    while cursor is not None:
        page = log_of(studio, run_id, limit=2, cursor=cursor)
        seen += page.jobs
        cursor = page.next_cursor
    assert tuple(seen) == whole


def test_files_are_told_by_path_to_the_user_of_the_machine_alone(
    running: RunningStudio, studio: Studio, run_id: str
):
    (render,) = [job for job in log_of(studio, run_id, files=True).jobs if job.files]
    names = {file.name for file in render.files}
    assert {"render/graph.txt", "render/captions.ass"} <= names
    assert any(name.startswith("render/source-") for name in names)
    assert any(file.path for file in render.files)
    with running.client() as client:
        found = client.get(
            f"/studio/v1/runs/{run_id}/log",
            params={"files": True},
            headers={"x-mosaic-owner": "somebody"},
        )
    assert found.status_code == 404  # their server acts for somebody else


async def test_a_detailed_answer_names_the_log_and_the_resource_has_it(studio: Studio, run_id: str):
    async with Client(build_server(Settings(home=studio.home))) as client:
        arguments = {"run_id": run_id, "response_format": "detailed", "wait_s": 0}
        told = (await client.call_tool("get_run", arguments)).structured_content
        assert told is not None
        (content,) = (await client.read_resource(told["log"])).contents
        arguments["response_format"] = "concise"
        brief = (await client.call_tool("get_run", arguments)).structured_content
    assert "log" not in brief
    log = json.loads(content.text)  # pyright: ignore
    assert [step["outcome"] for step in log["steps"]] == ["done"] * 5
    assert "libx264" in log["steps"][3]["ffmpeg"][0]["command"]
    assert len(content.text) < 20_000  # pyright: ignore


def test_a_failed_render_keeps_its_command_and_what_ffmpeg_said(studio: Studio, talk: Path):
    logo = {"in": "Video Input", "logo": "Watermark", "out": "Destination"}
    agent, _ = studio.agent(logo, "in>logo logo>out")
    asset = studio.add(talk)
    (row,) = studio.rows(f"select file from assets where id = '{asset}'")
    source = studio.home / row["file"]
    whole, seal = source.read_bytes(), source.stat()
    # The disk loses the file's index, and neither its size nor its time shows it.
    rewrite(source, whole.replace(b"moov", b"lost"), seal)
    run_id = studio.run(agent, {"video_ids": [asset]}, quality="standard")
    assert studio.end(run_id)["status"] == "failed"
    (wrong,) = [job for job in log_of(studio, run_id).jobs if job.outcome == "failed"]
    assert (wrong.kind, [line.level for line in wrong.lines]) == ("render", ["error"])
    assert "damaged" in wrong.lines[0].text
    assert wrong.commands[-1].exit_code
    assert "moov atom not found" in wrong.commands[-1].messages

    rewrite(source, whole, seal)
    studio.post(f"/agent_run/{run_id}/resume")
    assert studio.end(run_id)["status"] == "completed"
    renders = [job for job in log_of(studio, run_id).jobs if job.kind == "render"]
    assert [(job.generation, job.outcome) for job in renders] == [(1, "failed"), (2, "done")]


async def test_what_a_tile_and_an_output_warn_of_is_told_by_get_run_once_and_no_draft(
    studio: Studio, talk: Path
):
    agent, _ = studio.agent(LETTERED, "in>title title>words words>out")
    asset = studio.add(talk, talk.with_suffix(".srt"))
    taken: list[bool] = []
    for _ in range(2):
        run_id = studio.run(agent, {"video_ids": [asset]}, quality="draft")
        studio.end(run_id)
        async with Client(build_server(Settings(home=studio.home))) as client:
            told = (await client.call_tool("get_run", {"run_id": run_id})).structured_content
        assert told is not None
        assert told["warnings"] == [
            "Motion Graphics: reference_links is not read here; styles are templates",
            "Captions: The font 'Comic Sans' is not shipped; Montserrat is used.",
        ]
        (render,) = [job for job in log_of(studio, run_id).jobs if job.kind == "render"]
        levels = {line.text: line.level for line in render.lines}
        assert [levels[text] for text in levels if text.startswith("A draft")] == ["info"]
        taken.append(any(text.startswith("taken over") for text in levels))
    assert taken == [False, True]


def rewrite(file: Path, content: bytes, seal: os.stat_result) -> None:
    """Change what a file holds and nothing else; the same content may have other names."""
    file.unlink()
    file.write_bytes(content)
    os.utime(file, ns=(seal.st_atime_ns, seal.st_mtime_ns))


@pytest.mark.chaos
@pytest.mark.short
def test_an_attempt_that_was_killed_is_told_as_lost_and_the_next_one_goes_on(
    tmp_path: Path, talk: Path
):
    home = tmp_path / "home"
    with running_studio(home) as first, first.client() as http:
        studio = Studio(http, home)
        agent, _ = studio.agent({**SQUARE, "out": "Destination"}, "in>square square>out")
        run_id = studio.run(agent, {"video_ids": [studio.add(talk)]}, quality="standard")
        studio.until(run_id, rendering)
        os.kill(first.process.pid, signal.SIGKILL)
        first.process.wait()
    with running_studio(home) as second, second.client() as http:
        studio = Studio(http, home)
        assert studio.end(run_id)["status"] == "completed"
        renders = [job for job in log_of(studio, run_id).jobs if job.kind == "render"]
    assert [(job.outcome, job.attempt) for job in renders] == [("lost", 1), ("done", 2)]
    assert any(c.seconds is None and c.exit_code is None for c in renders[0].commands)
