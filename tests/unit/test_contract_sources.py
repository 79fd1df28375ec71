"""Which sources and ranges a request of the page Run Agent stands for, a test for each sentence."""

import json

import pytest

from mosaic_mcp.contract.graph import Graph
from mosaic_mcp.contract.rules import check_run, parse_run
from mosaic_mcp.contract.run_page import Rule
from mosaic_mcp.errors import InvalidRequest
from mosaic_mcp.studio.runs.creating import input_specs
from tests.support.agents import agent

ONE = Graph.of(agent({"in": "Video Input", "caps": "Captions", "out": "Destination"}))
YOUTUBE = "https://www.youtube.com/watch?v=dQw4w9WgXcQ"
URL = "https://example.com/talk.mp4"
SOURCES = {
    "video_ids": ["v"],
    "node_render_ids": ["r"],
    "video_urls": [URL],
    "youtube_urls": [YOUTUBE],
    "video_id_inputs": [{"id": "v"}],
    "node_render_inputs": [{"id": "r"}],
    "video_url_inputs": [{"url": URL}],
    "youtube_url_inputs": [{"url": YOUTUBE}],
    "mimir_assets": [{"id": "m"}],
}


def specs(body: dict) -> list[tuple]:
    """What a studio brings in: (kind, reference, start, end), in milliseconds."""
    request = parse_run(body)
    places = request.video_inputs or (request,)
    return [
        (s["kind"], s["ref"], s.get("start_ms"), s.get("end_ms"))
        for place in places
        for s in input_specs(place)
    ]


@pytest.mark.parametrize("name", SOURCES)
def test_every_form_of_source_may_stand_alone_at_the_top_and_in_an_entry(name):
    """ "each entry accepts one or more sources"; "Top-level fields … are shorthand" """
    source = {name: SOURCES[name]}
    entry = {"video_inputs": [{"agent_node_id": "in", **source}]}
    for body in (source, entry):
        assert check_run(parse_run(body), ONE, mimir_connected=True) == [], body


def test_every_form_of_source_may_stand_beside_the_others():
    """ "mimir_assets can be combined with other input types in the same entry." """
    entry = {"agent_node_id": "in", **SOURCES}
    for body in (SOURCES, {"video_inputs": [entry]}):
        assert check_run(parse_run(body), ONE, mimir_connected=True) == []


def test_the_range_at_the_top_applies_to_all_plain_arrays():
    """ "Optional start offset applied to all top-level input arrays." """
    body = {
        "video_ids": ["a", "b"],
        "node_render_ids": ["r"],
        "video_urls": [URL],
        "youtube_urls": [YOUTUBE],
        "input_clip_start_ms": 45_000,
        "input_clip_end_ms": 90_000,
    }
    refs = [("video", "a"), ("video", "b"), ("render", "r"), ("url", URL), ("youtube", YOUTUBE)]
    assert specs(body) == [(*ref, 45_000, 90_000) for ref in refs]


def test_the_range_of_an_entry_applies_to_its_plain_arrays_only():
    """ "optional input_clip_start_ms / input_clip_end_ms fields can limit the source range" """
    entries = [
        {"agent_node_id": "a", "video_ids": ["v"], "input_clip_start_ms": 5},
        {"agent_node_id": "b", "video_ids": ["w"], "input_clip_end_ms": 7},
    ]
    assert specs({"video_inputs": entries}) == [("video", "v", 5, None), ("video", "w", None, 7)]


def test_items_keep_their_own_ranges_beside_a_common_one():
    """ "If you need different start/end ranges for different inputs, use video_id_inputs, … instead
    of the plain string arrays." """
    body = {
        "video_ids": ["plain"],
        "input_clip_end_ms": 1_000,
        "video_id_inputs": [{"id": "own", "input_clip_start_ms": 2_000}, {"id": "whole"}],
        "youtube_url_inputs": [{"url": YOUTUBE, "input_clip_end_ms": 3_000}],
    }
    assert check_run(parse_run(body), ONE) == []
    assert specs(body) == [
        ("video", "plain", None, 1_000),
        ("video", "own", 2_000, None),
        ("video", "whole", None, None),
        ("youtube", YOUTUBE, None, 3_000),
    ]


def test_a_range_may_begin_at_zero():
    """ "trim from 0 to this offset" """
    body = {"video_ids": ["v"], "input_clip_start_ms": 0, "input_clip_end_ms": 1_200_000}
    assert check_run(parse_run(body), ONE) == []
    assert specs(body) == [("video", "v", 0, 1_200_000)]


def test_a_source_named_twice_is_two_inputs():
    assert len(specs({"video_ids": ["v", "v"]})) == 2


def test_an_empty_array_is_no_source():
    """ "Run that agent without video_inputs, video_ids, video_urls, or node_render_ids." """
    empty = {name: [] for name in (*SOURCES, "video_inputs")}
    [fault] = check_run(parse_run(empty), ONE)
    assert fault.rule == Rule.each_input
    generating = Graph.of(agent({"avatar": "AI Avatar"}))
    params = {"update_params": {"avatar": {"script": "Hello."}}}
    assert check_run(parse_run(empty | params), generating) == []


