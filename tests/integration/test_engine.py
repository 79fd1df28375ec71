"""Agents executed as graphs, over real HTTP with real FFmpeg; and what survives kill -9."""

import json
import os
import shutil
import signal
import sqlite3
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import pytest

from mosaic_mcp.studio.perception.local import VERSION
from mosaic_mcp.studio.runs.states import MAX_ATTEMPTS
from tests.support.coded import ffmpeg
from tests.support.studio_process import RunningStudio, running_studio
from tests.support.studio_runs import Studio, processes_in, rendering
from tests.support.talking import talking_head

SCRIPT = (
    "Welcome to the show. (0.8) um (0.5) Choose a quiet room with soft furniture. (0.9) "
    "A carpet swallows the echo. (1.0) Keep the microphone close to your mouth. (0.8) "
    "Record a test before the interview."
)


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    video = tmp_path_factory.mktemp("talk") / "talk.mp4"
    truth = talking_head(video, SCRIPT, cut_at=4.0)
    video.with_suffix(".srt").write_text(truth.srt())
    return video


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second with a sound in which nobody has listened for words."""
    path = tmp_path_factory.mktemp("film") / "hello.mp4"
    inputs = [x for s in ("color=red:s=160x90:d=1", "sine=d=1") for x in ("-f", "lavfi", "-i", s)]
    ffmpeg(*inputs, "-preset", "ultrafast", path)
    return path


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    home = tmp_path_factory.mktemp("home")
    with running_studio(home) as running, running.client() as http:
        yield Studio(http, home)


BRANCHES = {
    "in": "Video Input",
    "square": ("Reframe", {"aspect_ratio": "1:1"}),
    "logo": "Watermark",
    "out": "Destination",
}


def test_branches_run_beside_each_other_and_name_their_outputs(studio: Studio, talk: Path):
    agent, node = studio.agent(BRANCHES, "in>square in>logo square>out logo>out")
    clip = {"id": studio.add(talk), "input_clip_end_ms": 2000}
    run = studio.end(studio.run(agent, {"video_id_inputs": [clip]}))
    assert run["status"] == "completed"
    assert {o["original_node_id"] for o in run["outputs"]} == {node["square"], node["logo"]}
    assert run["node_status_counts"] == {"completed": 4, "in_progress": 0, "failed": 0}


def test_clips_fan_out_and_every_clip_goes_through_what_follows(studio: Studio, talk: Path):
    agent, node = studio.agent(
        {
            "in": "Video Input",
            "clips": ("Clips", {"num_clips": 2, "target_duration": 3}),
            "square": ("Reframe", {"aspect_ratio": "1:1"}),
            "out": "Destination",
        },
        "in>clips clips>square square>out",
    )
    video = studio.add(talk, talk.with_suffix(".srt"))
    run = studio.end(studio.run(agent, {"video_ids": [video]}))
    assert run["status"] == "completed"
    assert [o["original_node_id"] for o in run["outputs"]] == [node["square"]] * 2


def test_several_inputs_go_to_their_own_tiles(studio: Studio, talk: Path):
    agent, node = studio.agent(
        {"a": "Video Input", "b": "Video Input", "logo": "Watermark", "out": "Destination"},
        "a>logo b>out logo>out",
    )
    video = studio.add(talk)
    entries = [
        {
            "agent_node_id": node[name],
            "video_ids": [video],
            "input_clip_start_ms": start,
            "input_clip_end_ms": start + 1000,
        }
        for name, start in (("a", 0), ("b", 5000))
    ]
    run_id = studio.run(agent, {"video_inputs": entries})
    run = studio.end(run_id)
    assert run["status"] == "completed"
    assert len(run["inputs"]) == 2
    assert {o["original_node_id"] for o in run["outputs"]} == {node["logo"], node["b"]}
    starts = {
        r["clip"]
        for r in studio.rows(
            "select json_extract(timeline, '$.clips[0].start') as clip from renders "
            f"where run_id = '{run_id}'"
        )
    }
    assert starts == {"0", "5"}


def test_a_part_that_is_shorter_than_a_frame_is_refused_as_such(studio: Studio, talk: Path):
    agent, node = studio.agent({"in": "Video Input", "out": "Destination"}, "in>out")
    part = {"input_clip_start_ms": 500, "input_clip_end_ms": 505}
    entries = [{"agent_node_id": node["in"], "video_ids": [studio.add(talk)], **part}]
    run = studio.end(studio.run(agent, {"video_inputs": entries}))
    assert run["status"] == "failed"
    [error] = run["errors"]
    assert "shorter than one of its frames. Give a longer part." in error["messages"][0]


def test_a_failing_branch_leaves_the_other_delivered(studio: Studio, talk: Path):
    agent, node = studio.agent(
        {
            "in": "Video Input",
            # No such picture: the tile fails when it runs, not before.
            "broken": ("Watermark", {"use_custom_logo": "custom", "image_id": "0" * 8}),
            "after": ("Reframe", {"aspect_ratio": "1:1"}),
            "fine": "Watermark",
            "out": "Destination",
        },
        "in>broken broken>after after>out in>fine fine>out",
    )
    clip = {"id": studio.add(talk), "input_clip_end_ms": 1000}
    run_id = studio.run(agent, {"video_id_inputs": [clip]})
    run = studio.end(run_id)
    assert run["status"] == "partial_complete"
    assert [o["original_node_id"] for o in run["outputs"]] == [node["fine"]]
    (error,) = run["errors"]
    assert error["original_node_id"] == node["broken"]
    assert "00000000" in error["messages"][0]
    nodes = studio.http.get(f"/agent_run/{run_id}/nodes").json()["nodes"]
    status = {n["original_node_id"]: n["status"] for n in nodes}
    assert status[node["after"]] == "blocked"
    assert status[node["out"]] == "partial_complete"
    assert studio.http.post(f"/agent_run/{run_id}/resume").status_code == 409


def test_ignored_nodes_are_bypassed(studio: Studio, talk: Path):
    agent, node = studio.agent(
        {"in": "Video Input", "square": ("Reframe", {"aspect_ratio": "1:1"}), "logo": "Watermark"},
        "in>square square>logo",
    )
    clip = {"id": studio.add(talk), "input_clip_end_ms": 1000}
    run_id = studio.run(agent, {"video_id_inputs": [clip], "ignore_nodes": [node["square"]]})
    run = studio.end(run_id)
    render = studio.http.get(f"/studio/v1/renders/{run['outputs'][0]['id']}").json()
    assert (render["facts"]["width"], render["facts"]["height"]) == (320, 180)


def test_an_equal_render_is_taken_over_and_not_made_again(studio: Studio, film: Path):
    agent, _ = studio.agent({"in": "Video Input", "logo": "Watermark"}, "in>logo")
    body = {"video_ids": [studio.add(film)]}
    first = studio.end(studio.run(agent, body))["outputs"][0]["id"]
    # As if `read_transcript` had listened with a good recogniser meanwhile.
    words = [{"text": "Heard.", "start": 0.2, "end": 0.6}]
    heard = {"words": words, "confidence": 0.9, "language": "en"}
    [clip] = studio.http.get(f"/studio/v1/renders/{first}").json()["timeline"]["clips"]
    cache = studio.home / "cache" / "perception" / clip["source"]
    kept = cache / f"words-pocketsphinx-{VERSION}.json"
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(heard))
    second = studio.end(studio.run(agent, body))["outputs"][0]["id"]
    assert first != second
    files = [studio.home / "renders" / i / "video.mp4" for i in (first, second)]
    assert files[0].samefile(files[1])
    kept.unlink()
    texts = [video.with_name("captions.txt") for video in files]
    assert [text.exists() for text in texts] == [False, True], "what became known is written now"


def test_the_words_of_a_talk_are_kept_behind_an_intro_of_which_none_are_known(
    studio: Studio, talk: Path, film: Path
):
    card = {"use_custom_intro": "custom", "custom_intro_video_id": studio.add(film)}
    agent, _ = studio.agent({"in": "Video Input", "intro": ("Intro", card)}, "in>intro")
    clip = {"id": studio.add(talk, talk.with_suffix(".srt")), "input_clip_end_ms": 2000}
    [output] = studio.end(studio.run(agent, {"video_id_inputs": [clip]}))["outputs"]
    told = studio.http.get(f"/studio/v1/renders/{output['id']}").json()
    assert "Welcome to the show." in Path(told["texts"]["srt"]).read_text("utf-8")
    missing = told["facts"]["missing_words"]
    assert missing.startswith("The subtitles leave out 0:00-0:0")
    assert "the words of hello.mp4 are not known. read_transcript of this output" in missing
    # A studio that died between publishing and writing it down tells the same.
    kept = json.loads((studio.home / "renders" / output["id"] / "recipe.json").read_text("utf-8"))
    assert kept["missing_words"] == missing


LONG = {"quality": "standard"}
"""A render that lasts some seconds: tall and in full size."""
TALL = {"in": "Video Input", "tall": ("Reframe", {"aspect_ratio": "9:16"})}


def start_long(studio: Studio, talk: Path) -> str:
    """A run of TALL, followed until FFmpeg is at work."""
    agent, _ = studio.agent(TALL, "in>tall")
    clip = {"id": studio.add(talk), "input_clip_end_ms": 4000}
    run_id = studio.run(agent, {"video_id_inputs": [clip]}, **LONG)
    studio.until(run_id, rendering)
    return run_id


def test_cancel_ends_ffmpeg_and_leaves_no_half_file_and_resume_finishes(studio: Studio, talk: Path):
    run_id = start_long(studio, talk)
    assert processes_in(studio.home / "work")
    renders = set((studio.home / "renders").iterdir())
    answer = studio.post(f"/agent_run/{run_id}/cancel")
    assert not processes_in(studio.home / "work")
    assert list((studio.home / "work").iterdir()) == []
    assert set((studio.home / "renders").iterdir()) == renders
    assert (answer["tasks_cancelled"], answer["nodes_reset"]) == (1, 1)
    again = studio.post(f"/agent_run/{run_id}/cancel")
    assert (again["tasks_cancelled"], again["nodes_reset"]) == (0, 0)
    resumed = studio.post(f"/agent_run/{run_id}/resume")
    assert (resumed["nodes_considered"], resumed["requeued_nodes"]) == (2, 1)
    run = studio.end(run_id)
    assert run["status"] == "completed"
    assert len(run["outputs"]) == 1
    assert studio.http.post(f"/agent_run/{run_id}/resume").status_code == 409


@contextmanager
def opened(home: Path) -> Generator[tuple[Studio, RunningStudio]]:
    """A studio of its own, which a test may kill."""
    with running_studio(home) as running, running.client() as http:
        yield Studio(http, home), running


def kill(running: RunningStudio) -> None:
    os.kill(running.process.pid, signal.SIGKILL)
    running.process.wait()


@dataclass(frozen=True)
class Killed:
    """What a killed studio left: its data folder, its run, and the run's nodes as they were."""

    home: Path
    run_id: str
    nodes: list[sqlite3.Row]


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory, talk: Path) -> Killed:
    """The data folder of a studio that was killed while FFmpeg was at work."""
    home = tmp_path_factory.mktemp("killed")
    with opened(home) as (studio, running):
        run_id = start_long(studio, talk)
        kill(running)
    nodes = studio.nodes(run_id)
    assert [node["status"] for node in nodes] == ["completed", "running"]
    return Killed(home, run_id, nodes)


