"""Agents from lists of tiles."""

import pytest

from mosaic_mcp.contract.graph import Graph
from mosaic_mcp.errors import Conflict, InvalidRequest
from mosaic_mcp.intent import TileWish, build_graph
from mosaic_mcp.intent.graphs import Offer, plan_graph
from tests.support.agents import agent
from tests.support.engines import Engine


def wishes(*said: str | TileWish) -> list[TileWish]:
    return [TileWish(s) if isinstance(s, str) else s for s in said]


async def built(*said, engine: Engine | None = None, **more):
    return await build_graph(
        engine or Engine(), name="Mine", tiles=wishes(*said), **{"description": "What for", **more}
    )


async def refused(*said, engine: Engine | None = None, **more):
    engine = engine or Engine()
    with pytest.raises(InvalidRequest) as refusal:
        await built(*said, engine=engine, **more)
    assert "create_agent" not in engine.calls, "nothing is made when anything is wrong"
    return {f.where: f for f in refusal.value.faults}


def shape(detail) -> set[str]:
    graph = Graph.of(detail)
    labels = graph.labels()
    return {f"{labels[a]} > {labels[b]}" for a, b in graph.edges}


async def test_tiles_stand_in_a_line_between_a_video_input_and_a_destination():
    made = await built("Silence Removal", "captions")
    assert shape(made.detail) == {
        "Video Input > Silence Removal",
        "Silence Removal > Captions",
        "Captions > Destination",
    }
    assert made.warnings == (
        "Video Input was added before Silence Removal.",
        "Destination was added after Captions.",
    )


async def test_ends_that_are_given_are_not_added_again():
    made = await built("Video Input", "Captions", "Destination")
    assert shape(made.detail) == {"Video Input > Captions", "Captions > Destination"}
    assert made.warnings == ()


async def test_parameters_and_labels_are_kept():
    made = await built(TileWish("Clips", "Best moments", {"num_clips": 3}), "Captions")
    [clips] = [n for n in made.detail.agent_nodes if n.node_type.node_type_name == "Clips"]
    assert clips.params_used == {"num_clips": 3}
    assert made.labels == {clips.agent_node_id: "Best moments"}


async def test_other_shapes_are_connected_by_label():
    made = await built(
        "Reframe",
        TileWish("Captions", "big"),
        TileWish("Captions", "small"),
        connect=[["Reframe", "big"], ["Reframe", "small"]],
    )
    assert shape(made.detail) == {
        "Video Input > Reframe",
        "Reframe > Captions",
        "Reframe > Captions 2",
        "Captions > Destination",
        "Captions 2 > Destination",
    }


async def test_two_video_inputs_stay_two():
    made = await built(
        TileWish("Video Input", "camera"),
        TileWish("Video Input", "screen"),
        "Captions",
        connect=[["camera", "Captions"], ["screen", "Captions"]],
    )
    assert len(Graph.of(made.detail).video_inputs) == 2
    assert "Video Input was added" not in " ".join(made.warnings)


async def test_an_agent_that_generates_gets_no_video_input():
    made = await built("Video Generation", "Captions")
    assert Graph.of(made.detail).video_inputs == ()


async def test_a_tile_may_wait_for_its_required_parameters():
    assert "Rough Cut > Destination" in shape((await built("Rough Cut")).detail)


async def test_all_faults_come_at_once_and_nothing_is_made():
    found = await refused(
        "Capitons",
        TileWish("Clips", "one", {"num_clip": 3}),
        TileWish("Captions", "ONE"),
        TileWish("Watermark", params={"logo_size": "big"}),
    )
    assert set(found) == {
        "tiles[0]",
        "tiles[1].params.num_clip",
        "tiles[2].label",
        "tiles[3].params.logo_size",
    }
    assert "Did you mean 'Captions'?" in found["tiles[0]"].remedy


async def test_connections_name_labels_that_exist_and_mean_one_tile():
    found = await refused(
        TileWish("Captions", "big"),
        TileWish("Captions", "small"),
        "Clips",
        connect=[["Clips", "captions"], ["Clpis", "big"], ["Clips"]],
    )
    assert "'big', 'small'" in found["connect[0][1]"].remedy
    assert "Did you mean 'Clips'?" in found["connect[1][0]"].remedy
    assert "not a pair" in found["connect[2]"].what


async def test_cycles_and_wrong_directions_are_refused_before_anything_is_made():
    around = [["Clips", "Captions"], ["Captions", "Clips"]]
    assert "cycle" in (await refused("Clips", "Captions", connect=around))["connections"].what
    back = [["Destination", "Captions"]]
    ended = await refused("Destination", "Captions", connect=back)
    assert "is the end" in ended["operations"].what


