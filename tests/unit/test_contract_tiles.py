"""The tile catalogue, the parameter models, advice on graphs, the built-in agents."""

import uuid
from dataclasses import replace

import pytest

from mosaic_mcp import errors
from mosaic_mcp.contract.builtin import BUILTIN_AGENTS
from mosaic_mcp.contract.divergences import DIVERGENCES
from mosaic_mcp.contract.graph import Graph
from mosaic_mcp.contract.lint import lint
from mosaic_mcp.contract.params import check_params, merged_params, unconfirmed
from mosaic_mcp.contract.rules import check_run, parse_run
from mosaic_mcp.contract.tiles.catalogue import TILE_TYPES, tile_type
from mosaic_mcp.contract.tiles.params import ASSET_LISTS, ASSET_PARAMS, CaptionsParams, ClipsParams
from tests.support.agents import agent

PUBLIC = {t.name: t for t in TILE_TYPES if t.verified}


def test_the_generation_tiles_have_the_ids_of_the_run_page():
    assert {
        name: PUBLIC[name].node_type_id
        for name in PUBLIC
        if "Generation" in name or "Avatar" in name
    } == {
        "AI Avatar": "b3b4c9e2-2a47-4fa9-8ce8-0c1fa1d7b6ef",
        "AI Content Generation": "d898f2b1-3151-4231-a4d4-dd4d5a020b05",
        "Video Generation": "a2eb3ec2-da7a-4f97-94d2-a9a537548522",
        "Audio Generation": "14687f30-5fd0-468f-8239-2784d83df95b",
        "Image Generation": "18b998a0-2ea7-4676-a5d3-3ae6c8ac0b72",
    }


def test_every_id_is_a_uuid_and_stands_once():
    ids = [str(uuid.UUID(t.node_type_id)) for t in TILE_TYPES]
    assert len(set(ids)) == len(ids) == 30


def test_ids_of_our_own_are_flagged_and_never_change():
    ours = {t.name: t.node_type_id for t in TILE_TYPES if not t.verified}
    assert ours["Destination"] == "5fb8e6d0-545d-53ab-bddf-7577fbe5f23c"
    assert all(uuid.UUID(i).version == 5 for i in ours.values())
    assert all("ours" in tile_type(name).note for name in ours)


@pytest.mark.parametrize(
    "said", ["Silence Removal", "silence removal", "silence-removal", "silence_removal"]
)
def test_a_tile_is_found_by_name_however_it_is_written(said):
    assert tile_type(said).name == "Silence Removal"
    assert tile_type(tile_type(said).node_type_id).name == "Silence Removal"


def test_an_unknown_tile_is_none():
    assert tile_type("Sepia") is None


def test_a_node_type_links_to_its_page_and_its_parameters():
    kind = tile_type("Audio Enhance").node_type()
    assert kind.docs_url == "https://docs.mosaic.so/tiles/audio-enhance"
    assert kind.params_docs_url == "https://docs.mosaic.so/tiles/audio-enhance#api-info"


def test_inputs_destinations_and_triggers_are_protected_and_nothing_else():
    assert {t.name for t in TILE_TYPES if t.protected} == {
        "Video Input",
        "Destination",
        "YouTube Trigger",
        "Google Drive Trigger",
        "AWS S3 Trigger",
    }


def test_only_clips_fans_out_and_only_montage_folds():
    assert [t.name for t in TILE_TYPES if t.fan_out] == ["Clips"]
    assert [t.name for t in TILE_TYPES if t.fan_in] == ["Montage"]
    for tile in (t for t in TILE_TYPES if t.folds_by):
        assert tile.folds_by in tile.params.model_fields


@pytest.mark.parametrize("tile", [t for t in TILE_TYPES if t.params], ids=lambda t: t.name)
def test_the_defaults_of_every_tile_are_valid_and_its_schema_is_closed(tile):
    given = {"prompt": "x", "script": "x", "instructions": "x"}
    wanted = {k: v for k, v in given.items() if k in tile.params.model_fields}
    assert check_params(tile, wanted, "p") == []
    schema = tile.params.model_json_schema()
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize(
    "name", ["Silence Removal", "Rough Cut", "Clips", "Reframe", "Captions", "Watermark"]
)
def test_every_parameter_of_the_first_tiles_is_described(name):
    properties = tile_type(name).params.model_json_schema()["properties"]
    assert [key for key, schema in properties.items() if not schema.get("description")] == []


def test_the_documented_defaults_of_watermark_and_captions():
    mark = tile_type("Watermark").params()
    assert (mark.use_custom_logo, mark.logo_position, mark.logo_size) == (
        "mosaic",
        "bottom-right",
        30,
    )
    assert (mark.logo_opacity, mark.logo_margin_x, mark.logo_margin_y) == (80, 20, 20)
    look = CaptionsParams()
    assert (look.caption_style, look.base_color, look.highlight_color) == (
        "colored",
        "#F8FAFC",
        "#A78BCA",
    )


