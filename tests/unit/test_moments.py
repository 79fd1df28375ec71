"""Clips by explicit ranges: what a request may ask, and how the hosted engine is asked for it."""

from pathlib import Path

import pytest

from mosaic_mcp.client import Submitted
from mosaic_mcp.contract.graph import Graph
from mosaic_mcp.contract.moments import Length, check_lengths
from mosaic_mcp.contract.rules import check_run, parse_run
from mosaic_mcp.errors import InvalidRequest
from mosaic_mcp.intent import TileWish, VideoWish, build_graph, plan_run, submit, submitting
from mosaic_mcp.settings import Settings
from tests.support.agents import agent
from tests.support.engines import Engine

CHOSEN = {"in": "Video Input", "clips": "Clips", "tight": "Silence Removal", "out": "Destination"}
TIGHT = {"in": "Video Input", "tight": "Silence Removal", "clips": "Clips", "out": "Destination"}
TWO = [{"start_ms": 1000, "end_ms": 2500}, {"start_ms": 90_000, "end_ms": 99_000, "title": "End"}]
URL = "https://example.com/talk.mp4"


def faults(nodes, edges=None, *, ranges=TWO, **body) -> dict[str, str]:
    request = parse_run({"video_ids": ["v"], "update_params": {"clips": {"ranges": ranges}}} | body)
    found = check_run(request, Graph.of(agent(nodes, edges)))
    return {f.where.removeprefix("update_params."): f.sentence() for f in found}


def test_ranges_may_be_given_where_clips_comes_first():
    assert faults(CHOSEN) == {}


def test_ranges_after_a_tile_that_cuts_would_be_other_moments():
    told = faults(TIGHT)["clips.ranges"]
    assert "Silence Removal changes its time first" in told
    assert faults(TIGHT, ignore_nodes=["tight"]) == {}


def test_ranges_and_a_clip_range_of_the_input_do_not_go_together():
    item = {"id": "v", "input_clip_start_ms": 5}
    told = faults(CHOSEN, video_ids=[], video_id_inputs=[item])
    assert "count from the video's own start" in told["clips.ranges"]


def test_every_malformed_range_is_told_at_its_place():
    wrong = [
        {"start_ms": 5, "end_ms": 5},
        {"start_ms": 7, "end_ms": 3},
        {"start_ms": 1, "end_ms": 9},
    ]
    assert set(faults(CHOSEN, ranges=wrong)) == {
        "clips.ranges[0].end_ms",
        "clips.ranges[1].end_ms",
    }
    misspelt = [{"start": 5, "end_ms": 9}, {"start_ms": -1, "end_ms": 9}]
    assert set(faults(CHOSEN, ranges=misspelt)) == {
        "clips.ranges[0].start_ms",
        "clips.ranges[0].start",
        "clips.ranges[1].start_ms",
    }


def test_what_lies_behind_the_end_of_a_video_of_known_length_is_told_all_at_once():
    graph = Graph.of(agent(CHOSEN))
    ranges = [
        {"start_ms": 0, "end_ms": 60_050},  # a last word may end a little late
        {"start_ms": 59_000, "end_ms": 60_200},
        {"start_ms": 60_000, "end_ms": 61_000},
    ]
    request = parse_run({"video_ids": ["v", "w"], "update_params": {"clips": {"ranges": ranges}}})
    found = list(check_lengths(request, graph, {"v": Length("talk.mp4", 60_000)}))
    assert {f.where: f.what for f in found} == {
        "update_params.clips.ranges[1].end_ms": "the range ends at 60.200 s, but talk.mp4 lasts "
        "60.000 s.",
        "update_params.clips.ranges[2].start_ms": "the range begins at 60.000 s, but talk.mp4 "
        "lasts 60.000 s.",
    }


def test_an_input_that_starts_behind_its_end_is_refused_and_one_that_ends_there_is_not():
    graph = Graph.of(agent(CHOSEN))
    lengths = {"v": Length("talk.mp4", 60_000)}
    late = parse_run({"video_ids": ["v"], "input_clip_start_ms": 60_000})
    long = parse_run({"video_ids": ["v"], "input_clip_end_ms": 99_000})
    [fault] = check_lengths(late, graph, lengths)
    assert (
        fault.what == "the part begins at 60.000 s, but talk.mp4 lasts 60.000 s: nothing is left."
    )
    assert list(check_lengths(long, graph, lengths)) == []


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "talk.mp4").write_bytes(b"talk")
    return Settings(home=tmp_path / "data", allowed_dirs=(tmp_path,))