async def test_a_line_is_put_into_the_advised_order_and_what_moved_is_told_with_the_reason():
    made = await built("Captions", "Mirror", "Clips", "Watermark", "Reframe")
    assert [Graph.of(made.detail).labels()[n] for n in Graph.of(made.detail).order] == [
        "Video Input",
        "Mirror",
        "Clips",
        "Reframe",
        "Captions",
        "Watermark",
        "Destination",
    ]
    assert made.warnings[:3] == (
        "Captions now stands after Clips. For shorter or tighter edits, place Rough Cut and/or "
        "Clips before style-heavy nodes such as Captions.",
        "Captions now stands after Reframe. Place Reframe before Captions, Cinematic Captions, "
        "Motion Graphics, and Watermark, so that overlays are composed against the final framing.",
        "Watermark now stands after Reframe. Place Reframe before Captions, Cinematic Captions, "
        "Motion Graphics, and Watermark, so that overlays are composed against the final framing.",
    )
    assert "connect" in made.warnings[3]


async def test_the_reason_of_a_move_names_the_tiles_that_it_is_about():
    silent = (await built("Watermark", "Silence Removal")).warnings[0]
    assert "Place Silence Removal before Watermark" in silent
    music = (await built("AI Music", "Montage")).warnings[0]
    assert music.startswith("AI Music now stands after Montage. Place Montage before AI Music")
    assert "audio_id of Montage" in music
    assert "'Music-paced montage'" in music


async def test_a_moved_tile_keeps_its_own_parameters_and_label():
    made = await built(TileWish("Captions", "words", {"caption_max_words": 2}), "Clips")
    [words] = [n for n in made.detail.agent_nodes if n.node_type.node_type_name == "Captions"]
    assert words.params_used == {"caption_max_words": 2}
    assert made.labels == {words.agent_node_id: "words"}
    assert "words now stands after Clips" in made.warnings[0]


async def test_connections_that_are_given_are_kept_in_whatever_order():
    made = await built("Captions", "Clips", connect=[["Captions", "Clips"]])
    assert "Captions > Clips" in shape(made.detail)
    assert not any("now stands" in w for w in made.warnings)


async def test_the_ends_of_a_line_stand_at_its_ends():
    made = await built("Destination", "Captions", "Video Input")
    assert shape(made.detail) == {"Video Input > Captions", "Captions > Destination"}
    assert "Videos come in at the Video Input" in made.warnings[0]


async def test_a_graph_is_replaced_as_a_whole():
    old = agent({"in": "Video Input", "caps": "Captions"}, name="Old one")
    engine = Engine(old)
    made = await built("Reframe", engine=engine, agent="old one")
    assert made.detail.agent.id == old.agent.id
    assert shape(made.detail) == {"Video Input > Reframe", "Reframe > Destination"}
    assert engine.calls == ["update_agent"]


async def test_an_agent_whose_tiles_are_refused_is_not_left_behind():
    engine = Engine()
    before = set(engine.agents)
    engine.refuse_updates = Conflict("No.")
    with pytest.raises(Conflict):
        await built("Captions", engine=engine)
    assert set(engine.agents) == before


async def test_the_hosted_engine_is_asked_for_the_ids_that_are_not_public():
    class Hosted(Engine):
        async def update_agent(self, agent_id, request):
            self.sent = [op.node_type_id for op in request.operations if op.op == "create_node"]
            raise Conflict("seen enough")

    engine = Hosted(hosted=True, offered=["Destination", "Captions"])
    with pytest.raises(Conflict):
        await built("Captions", engine=engine)
    assert engine.sent == [
        "cdccb204-168e-4aec-aa72-480b11e74324",
        "9451e6ff-ac7f-4317-9055-a2f35f641b29",
        "hosted-Destination",
    ]


def test_names_that_mosaic_does_not_confirm_are_warned_of_when_an_agent_is_made():
    tiles = [TileWish("Reframe", params={"aspect_ratio": "1:1"})]
    told = plan_graph(tiles, None, Offer({}))[2]
    assert [w for w in told if "pages do not confirm" in w and "aspect_ratio" in w]
    assert not [w for w in plan_graph(tiles, None, Offer(None))[2] if "aspect_ratio" in w]


async def test_a_tile_that_the_hosted_engine_does_not_offer_is_refused():
    found = await refused("Montage", engine=Engine(hosted=True, offered=["Destination"]))
    assert "no tile 'Montage' here" in found["tiles[0]"].what