@pytest.mark.parametrize(
    ("name", "params", "says"),
    [
        ("Captions", {"caption_font_weight": 700}, "valid string. Got 700."),
        ("Captions", {"caption_font_weight": "650"}, "pattern"),
        ("Captions", {"base_color": "white"}, "pattern"),
        ("Captions", {"stroke_enabled": "yes"}, "valid boolean"),
        ("Captions", {"shadow_opacity": 101}, "less than or equal to 100"),
        ("Captions", {"caption_min_words": 4, "caption_max_words": 3}, "above caption_max_words"),
        ("Clips", {"num_clips": 2.5}, "valid integer"),
        ("Clips", {"target_duration": 301}, "less than or equal to 300"),
        ("Clips", {"target_duration": "60"}, "valid number"),
        ("Watermark", {"logo_opacity": 9}, "greater than or equal to 10"),
        ("Watermark", {"logo_size": True}, "valid number"),
        ("Watermark", {"use_custom_logo": "custom"}, "required when use_custom_logo is custom"),
        ("Reframe", {"aspect_ratio": "4:3"}, "'9:16'"),
        ("Intro", {"use_custom_intro": "custom"}, "custom_intro_video_id"),
        ("Image Generation", {"prompt": "x", "custom_width": 1000}, "multiple of 16"),
        ("Audio Generation", {}, "voiceover mode"),
        ("AI B-Roll", {"max_generations": 21}, "less than or equal to 20"),
        ("AI B-Roll", {"clips": ["a"], "clip_tags": ["b", "c"]}, "more entries than clips"),
        ("AI Augment", {}, "is required"),
        ("AI Augment", {"instructions": "x", "start_time": 1, "end_time": 7}, "at most 5 s"),
        ("Audio Enhance", {"strength": 5}, "no parameter 'strength'. Its parameters: none."),
        ("Rough Cut", {}, "is required"),
        ("Rough Cut", {"prompt": ""}, "at least 1 character"),
    ],
)
def test_values_that_the_page_forbids_are_refused(name, params, says):
    found = check_params(tile_type(name), params, "update_params.n")
    assert says in " ".join(f.sentence() for f in found)


@pytest.mark.parametrize("value", [30, 30.5])
def test_whole_and_broken_numbers_are_both_numbers(value):
    assert check_params(tile_type("Watermark"), {"logo_size": value}, "p") == []


def test_a_tile_with_unknown_parameters_takes_any():
    unknown = replace(tile_type("AI B-Roll"), params=None)
    assert check_params(unknown, {"anything": 1}, "p") == []


def test_names_that_no_page_confirms_are_told():
    assert unconfirmed(tile_type("Reframe"), {"aspect_ratio": "1:1"}) == ["aspect_ratio"]
    assert unconfirmed(tile_type("Clips"), {"num_clips": 1}) == []


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("Captions", {"some_new_setting": 1}),
        ("Captions", {"caption_min_words": 4}),
        ("Captions", {"caption_font_size_px": 900}),
        ("Cinematic Captions", {"some_new_setting": 1}),
        ("Motion Graphics", {"frequency_per_minute": 90, "some_new_setting": 1}),
        ("Reframe", {"aspect_ratio": "auto"}),
        ("Color Correction", {"preset": "Golden Hour"}),
        ("Mirror", {"horizontal": False}),
        ("AI Augment", {"prompt": "Make it snow"}),
        ("AI Augment", {"instructions": "x", "end_time": 30}),
        ("AI Avatar", {"script": "Word. " * 2000}),
        ("Watermark", {"logo_margin_x": 3000}),
        ("Clips", {"prompt": "Every joke. " * 500}),
        ("Image Generation", {"prompt": "A wide meadow. " * 500}),
        ("Destination", {"mode": "publish"}),
    ],
)
def test_what_no_page_says_is_left_to_the_hosted_engine(name, params):
    assert check_params(tile_type(name), params, "p", hosted=True) == []


@pytest.mark.parametrize(
    ("name", "file", "switch"),
    [
        ("Watermark", "image_id", "use_custom_logo"),
        ("Intro", "custom_intro_video_id", "use_custom_intro"),
        ("Outro", "custom_outro_video_id", "use_custom_outro"),
    ],
)
def test_a_file_that_is_given_alone_is_wanted(name, file, switch):
    model = tile_type(name).params
    assert getattr(model(**{file: "f"}), switch) == "custom"
    assert getattr(model(**{file: "f", switch: "mosaic"}), switch) == "mosaic"
    assert getattr(model(), switch) == "mosaic"


