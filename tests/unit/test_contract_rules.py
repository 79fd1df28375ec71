"""The input rules of the page Run Agent, a test for each of its sentences."""

import json

import pytest

from mosaic_mcp.contract.graph import Graph
from mosaic_mcp.contract.rules import check_run, parse_run
from mosaic_mcp.contract.run_page import MAX_DURATION_S, MAX_URL_BYTES, Rule
from mosaic_mcp.errors import Fault, InvalidRequest
from tests.support.agents import agent

ONE = agent(
    {
        "in": "Video Input",
        "clips": "Clips",
        "reframe": "Reframe",
        "caps": "Captions",
        "out": "Destination",
    }
)
TWO = agent(
    {"talk": "Video Input", "screen": "Video Input", "caps": "Captions", "out": "Destination"},
    "talk>caps screen>caps caps>out",
)
GENERATION = agent({"avatar": "AI Avatar", "caps": "Captions", "out": "Destination"})
URL = "https://example.com/talk.mp4"


def faults(body: dict, detail=ONE, **how) -> list[Fault]:
    return check_run(parse_run(body), Graph.of(detail), **how)


def only(body: dict, detail=ONE, **how) -> Fault:
    [fault] = faults(body, detail, **how)
    return fault


@pytest.mark.parametrize(
    "body",
    [
        {"video_ids": ["v"]},
        {"node_render_ids": ["r"]},
        {"video_urls": [URL]},
        {"video_urls": ["https://www.youtube.com/watch?v=dQw4w9WgXcQ"]},
        {"youtube_urls": ["https://youtu.be/dQw4w9WgXcQ"]},
        {"video_id_inputs": [{"id": "v", "input_clip_start_ms": 5}]},
        {"node_render_inputs": [{"id": "r", "input_clip_end_ms": 5}]},
        {"video_url_inputs": [{"url": URL}]},
        {"youtube_url_inputs": [{"url": "https://www.youtube.com/shorts/dQw4w9WgXcQ"}]},
        {"video_ids": ["v"], "node_render_ids": ["r"], "video_urls": [URL]},
        {"video_inputs": [{"agent_node_id": "in", "video_ids": ["v"]}]},
        {"video_ids": ["v"], "callback_url": "http://localhost:9000/hook"},
        {"video_ids": ["v"], "update_params": {"clips": {"num_clips": 3}}},
        {"video_ids": ["v"], "ignore_nodes": ["caps", "reframe"]},
    ],
    ids=json.dumps,
)
def test_what_the_page_shows_is_accepted(body):
    assert faults(body) == []


def test_top_level_arrays_and_video_inputs_exclude_each_other():
    """ "Use either top-level input arrays or video_inputs (not both in the same request)." """
    fault = only(
        {"video_ids": ["v"], "video_inputs": [{"agent_node_id": "in", "video_ids": ["w"]}]}
    )
    assert fault.rule == Rule.either
    assert fault.where == "video_ids"


def test_several_video_inputs_need_video_inputs():
    """ "If the runnable graph has multiple Video Input tiles, provide one video_inputs entry for
    each runnable input tile." """
    fault = only({"video_ids": ["v"]}, TWO)
    assert fault.rule == Rule.each_input
    assert "talk" in fault.remedy
    assert "screen" in fault.remedy


def test_every_video_input_needs_an_entry():
    fault = only({"video_inputs": [{"agent_node_id": "talk", "video_ids": ["v"]}]}, TWO)
    assert fault.rule == Rule.each_input
    assert "screen" in fault.what


def test_a_video_input_has_one_entry_only():
    entries = [
        {"agent_node_id": "talk", "video_ids": ["v"]},
        {"agent_node_id": "talk", "video_ids": ["w"]},
        {"agent_node_id": "screen", "video_ids": ["x"]},
    ]
    fault = only({"video_inputs": entries}, TWO)
    assert (fault.rule, fault.what) == (
        Rule.each_input,
        "There are 2 entries for Video Input (talk).",
    )