@pytest.fixture
def left(killed: Killed, tmp_path: Path) -> Killed:
    """The same, to go on with."""
    return replace(killed, home=shutil.copytree(killed.home, tmp_path / "home"))


def dbos(home: Path, *statements: str) -> None:
    """Change what DBOS remembers."""
    with closing(sqlite3.connect(home / "studio" / "dbos.db")) as database, database:
        for statement in statements:
            database.execute(statement)


def test_a_killed_studio_carries_on_and_redoes_nothing_that_was_finished(left: Killed):
    home, run_id = left.home, left.run_id
    with opened(home) as (studio, _):
        run = studio.end(run_id)
        assert list((home / "work").iterdir()) == []
    assert run["status"] == "completed"
    (output,) = run["outputs"]
    assert [p.name for p in (home / "renders").iterdir()] == [output["id"]]
    after = studio.nodes(run_id)
    assert [node["attempt"] for node in after] == [1, 1]
    assert [node["started_at"] for node in after] == [node["started_at"] for node in left.nodes]
    assert [row["attempt"] for row in studio.rows("select attempt from renders")] == [2]


def test_a_studio_that_is_ended_in_good_order_carries_on_too(tmp_path: Path, talk: Path):
    with opened(tmp_path) as (studio, _):
        run_id = start_long(studio, talk)
    assert not processes_in(tmp_path / "work")
    (render,) = studio.rows("select status, attempt from renders")
    assert tuple(render) == ("queued", 0), "a stop in good order is no failed attempt"
    with opened(tmp_path) as (studio, _):
        assert studio.end(run_id)["status"] == "completed"


