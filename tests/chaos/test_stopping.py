"""Stopping and coming back at awkward moments: cancel in each phase, retries, deadly steps."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from mosaic_mcp.studio.runs.states import MAX_ATTEMPTS
from tests.chaos.processes import counted, of_kind, processes_of, until
from tests.chaos.scene import make_talk
from tests.support.coded import FFMPEG
from tests.support.file_server import FileServer, file_server
from tests.support.studio_process import RunningStudio, running_studio
from tests.support.studio_runs import Studio
from tests.support.waiting import WAIT_S

pytestmark = pytest.mark.chaos


@pytest.fixture(scope="module")
def web() -> Iterator[FileServer]:
    with file_server() as serving:
        yield serving


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_talk(tmp_path_factory.mktemp("talk"))


@contextmanager
def opened(home: Path, **environment: str) -> Generator[tuple[Studio, RunningStudio]]:
    with (
        running_studio(home, MOSAIC_PRIVATE_URLS="1", **environment) as running,
        running.client() as http,
    ):
        yield Studio(http, home), running


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    with opened(tmp_path_factory.mktemp("home")) as (studio, _):
        yield studio


def kill(running: RunningStudio) -> None:
    os.kill(running.process.pid, signal.SIGKILL)
    running.process.wait()


def waits(seen: dict[str, Any]) -> bool:
    """True while a step waits for its next try."""
    return any(node["step"].startswith("trying again") for node in seen["nodes"])


SHORT = {"in": "Video Input", "out": "Destination"}


@pytest.mark.short
def test_cancelling_a_download_leaves_nothing_and_resuming_at_once_completes(
    studio: Studio, talk: Path, web: FileServer
):
    url = web.put("/held.mp4", talk.read_bytes(), hold_after=1000)
    agent, _ = studio.agent(SHORT, "in>out")
    run_id = studio.run(agent, {"video_urls": [url], "input_clip_end_ms": 1000})
    studio.until(run_id, lambda w: w["nodes"][0]["step"].startswith("downloading"))
    answer = studio.post(f"/agent_run/{run_id}/cancel")
    assert (answer["tasks_cancelled"], answer["nodes_reset"]) == (1, 2)
    assert list((studio.home / "work").iterdir()) == []
    web.put("/held.mp4", talk.read_bytes())
    resumed = studio.post(f"/agent_run/{run_id}/resume")
    assert (resumed["nodes_queued"], resumed["requeued_nodes"]) == (1, 2)
    assert studio.end(run_id)["status"] == "completed"


@pytest.mark.short
async def test_cancelling_while_a_helper_listens_ends_it(studio: Studio, talk: Path):
    agent, _ = studio.agent({"in": "Video Input", "tall": "Reframe"}, "in>tall")
    run_id = studio.run(agent, {"video_ids": [studio.add(talk)]})
    with anyio.fail_after(WAIT_S):
        await until(lambda: counted(processes_of(studio.home))["helper"])
        studio.post(f"/agent_run/{run_id}/cancel")
        assert not counted(processes_of(studio.home))["helper"]
    studio.post(f"/agent_run/{run_id}/resume")
    assert studio.end(run_id)["status"] == "completed"


def test_cancel_and_the_end_of_a_run_never_contradict_each_other(studio: Studio, talk: Path):
    """Whoever comes first decides: a run that says cancelled stays so, and no output is half."""
    agent, _ = studio.agent(SHORT, "in>out")
    video, ends, folders = studio.add(talk), [], studio.home / "renders"
    for length in range(1000, 1160, 40):
        clip = {"id": video, "input_clip_end_ms": length}
        run_id = studio.run(agent, {"video_id_inputs": [clip]})
        seen = {path.name for path in folders.glob("*")}
        studio.until(
            run_id,
            lambda w, s=seen: (
                bool({p.name for p in folders.glob("*")} - s) or w["run"]["status"] != "running"
            ),
        )
        answer = studio.post(f"/agent_run/{run_id}/cancel")
        run = studio.end(run_id)
        ends.append(run["status"])
        assert (answer["nodes_reset"] > 0) is (run["status"] == "cancelled")
        if run["status"] == "cancelled":
            studio.post(f"/agent_run/{run_id}/resume")
            run = studio.end(run_id)
        assert (run["status"], len(run["outputs"])) == ("completed", 1)
    assert set(ends) <= {"cancelled", "completed"}


def test_a_source_that_does_not_answer_is_asked_again_later_also_by_the_next_studio(
    tmp_path: Path, talk: Path, web: FileServer
):
    url = web.put("/busy.mp4", status=503, headers={"retry-after": "3"})
    with opened(tmp_path) as (studio, running):
        agent, _ = studio.agent(SHORT, "in>out")
        run_id = studio.run(agent, {"video_urls": [url], "input_clip_end_ms": 1000})
        seen = studio.until(run_id, waits)
        assert "trying again in 3 s" in seen["nodes"][0]["step"]
        assert "503" in seen["nodes"][0]["step"]
        kill(running)
    web.put("/busy.mp4", talk.read_bytes())
    asked = len(web.asked)
    with opened(tmp_path) as (studio, _):
        assert studio.end(run_id)["status"] == "completed"
    assert len(web.asked) == asked + 1
    (node, _) = studio.nodes(run_id)
    assert node["attempt"] == 1, "neither the try nor the death, in which it slept, counts"


@pytest.mark.short
def test_broken_media_fails_at_once_and_the_other_input_is_delivered(
    studio: Studio, talk: Path, web: FileServer
):
    broken = web.put("/broken.mp4", b"\0" * 5000)
    good = web.put("/good.mp4", talk.read_bytes())
    agent, node = studio.agent(
        {"a": "Video Input", "b": "Video Input", "out": "Destination"}, "a>out b>out"
    )
    inputs = [
        {"agent_node_id": node[name], "video_urls": [url], "input_clip_end_ms": 1000}
        for name, url in (("a", broken), ("b", good))
    ]
    run = studio.end(studio.run(agent, {"video_inputs": inputs}))
    assert run["status"] == "partial_complete"
    assert [error["original_node_id"] for error in run["errors"]] == [node["a"]]
    assert [output["original_node_id"] for output in run["outputs"]] == [node["b"]]
    assert sum(asked.path == "/broken.mp4" for asked in web.asked) == 1


POISON = """#!{python}
import os, sys
from pathlib import Path
if "libx264" in sys.argv and "crop" in Path("graph.txt").read_text():
    stat = Path(f"/proc/{{os.getppid()}}/stat").read_text()
    os.kill(int(stat.rpartition(")")[2].split()[1]), 9)