def test_each_entry_names_at_least_one_source():
    """ "Each entry must include agent_node_id plus at least one of video_ids, node_render_ids,
    video_urls, or mimir_assets." """
    fault = only({"video_inputs": [{"agent_node_id": "in"}]})
    assert (fault.where, fault.rule) == ("video_inputs[0]", Rule.at_least_one)


def test_each_entry_includes_agent_node_id():
    with pytest.raises(InvalidRequest) as refusal:
        parse_run({"video_inputs": [{"video_ids": ["v"]}]})
    assert [f.where for f in refusal.value.faults] == ["video_inputs[0].agent_node_id"]


@pytest.mark.parametrize(
    ("node", "what"), [("caps", "Captions is not a Video Input."), ("im", "no runnable node 'im'")]
)
def test_an_entry_belongs_to_a_video_input(node, what):
    """ "video_inputs[] entries map assets to a specific Video Input tile (agent_node_id)" """
    entries = [
        {"agent_node_id": "in", "video_ids": ["v"]},
        {"agent_node_id": node, "video_ids": ["v"]},
    ]
    fault = only({"video_inputs": entries})
    assert (fault.where, fault.rule) == ("video_inputs[1].agent_node_id", Rule.tile)
    assert what in fault.what
    assert "Video Input (in)" in fault.remedy


def test_a_graph_with_a_video_input_needs_a_video():
    assert only({}).what == "No video is given."
    assert only({"update_params": {"clips": {"num_clips": 2}}}).where == "video_inputs"


@pytest.mark.parametrize(
    "body",
    [
        {"video_ids": ["v"]},
        {"video_urls": [URL]},
        {"mimir_assets": [{"id": "m"}]},
        {"video_inputs": [{"agent_node_id": "avatar", "video_ids": ["v"]}]},
        {"input_clip_end_ms": 5},
    ],
    ids=json.dumps,
)
def test_agents_that_only_generate_take_no_inputs(body):
    """ "For workflows starting with generation nodes and no Video Input node, no video inputs
    should be provided." """
    assert only(body, GENERATION, mimir_connected=True).rule == Rule.generation


def test_agents_that_only_generate_run_without_inputs():
    assert faults({"update_params": {"avatar": {"script": "Hello."}}}, GENERATION) == []


def test_render_ids_are_inputs_at_the_top_and_in_entries():
    """ "node_render_ids are valid video inputs (top-level shorthand for single-input runs, or
    per-entry in video_inputs)." """
    assert faults({"node_render_ids": ["r"]}) == []
    assert faults({"video_inputs": [{"agent_node_id": "in", "node_render_ids": ["r"]}]}) == []


def test_mimir_assets_stand_beside_other_inputs():
    """ "mimir_assets can be combined with other input types in the same entry." """
    entry = {"agent_node_id": "in", "mimir_assets": [{"id": "m"}], "video_urls": [URL]}
    assert faults({"video_inputs": [entry]}, mimir_connected=True) == []


def test_mimir_without_a_connection_is_refused_with_how_to_make_one():
    """ "If no Mimir connection is configured for the agent's workspace, the API returns a 400 error
    explaining how to set one up." """
    fault = only({"mimir_assets": [{"id": "m"}]})
    assert fault.rule == Rule.mimir
    assert "Settings > Integrations" in fault.remedy


def test_mosaic_itself_knows_whether_mimir_is_connected():
    assert faults({"mimir_assets": [{"id": "m"}]}, hosted=True) == []


def test_a_mimir_artifact_is_highres_unless_said_otherwise():
    """ "artifact … (highres, proxy, or auto; defaults to highres)" """
    assert parse_run({"mimir_assets": [{"id": "m"}]}).mimir_assets[0].artifact == "highres"
    with pytest.raises(InvalidRequest, match=r"mimir_assets\[0\]\.artifact"):
        parse_run({"mimir_assets": [{"id": "m", "artifact": "4k"}]})


