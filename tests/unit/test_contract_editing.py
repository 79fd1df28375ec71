"""Ordered operations on an agent's graph (docs.mosaic.so/api/agents/post-agent-update)."""

from itertools import count

import pytest

from mosaic_mcp.contract.agents import UpdateAgent
from mosaic_mcp.contract.editing import apply_operations
from mosaic_mcp.contract.tiles.catalogue import tile_type
from mosaic_mcp.errors import InvalidRequest
from tests.support.agents import agent

START = agent({"in": "Video Input", "caps": ("Captions", {"caption_max_words": 5})})
IDS = {
    name: tile_type(name).node_type_id for name in ("Captions", "Clips", "Watermark", "Destination")
}


def changed(operations: list[dict], detail=START):
    request = UpdateAgent.model_validate({"operations": operations})
    ids = count(1)
    return apply_operations(detail, request.operations, lambda: f"new-{next(ids)}")


def refused(operations: list[dict], detail=START):
    with pytest.raises(InvalidRequest) as refusal:
        changed(operations, detail)
    return refusal.value.faults


def edges(detail) -> list[str]:
    return [f"{c.source_agent_node_id}>{c.target_agent_node_id}" for c in detail.connections]


def test_nodes_get_their_ids_from_the_engine_and_references_live_in_the_request():
    """ "temp_ref_id … request-scoped, never persisted, usable only in later operations" """
    detail, created = changed(
        [
            {
                "op": "create_node",
                "node_type_id": IDS["Clips"],
                "temp_ref_id": "c",
                "params_used": {"num_clips": 3},
            },
            {"op": "create_connection", "source_agent_node_id": "caps", "target_temp_ref_id": "c"},
        ]
    )
    assert [(c.agent_node_id, c.temp_ref_id) for c in created] == [("new-1", "c")]
    assert edges(detail) == ["in>caps", "caps>new-1"]
    assert detail.agent_nodes[-1].params_used == {"num_clips": 3}
    assert detail.agent_nodes[-1].node_type.docs_url == "https://docs.mosaic.so/tiles/clips"


def test_a_reference_is_unknown_before_its_node_is_created():
    [fault] = refused(
        [
            {"op": "create_connection", "source_agent_node_id": "caps", "target_temp_ref_id": "c"},
            {"op": "create_node", "node_type_id": IDS["Clips"], "temp_ref_id": "c"},
        ]
    )
    assert fault.where == "operations[0].target_temp_ref_id"


def test_a_reference_names_one_node_only():
    node = {"op": "create_node", "node_type_id": IDS["Clips"], "temp_ref_id": "c"}
    [fault] = refused([node, node])
    assert fault.where == "operations[1].temp_ref_id"


def test_both_ends_of_a_connection_are_looked_at():
    ends = {"source_agent_node_id": "gone", "target_temp_ref_id": "never"}
    assert len(refused([{"op": "delete_connection", **ends}])) == 2


def test_update_node_merges_into_the_saved_parameters():
    """ "params_used object req = patch merged into current params" """
    detail, _ = changed(
        [
            {
                "op": "update_node",
                "agent_node_id": "caps",
                "params_used": {"caption_style": "karaoke"},
            }
        ]
    )
    assert detail.agent_nodes[1].params_used == {"caption_max_words": 5, "caption_style": "karaoke"}


def test_deleting_a_node_deletes_its_connections():
    """ "also removes every connection that has it as source or target" """
    detail, _ = changed([{"op": "delete_node", "agent_node_id": "caps"}])
    assert [n.agent_node_id for n in detail.agent_nodes] == ["in"]
    assert edges(detail) == []


