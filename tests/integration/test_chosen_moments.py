"""Clips by explicit ranges in the studio: the very frames, and refusals before a run exists."""

from pathlib import Path

import pytest

from tests.support.coded import counted, numbers
from tests.support.studio_runs import Studio

NODES = {"in": "Video Input", "clips": ("Clips", {"num_clips": 5}), "out": "Destination"}
EDGES = "in>clips clips>out"


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of numbered frames at 30 a second."""
    return counted(tmp_path_factory.mktemp("counted") / "numbers.mp4", 90)


@pytest.fixture
def own(studio, local) -> Studio:
    return Studio(local, studio.home)


def chosen(own: Studio, source: dict, *ranges: tuple, nodes=NODES, edges=EDGES) -> dict:
    agent, node = own.agent(nodes, edges)
    moments = [dict(zip(("start_ms", "end_ms", "title"), r, strict=False)) for r in ranges]
    body = {**source, "update_params": {node["clips"]: {"ranges": moments}}}
    return own.end(own.run(agent, body, quality="standard"))


def shown(own: Studio, run: dict) -> dict[str, list[int]]:
    assert run["status"] == "completed", run["errors"]
    infos = [own.http.get(f"/studio/v1/renders/{o['id']}").json() for o in run["outputs"]]
    return {info["name"]: numbers(Path(info["path"])) for info in infos}


def test_ranges_are_cut_on_their_frames_also_out_of_an_earlier_output(own: Studio, video: Path):
    given = {"video_ids": [own.add(video)]}
    run = chosen(own, given, (500, 1000), (2000, 3000, "The end"))
    assert shown(own, run) == {
        "numbers, clip 1": list(range(15, 30)),
        "The end": list(range(60, 90)),
    }
    end = next(o["id"] for o in run["outputs"] if len(numbers_of(own, o["id"])) == 30)
    again = chosen(own, {"node_render_ids": [end]}, (100, 200))
    assert shown(own, again) == {"The end, clip 1": [63, 64, 65]}


def numbers_of(own: Studio, render_id: str) -> list[int]:
    return numbers(Path(own.http.get(f"/studio/v1/renders/{render_id}").json()["path"]))


def test_ranges_are_checked_against_the_length_before_a_run_exists(own: Studio, video: Path):
    agent, node = own.agent(NODES, EDGES)
    ranges = [(0, 1000), (2500, 3500), (4000, 5000), (9, 9)]
    moments = [{"start_ms": a, "end_ms": b} for a, b in ranges]
    body = {
        "video_ids": [own.add(video)],
        "update_params": {node["clips"]: {"ranges": moments}},
    }
    answer = own.http.post(f"/agent/{agent}/run", json=body)
    assert answer.status_code == 400
    told = answer.json()["detail"]
    assert "ranges[1].end_ms: the range ends at 3.500 s, but numbers.mp4 lasts 3.000 s" in told
    assert "ranges[2].start_ms: the range begins at 4.000 s" in told
    assert "ranges[3].end_ms: (9) is not after start_ms (9)" in told
    assert own.http.get(f"/agent/{agent}/runs").json()["runs"] == []


def test_an_input_that_begins_behind_its_end_is_refused_before_a_run_exists(own, video):
    agent, _ = own.agent(NODES, EDGES)
    item = {"id": own.add(video), "input_clip_start_ms": 3000}
    answer = own.http.post(f"/agent/{agent}/run", json={"video_id_inputs": [item]})
    assert answer.status_code == 400
    assert "numbers.mp4 lasts 3.000 s: nothing is left" in answer.json()["detail"]