@pytest.mark.parametrize("end", [5_000, 4_999])
@pytest.mark.parametrize(
    ("place", "wrap"),
    [
        ("input_clip_end_ms", lambda clip: {"video_ids": ["v"], **clip}),
        (
            "video_id_inputs[0].input_clip_end_ms",
            lambda clip: {"video_id_inputs": [{"id": "v", **clip}]},
        ),
        (
            "mimir_assets[0].input_clip_end_ms",
            lambda clip: {"mimir_assets": [{"id": "v", **clip}]},
        ),
        (
            "video_inputs[0].input_clip_end_ms",
            lambda clip: {"video_inputs": [{"agent_node_id": "in", "video_ids": ["v"], **clip}]},
        ),
        (
            "video_inputs[0].youtube_url_inputs[0].input_clip_end_ms",
            lambda clip: {
                "video_inputs": [
                    {
                        "agent_node_id": "in",
                        "youtube_url_inputs": [{"url": "https://youtu.be/dQw4w9WgXcQ", **clip}],
                    }
                ]
            },
        ),
    ],
)
def test_a_range_ends_after_its_start(place, wrap, end):
    """ "if both are provided, input_clip_end_ms must be greater than input_clip_start_ms." """
    body = wrap({"input_clip_start_ms": 5_000, "input_clip_end_ms": end})
    fault = only(body, mimir_connected=True)
    assert (fault.where, fault.rule) == (place, Rule.range)


@pytest.mark.parametrize("clip", [{"input_clip_start_ms": 45_000}, {"input_clip_end_ms": 90_000}])
def test_either_end_of_a_range_may_stand_alone(clip):
    """ "input_clip_start_ms and input_clip_end_ms are independent optional fields" """
    assert faults({"video_ids": ["v"], **clip}) == []
    assert faults({"video_id_inputs": [{"id": "v", **clip}]}) == []


def test_an_end_at_zero_leaves_nothing():
    assert only({"video_ids": ["v"], "input_clip_end_ms": 0}).where == "input_clip_end_ms"


@pytest.mark.parametrize("value", [-1, 1.5, "45000", True])
def test_offsets_are_whole_milliseconds_from_zero(value):
    with pytest.raises(InvalidRequest, match="input_clip_start_ms"):
        parse_run({"video_ids": ["v"], "input_clip_start_ms": value})


def test_a_top_level_range_beside_video_inputs_would_be_lost_and_is_refused():
    """ "Optional start offset applied to all top-level input arrays." """
    entries = [{"agent_node_id": "in", "video_ids": ["v"]}]
    fault = only({"video_inputs": entries, "input_clip_start_ms": 5})
    assert (fault.where, fault.rule) == ("input_clip_start_ms", Rule.top_range)


def test_a_range_beside_items_alone_would_be_lost_and_is_refused():
    """ "If you need different start/end ranges for different inputs, use video_id_inputs, … instead
    of the plain string arrays." """
    fault = only({"video_id_inputs": [{"id": "v"}], "input_clip_end_ms": 5})
    assert (fault.where, fault.rule) == ("input_clip_end_ms", Rule.own_range)


@pytest.mark.parametrize(
    "url", ["ftp://example.com/a.mp4", "talk.mp4", "https://", "file:///a.mp4", "", "https://[x"]
)
def test_video_urls_are_http_or_https(url):
    """ "Must be HTTP or HTTPS URLs pointing to video files" """
    fault = only({"video_urls": [URL, url]})
    assert (fault.where, fault.rule) == ("video_urls[1]", Rule.urls)


@pytest.mark.parametrize(
    "url",
    [
        URL,
        "https://www.youtube.com/playlist?list=PL123",
        "https://www.youtube.com/watch?v=short",
        "https://notyoutube.com/watch?v=dQw4w9WgXcQ",
        "https://[youtube.com/watch?v=dQw4w9WgXcQ",
        "ftp://youtube.com/watch?v=dQw4w9WgXcQ",
        "https://youtube.com.evil.example/watch?v=dQw4w9WgXcQ",
    ],
)
def test_youtube_urls_are_youtube_videos(url):
    """ "Supports standard YouTube video URLs (e.g., https://www.youtube.com/watch?v=VIDEO_ID)" """
    assert only({"youtube_url_inputs": [{"url": url}]}).where == "youtube_url_inputs[0].url"
    assert only({"youtube_urls": [url]}).rule == Rule.youtube