os.execv({ffmpeg!r}, [{ffmpeg!r}, *sys.argv[1:]])
"""
"""An FFmpeg that kills the studio, the parent of its guard, when it is to crop a picture."""


async def test_a_step_that_kills_the_studio_is_given_up_and_its_neighbour_is_delivered(
    tmp_path: Path, talk: Path
):
    ffmpeg = tmp_path / "ffmpeg"
    ffmpeg.write_text(POISON.format(python=sys.executable, ffmpeg=str(FFMPEG)))
    ffmpeg.chmod(0o755)
    home = tmp_path / "home"
    home.mkdir()
    deaths, run_id, node = 0, "", {}
    for _ in range(MAX_ATTEMPTS + 1):
        with opened(home, MOSAIC_FFMPEG=str(ffmpeg)) as (studio, running):
            if not run_id:
                agent, node = studio.agent(
                    {
                        "in": "Video Input",
                        "square": ("Reframe", {"aspect_ratio": "1:1"}),
                        "logo": "Watermark",
                        "out": "Destination",
                    },
                    "in>square in>logo square>out logo>out",
                )
                clip = {"id": studio.add(talk), "input_clip_end_ms": 2000}
                run_id = studio.run(agent, {"video_id_inputs": [clip]})
            with anyio.fail_after(WAIT_S):
                await until(lambda s=studio, r=running: r.process.poll() is not None or ended(s))
            if running.process.poll() is not None:
                deaths += 1
                continue
            run = studio.end(run_id)
            break
    else:
        pytest.fail(f"it killed the studio {deaths} times")
    assert deaths == MAX_ATTEMPTS
    assert run["status"] == "partial_complete"
    assert [output["original_node_id"] for output in run["outputs"]] == [node["logo"]]
    (error,) = run["errors"]
    assert error["original_node_id"] == node["square"]
    assert f"died {MAX_ATTEMPTS} times" in error["messages"][0]
    assert list(of_kind(processes_of(home), "ffmpeg")) == []


def ended(studio: Studio) -> bool:
    return not studio.rows("select 1 from runs where status = 'running'")