@pytest.mark.parametrize(
    ("name", "params", "says"),
    [
        ("Captions", {"caption_font_weight": 700}, "valid string"),
        ("Captions", {"caption_style": "bouncing"}, "'colored'"),
        ("Captions", {"caption_min_words": 4, "caption_max_words": 3}, "above caption_max_words"),
        ("Watermark", {"logo_opacity": 9}, "greater than or equal to 10"),
        ("Watermark", {"logo_colour": "red"}, "no parameter 'logo_colour'"),
        ("Intro", {"use_custom_intro": "custom"}, "custom_intro_video_id"),
        ("Audio Generation", {}, "voiceover mode"),
        ("Rough Cut", {}, "is required"),
        ("Reframe", {"resolution": "source"}, "which Mosaic does not have"),
        ("AI B-Roll", {"clips": ["a"]}, "which Mosaic does not have"),
        ("AI Music", {"audio_id": "a"}, "which Mosaic does not have"),
    ],
)
def test_what_a_page_says_holds_on_the_hosted_engine_too(name, params, says):
    found = check_params(tile_type(name), params, "p", hosted=True)
    assert says in " ".join(f.sentence() for f in found)


def test_asset_parameters_are_ids_in_some_tile():
    fields = {name for t in TILE_TYPES if t.params for name in t.params.model_fields}
    assert {*ASSET_PARAMS, *ASSET_LISTS} <= fields


def test_saved_parameters_and_changes_make_one_model():
    node = agent({"c": ("Clips", {"num_clips": 5, "prompt": "jokes"})}).agent_nodes[0]
    assert merged_params(node, {"num_clips": 2}) == ClipsParams(num_clips=2, prompt="jokes")
    with pytest.raises(errors.InvalidRequest, match="num_clips"):
        merged_params(node, {"num_clips": 0})


@pytest.mark.parametrize("detail", BUILTIN_AGENTS, ids=lambda d: d.agent.name)
def test_every_built_in_agent_runs_and_needs_no_advice(detail):
    graph = Graph.of(detail)
    assert check_run(parse_run({"video_ids": ["v"]}), graph) == []
    assert lint(graph) == []
    assert detail.agent.visibility == "public"


def test_built_in_agents_keep_their_ids():
    assert BUILTIN_AGENTS[0].agent.name == "Talking head to vertical clips"
    assert [uuid.UUID(d.agent.id).version for d in BUILTIN_AGENTS] == [5] * len(BUILTIN_AGENTS)


@pytest.mark.parametrize(
    ("tiles", "node", "says"),
    [
        ({"in": "Video Input", "a": "Captions", "b": "Clips"}, "b", "stands after Captions"),
        ({"in": "Video Input", "a": "Watermark", "b": "Reframe"}, "b", "stands after Watermark"),
        (
            {"in": "Video Input", "a": "Motion Graphics", "x": "Mirror", "b": "Reframe"},
            "b",
            "stands after",
        ),
        ({"in": "Video Input", "a": "Rough Cut"}, "a", "prompt is required"),
        ({"a": "Captions"}, "a", "nothing before it"),
        ({"a": "Captions"}, "", "no Video Input"),
        ({}, "", "no tiles"),
    ],
)
def test_advice_names_the_node_and_what_would_be_better(tiles, node, says):
    """ "Place Reframe before Captions, Cinematic Captions, Motion Graphics, and Watermark", "For
    shorter/tighter edits, place Rough Cut and/or Clips before style-heavy nodes." """
    found = [f for f in lint(Graph.of(agent(tiles))) if f.node == node and says in f.message]
    assert found
    assert all(f.advice for f in found)


def test_names_and_bounds_of_ours_are_no_advice_on_the_hosted_engine():
    graph = Graph.of(
        agent({"in": "Video Input", "a": ("Captions", {"caption_min_words": 4}), "b": "AI Augment"})
    )
    told = {hosted: {f.node for f in lint(graph, hosted=hosted)} for hosted in (False, True)}
    assert told == {False: {"a", "b"}, True: set()}


def test_the_advised_order_needs_no_advice():
    good = {
        "in": "Video Input",
        "a": ("Rough Cut", {"prompt": "Best takes"}),
        "b": "Clips",
        "c": "Reframe",
        "d": "Captions",
        "z": "Destination",
    }
    assert lint(Graph.of(agent(good))) == []


def test_branches_do_not_disturb_each_other():
    tiles = {"in": "Video Input", "a": "Captions", "b": "Reframe"}
    assert lint(Graph.of(agent(tiles, "in>a in>b"))) == []


def test_every_divergence_says_what_mosaic_says_and_what_we_do():
    assert len({d.id for d in DIVERGENCES}) == len(DIVERGENCES)
    assert all(d.page and d.mosaic and d.studio for d in DIVERGENCES)
