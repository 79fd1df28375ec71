"""Names of agents and nodes: exact, else whatever only one can be meant by."""

import pytest

from mosaic_mcp.contract.builtin import BUILTIN_AGENTS
from mosaic_mcp.contract.graph import Graph
from mosaic_mcp.errors import InvalidRequest, NotFound
from mosaic_mcp.intent.agents import find_agent
from mosaic_mcp.intent.names import NodeNames
from tests.support.agents import agent
from tests.support.engines import Engine

TWO_CAPTIONS = agent(
    {
        "in": "Video Input",
        "a": "Captions",
        "b": "Silence Removal",
        "c": "Captions",
        "out": "Destination",
    }
)


def names(own: dict[str, str] | None = None) -> NodeNames:
    return NodeNames(Graph.of(TWO_CAPTIONS), own or {})


@pytest.mark.parametrize(
    ("said", "node"),
    [
        ("b", "b"),
        ("Silence Removal", "b"),
        ("silence_removal", "b"),
        ("silence", "b"),
        ("removal", "b"),
        ("Captions", "a"),
        ("captions 2", "c"),
        ("Captions_2", "c"),
        ("destination", "out"),
    ],
)
def test_a_node_is_found_by_id_label_or_part_of_its_name(said, node):
    assert names().find(said, "params") == node


def test_an_own_label_counts_before_the_tile():
    own = names({"c": "Subtitles below"})
    assert own.find("subtitles below", "params") == "c"
    assert own.find("subtitles", "params") == "c"


def test_a_tile_that_stands_twice_is_ambiguous_and_the_labels_are_named():
    fault = names({"a": "Upper", "c": "Lower"}).find("captions", "params.captions")
    assert fault.where == "params.captions"
    assert "'Upper', 'Lower'" in fault.what


def test_an_unknown_node_is_answered_with_the_nearest_and_all_labels():
    fault = names().find("Watermark", "skip[0]")
    assert "no node of this agent" in fault.what
    assert "Silence Removal" in fault.remedy
    assert "Did you mean 'Captions'?" in names().find("Captoins", "x").remedy


def test_nothing_said_is_no_node():
    assert "no node" in names().find("  ", "x").what


def test_labels_of_nodes_that_are_gone_are_forgotten():
    assert names({"gone": "Old"}).find("Old", "x").what.startswith("'Old' is no node")


async def found(said: str, *agents) -> str | None:
    return (await find_agent(Engine(*agents), said)).agent.name


A = agent({}, agent_id="0a9e0000-0000-4000-8000-00000000000a", name="Podcast clips")
B = agent({}, agent_id="0a9e0000-0000-4000-8000-00000000000b", name="Podcast full")
C = agent({}, agent_id="0a9e0000-0000-4000-8000-00000000000c", name="Weekly clips")


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("0a9e0000-0000-4000-8000-00000000000b", "Podcast full"),
        ("0A9E0000-0000-4000-8000-00000000000B", "Podcast full"),
        ("Podcast clips", "Podcast clips"),
        ("podcast-clips", "Podcast clips"),
        ("weekly", "Weekly clips"),
        ("full", "Podcast full"),
    ],
)
async def test_an_agent_is_found_by_id_name_or_part_of_its_name_on_any_page(said, name):
    assert await found(said, A, B, C) == name


async def test_the_start_of_a_name_counts_before_a_part_of_one():
    daily = agent({}, agent_id="0a9e0000-0000-4000-8000-00000000000e", name="Clips of the day")
    assert await found("clips", A, C, daily) == "Clips of the day"


async def test_a_name_that_fits_several_agents_is_refused_with_the_choices():
    with pytest.raises(InvalidRequest, match=r"'Podcast clips' .*'Podcast full'") as refusal:
        await found("podcast", A, B, C)
    assert refusal.value.faults[0].where == "agent"


async def test_two_agents_of_one_name_are_told_apart_by_id():
    twin = agent({}, agent_id="0a9e0000-0000-4000-8000-00000000000d", name="Podcast clips")
    with pytest.raises(InvalidRequest, match=r"00000000000a.*00000000000d"):
        await found("Podcast clips", A, twin)


async def test_an_unknown_agent_is_answered_with_the_nearest():
    with pytest.raises(NotFound) as refusal:
        await found("Podcats clips", A, B, C)
    assert "Did you mean 'Podcast clips'?" in refusal.value.remedy
    with pytest.raises(NotFound, match="find_agents"):
        await found("0a9e0000-0000-4000-8000-0000000000ff", A)


async def test_the_built_in_agents_are_found_by_their_first_words():
    assert await found("talking head to", *BUILTIN_AGENTS) == "Talking head to vertical clips"