async def planned(settings, nodes, *, hosted, ranges=TWO, videos=(URL,), edges=None, **more):
    engine = Engine(agent(nodes, edges, name="Mine"), hosted=hosted)
    wishes = [v if isinstance(v, VideoWish) else VideoWish(v) for v in videos]
    params = {"Clips": {"ranges": ranges}}
    return await plan_run(engine, settings, agent="Mine", videos=wishes, params=params, **more)


async def refused(settings, nodes, **how) -> dict[str, str]:
    with pytest.raises(InvalidRequest) as refusal:
        await planned(settings, nodes, **how)
    return {f.where: f.sentence() for f in refusal.value.faults}


async def test_the_studio_is_given_the_ranges_as_they_are(settings):
    plan = await planned(settings, CHOSEN, hosted=False)
    assert plan.body() == {"video_urls": [URL], "update_params": {"clips": {"ranges": TWO}}}


async def test_the_hosted_engine_is_given_an_input_for_each_range_and_no_clips(settings):
    plan = await planned(settings, CHOSEN, hosted=True, videos=[URL, f"{URL}?2"])
    spans = [
        {"input_clip_start_ms": 1000, "input_clip_end_ms": 2500},
        {"input_clip_start_ms": 90_000, "input_clip_end_ms": 99_000},
    ]
    assert plan.body() == {
        "video_url_inputs": [{"url": url, **s} for url in (URL, f"{URL}?2") for s in spans],
        "ignore_nodes": ["clips"],
    }
    told = " ".join(plan.warnings)
    assert "each of the 2 ranges is given to Mosaic as an input of its own" in told
    assert "does not take titles" in told


@pytest.mark.parametrize(
    ("nodes", "how", "where", "says"),
    [
        (TIGHT, {}, "params.Clips.ranges", "Silence Removal changes its time first"),
        (
            {**CHOSEN, "whole": "Watermark"},
            {"edges": "in>clips clips>tight tight>out in>whole"},
            "params.Clips.ranges",
            "would also cut what Watermark gets",
        ),
        (CHOSEN, {"clip": "first minute"}, "params.Clips.ranges", "has a clip range as well"),
        (
            CHOSEN,
            {"ranges": [{"start_ms": 9, "end_ms": 3}]},
            "params.Clips.ranges[0].end_ms",
            "is not after start_ms",
        ),
    ],
)
async def test_what_clip_ranges_of_inputs_cannot_say_is_refused(settings, nodes, how, where, says):
    assert says in (await refused(settings, nodes, hosted=True, **how))[where]


async def test_ranges_cannot_be_saved_in_an_agent_of_the_hosted_engine():
    engine = Engine(hosted=True)
    with pytest.raises(InvalidRequest) as refusal:
        await build_graph(engine, name="Mine", tiles=[TileWish("Clips", params={"ranges": TWO})])
    [fault] = refusal.value.faults
    assert fault.where == "tiles[0].params.ranges"
    assert "Give them for each run" in fault.remedy


async def test_a_render_is_measured_before_the_run_and_a_file_before_it_is_posted(
    settings, tmp_path, monkeypatch
):
    posted = []

    async def submit_once(*given, **how):
        posted.append(given)
        return Submitted("run-1")

    monkeypatch.setattr(submitting, "submit_once", submit_once)
    engine = Engine(agent(CHOSEN, name="Mine"), renders={"abcd": 95.0})
    params = {"Clips": {"ranges": TWO}}
    with pytest.raises(InvalidRequest, match=r"params\.Clips\.ranges\[1\]\.end_ms"):
        await plan_run(
            engine, settings, agent="Mine", videos=[VideoWish("render:abcd")], params=params
        )
    engine.duration_s = 50.0
    video = VideoWish(str(tmp_path / "talk.mp4"))
    plan = await plan_run(engine, settings, agent="Mine", videos=[video], params=params)
    with pytest.raises(InvalidRequest, match=r"talk\.mp4 lasts 50\.000 s") as refusal:
        await submit(plan, engine, None)
    assert [f.where for f in refusal.value.faults] == ["params.Clips.ranges[1].start_ms"]
    assert posted == []