def test_a_generating_tile_beside_a_video_input_takes_nothing_of_its_videos():
    """ "workflows starting with generation nodes and no Video Input node": this one has one."""
    detail = agent(
        {"in": "Video Input", "music": "Audio Generation", "caps": "Captions"},
        "in>caps music>caps",
    )
    graph = Graph.of(detail)
    params = {"music": {"mode": "music", "music_prompt": "Calm piano"}}
    body = {"video_ids": ["v"], "update_params": params}
    assert check_run(parse_run(body), graph) == []
    [fault] = check_run(parse_run({"update_params": params}), graph)
    assert fault.what == "No video is given."
    entry = {"video_inputs": [{"agent_node_id": "music", "video_ids": ["v"]}]}
    assert Rule.tile in [f.rule for f in check_run(parse_run(entry), graph)]


@pytest.mark.parametrize("artifact", ["highres", "proxy", "auto"])
def test_a_mimir_asset_has_an_artifact_and_a_range_of_its_own(artifact):
    """ "Each object has id (Mimir item UUID), optional artifact (highres, proxy, or auto; defaults
    to highres), and optional input_clip_start_ms / input_clip_end_ms." """
    asset = {"id": "b60d57d2-4b12-a80c-6f14-c5eefaa91460", "artifact": artifact}
    body = {"mimir_assets": [asset | {"input_clip_start_ms": 120_000}]}
    request = parse_run(body)
    assert check_run(request, ONE, mimir_connected=True) == []
    assert request.body() == body


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"mimir_assets": [{"artifact": "highres"}]}, "mimir_assets[0].id"),
        ({"video_id_inputs": [{"input_clip_end_ms": 5}]}, "video_id_inputs[0].id"),
        ({"node_render_inputs": [{}]}, "node_render_inputs[0].id"),
        ({"video_url_inputs": [{"id": "v"}]}, "video_url_inputs[0].url"),
        ({"youtube_url_inputs": [{}]}, "youtube_url_inputs[0].url"),
        ({"video_ids": [7]}, "video_ids[0]"),
        ({"video_ids": [""]}, "video_ids[0]"),
        ({"video_urls": [None]}, "video_urls[0]"),
        ({"video_inputs": {"agent_node_id": "in"}}, "video_inputs"),
        ({"ignore_nodes": "caps"}, "ignore_nodes"),
        ({"update_params": {"caps": 5}}, "update_params.caps"),
        ({"update_params": []}, "update_params"),
        ({"callback_url": 5}, "callback_url"),
        ({"input_clip_end_ms": "90 s"}, "input_clip_end_ms"),
    ],
    ids=json.dumps,
)
def test_a_field_of_another_type_is_named(body, where):
    with pytest.raises(InvalidRequest) as refusal:
        parse_run(body)
    assert where in [fault.where for fault in refusal.value.faults]


def test_the_callback_and_the_parameters_may_be_left_out():
    """ "callback_url: Optional", "update_params: Optional", "ignore_nodes: Optional" """
    assert parse_run({"video_ids": ["v"]}).body() == {"video_ids": ["v"]}
    nulls = {"video_ids": ["v"], "callback_url": None, "input_clip_start_ms": None}
    assert check_run(parse_run(nulls), ONE) == []


def test_uploaded_media_are_named_by_their_ids():
    """ "use the Uploads API to upload your files and get their UUIDs" """
    graph = Graph.of(agent({"in": "Video Input", "logo": "Watermark"}))
    image = {"use_custom_logo": "custom", "image_id": "76b23456-7890-efab-cd12-345678901bcd"}
    body = {"video_ids": ["v"], "update_params": {"logo": image}}
    assert check_run(parse_run(body), graph) == []
    body["update_params"]["logo"] = image | {"image_id": 7}
    [fault] = check_run(parse_run(body), graph)
    assert fault.where == "update_params.logo.image_id"


@pytest.mark.parametrize(
    ("tiles", "ignored", "edges"),
    [
        ("in>caps caps>out", ["caps"], {("in", "out")}),
        ("in>caps caps>logo logo>out", ["caps", "logo"], {("in", "out")}),
        (
            "in>caps in>logo caps>out logo>out",
            ["caps"],
            {("in", "out"), ("in", "logo"), ("logo", "out")},
        ),
    ],
)
def test_a_bypassed_node_hands_on_what_comes_in(tiles, ignored, edges):
    """ "Mosaic removes each ignored node from the runtime graph and rewires incoming edges directly
    to its downstream nodes." """
    nodes = {"in": "Video Input", "caps": "Captions", "logo": "Watermark", "out": "Destination"}
    used = {name: tile for name, tile in nodes.items() if name in tiles}
    graph = Graph.of(agent(used, tiles))
    assert check_run(parse_run({"video_ids": ["v"], "ignore_nodes": ignored}), graph) == []
    assert set(graph.runnable(ignored).edges) == edges
