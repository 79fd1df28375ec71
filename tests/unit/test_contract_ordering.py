"""The rules of a graph as data, and lines of tiles in the advised order."""

from itertools import combinations, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mosaic_mcp.contract.editing import apply_operations
from mosaic_mcp.contract.graph import Graph
from mosaic_mcp.contract.graph_rules import FLOWS, ORDER, may_lead
from mosaic_mcp.contract.lint import lint
from mosaic_mcp.contract.ordering import advised, before
from mosaic_mcp.contract.tiles.catalogue import TILE_TYPES, TileType, tile_type
from mosaic_mcp.errors import InvalidRequest
from tests.support.agents import agent

LINES = st.lists(st.sampled_from(TILE_TYPES), max_size=9)


def names(tiles: list[TileType], order: list[int]) -> list[str]:
    return [tiles[i].name for i in order]


def line(*said: str) -> list[TileType]:
    return [tile_type(name) for name in said]


def test_the_rules_name_tiles_that_there_are_and_kinds_that_tiles_have():
    known = {t.name for t in TILE_TYPES}
    assert all(a.first <= known and a.then <= known for a in ORDER)
    assert set(FLOWS) == {t.kind for t in TILE_TYPES}


def test_no_two_tiles_should_each_stand_before_the_other():
    for one, two in combinations(TILE_TYPES, 2):
        assert before(one, two) is None or before(two, one) is None, (one.name, two.name)


def test_the_canonical_chain_stays_as_it_is():
    chain = line("Video Input", "Clips", "Reframe", "Captions", "Destination")
    assert advised(chain) == ([0, 1, 2, 3, 4], [])


@pytest.mark.parametrize(
    "said", list(permutations(["Clips", "Reframe", "Captions", "Destination"]))
)
def test_the_canonical_chain_comes_of_its_tiles_in_any_order(said):
    tiles = line(*said)
    order, moves = advised(tiles)
    assert names(tiles, order) == ["Clips", "Reframe", "Captions", "Destination"]
    assert bool(moves) == (list(said) != names(tiles, order))


def test_what_no_rule_speaks_of_stays_where_it_was_put():
    tiles = line("Mirror", "Captions", "Color Correction", "Captions", "Mirror", "Voice")
    assert advised(tiles)[0] == [0, 1, 2, 3, 4, 5]


def test_sound_is_evened_out_after_all_that_is_heard():
    tiles = line("Audio Enhance", "Intro", "Silence Removal", "Captions")
    order, moves = advised(tiles)
    assert names(tiles, order) == ["Silence Removal", "Intro", "Audio Enhance", "Captions"]
    assert [(m.tile, m.behind) for m in moves] == [(0, (1, 2)), (1, (2,))]


def test_captions_and_watermark_stand_on_the_pictures_of_b_roll():
    tiles = line("Captions", "Watermark", "AI B-Roll", "Clips")
    order, _ = advised(tiles)
    assert names(tiles, order) == ["Clips", "AI B-Roll", "Captions", "Watermark"]


@given(LINES)
def test_any_line_comes_out_in_an_order_that_needs_no_advice_and_stays_so(tiles):
    order, moves = advised(tiles)
    assert sorted(order) == list(range(len(tiles)))
    ordered = [tiles[i] for i in order]
    assert advised(ordered) == (list(range(len(tiles))), [])
    assert bool(moves) == (order != sorted(order))


@given(LINES)
def test_tiles_change_places_only_when_a_rule_stands_between_some_of_them(tiles):
    order, _ = advised(tiles)
    free = all(before(b, a) is None for a, b in combinations(tiles, 2))
    assert (order == sorted(order)) == free


def test_lint_and_the_order_of_a_line_follow_the_same_rules():
    for one, two in permutations([t for t in TILE_TYPES if FLOWS[t.kind].place == 1], 2):
        graph = Graph.of(agent({"in": "Video Input", "one": one.name, "two": two.name}))
        told = [f for f in lint(graph) if f.message.startswith("stands after")]
        assert bool(told) == (advised([one, two])[0] == [1, 0]), (one.name, two.name)


@pytest.mark.parametrize(
    ("source", "target", "says"),
    [
        ("Captions", "Video Input", "Nothing but a trigger can lead into Video Input."),
        ("YouTube Trigger", "Captions", "it can lead into a Video Input only."),
        ("Destination", "Captions", "Destination is the end"),
    ],
)
def test_connections_go_where_the_kinds_of_their_ends_allow(source, target, says):
    assert not may_lead(tile_type(source).kind, tile_type(target).kind)
    with pytest.raises(InvalidRequest, match=says):
        apply_operations(agent({"a": source, "b": target}), (), lambda: "")


def test_a_tile_that_joins_nothing_says_so_of_several_inputs():
    both = {"one": "Video Input", "two": "Video Input"}
    [found] = lint(Graph.of(agent(both | {"logo": "Watermark"}, "one>logo two>logo")))
    assert found.message == "does each video of Video Input, Video Input 2 by itself."
    assert "Rough Cut with combine_input_renders" in found.advice
    joined = ("Rough Cut", {"prompt": "Best takes", "combine_input_renders": True})
    for tile in ("Montage", joined):
        assert lint(Graph.of(agent(both | {"cut": tile}, "one>cut two>cut"))) == []


def test_a_tile_that_generates_is_told_to_change_no_videos():
    found = lint(Graph.of(agent({"in": "Video Input", "image": "Image Generation"})))
    assert (
        "generates its own media and does nothing to the videos of Video Input" in found[0].message
    )