@pytest.mark.long
@pytest.mark.short
def test_work_that_dbos_forgot_is_queued_again(left: Killed):
    home, run_id = left.home, left.run_id
    dbos(home, "delete from operation_outputs", "delete from workflow_status")
    with opened(home) as (studio, _):
        assert studio.end(run_id)["status"] == "completed"


@pytest.mark.long
@pytest.mark.short
def test_work_that_dbos_gave_up_fails_and_can_be_resumed(left: Killed):
    home, run_id = left.home, left.run_id
    dbos(home, "update workflow_status set status = 'ERROR' where status = 'PENDING'")
    with opened(home) as (studio, _):
        run = studio.end(run_id)
        assert run["status"] == "failed"
        assert "Resume the run." in run["errors"][0]["messages"][0]
        studio.post(f"/agent_run/{run_id}/resume")
        assert studio.end(run_id)["status"] == "completed"


@pytest.mark.long
@pytest.mark.short
def test_what_ends_the_studio_each_time_is_given_up(left: Killed):
    home, run_id = left.home, left.run_id
    with closing(sqlite3.connect(home / "studio" / "studio.db")) as database, database:
        database.execute(f"update renders set attempt = {MAX_ATTEMPTS}")
    with opened(home) as (studio, _):
        run = studio.end(run_id)
    assert run["status"] == "failed"
    assert f"died {MAX_ATTEMPTS} times" in run["errors"][0]["messages"][0]


def test_a_watcher_hears_of_a_change_and_sees_it_all(studio: Studio, talk: Path):
    agent, _ = studio.agent({"in": "Video Input", "logo": "Watermark"}, "in>logo")
    clip = {"id": studio.add(talk), "input_clip_end_ms": 1200}
    run_id = studio.run(agent, {"video_id_inputs": [clip]})
    seen, seq, states = 0, 0, []
    while True:
        watch = studio.watch(run_id, seq)
        assert watch["seq"] >= seq
        seq, seen = watch["seq"], seen + 1
        states.append([n["progress"] for n in watch["nodes"]])
        if watch["run"]["status"] == "completed":
            break
    assert seen > 3
    for earlier, later in pairwise(states):
        assert all(a <= b for a, b in zip(earlier, later, strict=True))