def test_the_limits_are_five_hours_and_five_gigabytes():
    """ "Maximum file size: 5 GB per video", "Maximum duration: 5 hours per video" """
    assert MAX_DURATION_S == 18_000
    assert MAX_URL_BYTES == 5_368_709_120


def test_unknown_nodes_in_update_params_are_refused_with_the_nearest():
    """ "Unknown agent_node_id keys return 400" """
    fault = only({"video_ids": ["v"], "update_params": {"clip": {"num_clips": 1}}})
    assert (fault.where, fault.rule) == ("update_params.clip", Rule.unknown_node)
    assert "Did you mean 'clips'?" in fault.remedy


@pytest.mark.parametrize(
    ("params", "where", "says"),
    [
        ({"num_clip": 3}, "num_clip", "Did you mean 'num_clips'?"),
        ({"num_clips": "3"}, "num_clips", "Got '3'."),
        ({"num_clips": 21}, "num_clips", "less than or equal to 20"),
        ({"num_clips": 0}, "num_clips", "greater than or equal to 1"),
        ({"num_clips": True}, "num_clips", "Got True."),
        ({"target_duration": 0.5}, "target_duration", "greater than or equal to 1"),
        ({"prompt": 5}, "prompt", "Got 5."),
    ],
)
def test_invalid_parameters_are_refused(params, where, says):
    """ "Invalid parameter types/values return 400" """
    fault = only({"video_ids": ["v"], "update_params": {"clips": params}})
    assert fault.where == f"update_params.clips.{where}"
    assert fault.rule.startswith("Invalid parameter types/values return 400")
    assert says in fault.sentence()


@pytest.mark.parametrize("node", ["in", "out"])
def test_protected_nodes_cannot_be_overridden(node):
    """ "Protected/system nodes (for example Video Input/Destination/trigger nodes) cannot be
    overridden with update_params" """
    fault = only({"video_ids": ["v"], "update_params": {node: {}}})
    assert (fault.where, fault.rule) == (f"update_params.{node}", Rule.protected)


def test_triggers_are_protected_and_take_no_part_in_a_run():
    detail = agent({"tube": "YouTube Trigger", "in": "Video Input", "caps": "Captions"})
    assert faults({"video_ids": ["v"]}, detail) == []
    assert only({"video_ids": ["v"], "update_params": {"tube": {}}}, detail).rule == Rule.protected


def test_parameters_of_an_ignored_node_are_refused():
    """ "Keys must be valid agent_node_id values from the runnable graph." """
    body = {"video_ids": ["v"], "ignore_nodes": ["caps"], "update_params": {"caps": {}}}
    assert only(body).rule == Rule.runnable


def test_unknown_nodes_to_ignore_are_refused_with_the_nearest():
    """ "Optional list of agent_node_id values to bypass for this run." """
    fault = only({"video_ids": ["v"], "ignore_nodes": ["cap"]})
    assert (fault.where, fault.rule) == ("ignore_nodes[0]", Rule.ignored)
    assert "Did you mean 'caps'?" in fault.remedy


@pytest.mark.parametrize("detail", [ONE, GENERATION])
def test_where_the_videos_come_from_cannot_be_ignored(detail):
    node = detail.agent_nodes[0].agent_node_id
    body = {"ignore_nodes": [node]} | ({"video_ids": ["v"]} if node == "in" else {})
    assert any(f.where == "ignore_nodes[0]" for f in faults(body, detail))


@pytest.mark.parametrize(
    "url", ["ftp://example.com", "example.com/hook", "https://", "javascript:1"]
)
def test_the_callback_is_an_http_address(url):
    """ "Optional webhook URL for status updates" """
    fault = only({"video_ids": ["v"], "callback_url": url})
    assert (fault.where, fault.rule) == ("callback_url", Rule.callback)


def test_saved_and_new_parameters_are_checked_together():
    detail = agent({"in": "Video Input", "caps": ("Captions", {"caption_max_words": 2})})
    body = {"video_ids": ["v"], "update_params": {"caps": {"caption_min_words": 3}}}
    fault = only(body, detail)
    assert fault.where == "update_params.caps.caption_min_words"
    assert "caption_max_words" in fault.what