def test_a_connection_is_rewired_by_delete_and_create():
    detail, _ = changed(
        [
            {"op": "create_node", "node_type_id": IDS["Clips"], "temp_ref_id": "c"},
            {
                "op": "delete_connection",
                "source_agent_node_id": "in",
                "target_agent_node_id": "caps",
            },
            {"op": "create_connection", "source_agent_node_id": "in", "target_temp_ref_id": "c"},
            {"op": "create_connection", "source_temp_ref_id": "c", "target_agent_node_id": "caps"},
        ]
    )
    assert edges(detail) == ["in>new-1", "new-1>caps"]


def test_a_required_parameter_may_come_at_run_time():
    cut = tile_type("Rough Cut").node_type_id
    detail, _ = changed([{"op": "create_node", "node_type_id": cut}])
    assert detail.agent_nodes[-1].params_used == {}


@pytest.mark.parametrize(
    ("operation", "says"),
    [
        ({"op": "create_node", "node_type_id": "nope"}, "no node type 'nope'"),
        (
            {"op": "create_node", "node_type_id": IDS["Clips"], "params_used": {"num_clip": 1}},
            "Did you mean 'num_clips'?",
        ),
        (
            {
                "op": "update_node",
                "agent_node_id": "caps",
                "params_used": {"caption_font_weight": 700},
            },
            "valid string. Got 700.",
        ),
        ({"op": "update_node", "agent_node_id": "cap", "params_used": {}}, "Did you mean 'caps'?"),
        ({"op": "delete_node", "agent_node_id": "gone"}, "no node 'gone'"),
        (
            {
                "op": "create_connection",
                "source_agent_node_id": "in",
                "target_agent_node_id": "caps",
            },
            "there already",
        ),
        (
            {
                "op": "delete_connection",
                "source_agent_node_id": "caps",
                "target_agent_node_id": "in",
            },
            "no such connection",
        ),
        (
            {
                "op": "create_connection",
                "source_agent_node_id": "in",
                "source_temp_ref_id": "x",
                "target_agent_node_id": "caps",
            },
            "one of the two",
        ),
        ({"op": "create_connection", "source_agent_node_id": "in"}, "target_agent_node_id or"),
        (
            {
                "op": "create_connection",
                "source_agent_node_id": "caps",
                "target_agent_node_id": "caps",
            },
            "cycle",
        ),
        (
            {
                "op": "create_connection",
                "source_agent_node_id": "caps",
                "target_agent_node_id": "in",
            },
            "cycle",
        ),
    ],
)
def test_an_operation_that_cannot_be_done_is_refused_and_says_why(operation, says):
    [fault] = refused([operation])
    assert says in fault.sentence()


def test_nothing_flows_into_a_video_input_or_out_of_a_destination():
    """ "connection direction rules are enforced" """
    detail = agent(
        {"a": "Video Input", "b": "Video Input", "out": "Destination", "caps": "Captions"}, "b>out"
    )
    into = {"op": "create_connection", "source_agent_node_id": "a", "target_agent_node_id": "b"}
    out = {"op": "create_connection", "source_agent_node_id": "out", "target_agent_node_id": "caps"}
    says = " ".join(f.what for f in refused([into, out], detail))
    assert "Nothing but a trigger can lead into Video Input" in says
    assert "Destination is the end" in says


def test_a_trigger_leads_into_a_video_input():
    detail = agent({"tube": "YouTube Trigger", "in": "Video Input"}, "")
    step = {"op": "create_connection", "source_agent_node_id": "tube", "target_agent_node_id": "in"}
    assert edges(changed([step], detail)[0]) == ["tube>in"]


def test_all_faults_are_reported_and_nothing_is_changed():
    before = START.model_dump()
    found = refused(
        [
            {"op": "delete_node", "agent_node_id": "caps"},
            {"op": "create_node", "node_type_id": "nope"},
            {
                "op": "create_node",
                "node_type_id": IDS["Watermark"],
                "params_used": {"logo_size": "big"},
            },
        ]
    )
    assert [f.where for f in found] == [
        "operations[1].node_type_id",
        "operations[2].params_used.logo_size",
    ]
    assert START.model_dump() == before