def test_a_required_parameter_that_neither_agent_nor_request_gives_is_a_fault():
    detail = agent({"in": "Video Input", "cut": "Rough Cut"})
    fault = only({"video_ids": ["v"]}, detail)
    assert fault.where == "update_params.cut.prompt"
    assert "save it in the agent" in fault.remedy
    given = {"video_ids": ["v"], "update_params": {"cut": {"prompt": "Best takes only"}}}
    assert faults(given, detail) == []


def test_parameters_of_nodes_that_do_not_run_are_not_looked_at():
    detail = agent({"in": "Video Input", "cut": "Rough Cut", "caps": "Captions"})
    assert faults({"video_ids": ["v"], "ignore_nodes": ["cut"]}, detail) == []


def test_the_hosted_engine_may_know_parameters_that_we_do_not():
    body = {"video_ids": ["v"], "update_params": {"reframe": {"shape": "9:16"}}}
    assert only(body).where == "update_params.reframe.shape"
    assert faults(body, hosted=True) == []


def test_documented_tiles_are_checked_for_the_hosted_engine_as_well():
    body = {"video_ids": ["v"], "update_params": {"clips": {"number": 3}}}
    assert only(body, hosted=True).where == "update_params.clips.number"


def test_values_that_contradict_each_other_are_refused_for_the_hosted_engine_as_well():
    params = {"caption_min_words": 5, "caption_max_words": 2}
    body = {"video_ids": ["v"], "update_params": {"caps": params}}
    assert only(body, hosted=True).where == "update_params.caps.caption_min_words"


@pytest.mark.parametrize(
    ("tile", "saved", "changes", "where"),
    [
        ("Intro", {}, {"use_custom_intro": "custom"}, "custom_intro_video_id"),
        ("Captions", {"caption_min_words": 3}, {"caption_max_words": 1}, "caption_min_words"),
    ],
)
def test_what_a_change_makes_of_saved_values_is_judged_on_the_hosted_engine_too(
    tile, saved, changes, where
):
    detail = agent({"in": "Video Input", "node": (tile, saved)})
    body = {"video_ids": ["v"], "update_params": {"node": changes}}
    assert only(body, detail, hosted=True).where == f"update_params.node.{where}"


def test_saved_parameters_of_a_hosted_agent_are_not_ours_to_judge():
    detail = agent({"in": "Video Input", "caps": ("Captions", {"from_the_future": 1})})
    assert faults({"video_ids": ["v"]}, detail, hosted=True) == []
    assert "as saved in the agent" in only({"video_ids": ["v"]}, detail).what


def test_all_faults_are_reported_at_once():
    body = {
        "video_ids": ["v"],
        "video_urls": ["ftp://x"],
        "input_clip_start_ms": 9,
        "input_clip_end_ms": 3,
        "ignore_nodes": ["nothing"],
        "update_params": {"nobody": {}, "in": {}, "clips": {"num_clips": 99, "prompt": 1}},
        "callback_url": "nowhere",
    }
    assert sorted(f.where for f in faults(body)) == [
        "callback_url",
        "ignore_nodes[0]",
        "input_clip_end_ms",
        "update_params.clips.num_clips",
        "update_params.clips.prompt",
        "update_params.in",
        "update_params.nobody",
        "video_urls[0]",
    ]


def test_all_faults_of_shape_are_reported_at_once_with_the_nearest_field():
    with pytest.raises(InvalidRequest) as refusal:
        parse_run(
            {
                "video_url": [URL],
                "video_ids": "v",
                "video_id_inputs": [{"url": URL}],
                "ignore_nodes": [1],
            }
        )
    by_place = {f.where: f for f in refusal.value.faults}
    assert "Did you mean 'video_urls'?" in by_place["video_url"].remedy
    assert set(by_place) == {
        "video_url",
        "video_ids",
        "video_id_inputs[0].id",
        "video_id_inputs[0].url",
        "ignore_nodes[0]",
    }


@pytest.mark.parametrize("body", [b"{", b"[]", b"null", [], None, "text"])
def test_a_body_that_is_no_json_object_is_refused(body):
    with pytest.raises(InvalidRequest) as refusal:
        parse_run(body)
    assert refusal.value.message
