"""Order, labels, and what is left of a graph when nodes are bypassed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mosaic_mcp.contract.graph import Graph
from mosaic_mcp.errors import InvalidRequest
from tests.support.agents import agent

LINE = {"in": "Video Input", "cut": "Rough Cut", "caps": "Captions", "out": "Destination"}


def edges(graph: Graph) -> set[str]:
    return {f"{a}>{b}" for a, b in graph.edges}


def test_nodes_come_in_the_order_in_which_videos_flow():
    detail = agent(dict(reversed(LINE.items())), "in>cut cut>caps caps>out")
    assert Graph.of(detail).order == ("in", "cut", "caps", "out")


def test_a_cycle_is_refused_with_its_nodes():
    """ "graph must be acyclic (DAG)" """
    with pytest.raises(InvalidRequest, match=r"cycle.*cut.*caps"):
        Graph.of(agent(LINE, "in>cut cut>caps caps>cut"))


def test_an_edge_to_nowhere_is_refused():
    with pytest.raises(InvalidRequest, match="in → gone"):
        Graph.of(agent(LINE, "in>gone"))


def test_repeated_tiles_are_numbered_in_order():
    detail = agent({"in": "Video Input", "a": "Captions", "b": "Captions", "c": "Watermark"})
    assert list(Graph.of(detail).labels().values()) == [
        "Video Input",
        "Captions",
        "Captions 2",
        "Watermark",
    ]


def test_a_tile_that_we_do_not_know_is_called_what_the_engine_calls_it():
    assert Graph.of(agent({"x": "News UK"})).labels() == {"x": "News UK"}


def test_a_bypassed_node_is_removed_and_its_edges_go_around_it():
    """ "Mosaic removes each ignored node from the runtime graph and rewires incoming edges directly
    to its downstream nodes." """
    runnable = Graph.of(agent(LINE)).runnable(["cut"])
    assert edges(runnable) == {"in>caps", "caps>out"}


def test_several_neighbours_are_all_rewired():
    detail = agent(
        {"a": "Video Input", "b": "Video Input", "m": "Montage", "x": "Captions", "y": "Watermark"},
        "a>m b>m m>x m>y",
    )
    assert edges(Graph.of(detail).runnable(["m"])) == {"a>x", "a>y", "b>x", "b>y"}


def test_bypassing_neighbours_joins_what_is_left_once():
    detail = agent(LINE, "in>cut cut>caps in>caps caps>out")
    assert edges(Graph.of(detail).runnable(["cut", "caps"])) == {"in>out"}


def test_the_template_stays_as_it_is():
    graph = Graph.of(agent(LINE))
    graph.runnable(["cut", "caps"])
    assert edges(graph) == {"in>cut", "cut>caps", "caps>out"}


def test_triggers_take_no_part():
    detail = agent({"tube": "YouTube Trigger", **LINE})
    assert Graph.of(detail).runnable().order == ("in", "cut", "caps", "out")


def test_a_tile_that_nothing_leads_to_does_not_run():
    detail = agent({**LINE, "lost": "Watermark", "after": "Reframe"}, "in>cut cut>out lost>after")
    assert Graph.of(detail).runnable().order == ("in", "cut", "out")


def test_outputs_come_from_the_last_tile_before_a_destination_or_from_a_leaf():
    detail = agent({**LINE, "logo": "Watermark"}, "in>cut cut>caps caps>out cut>logo")
    graph = Graph.of(detail)
    assert set(graph.output_nodes) == {"caps", "logo"}
    assert set(graph.leaves) == {"out", "logo"}


def test_bypassing_the_last_tile_makes_the_one_before_it_the_output():
    assert Graph.of(agent(LINE)).runnable(["caps"]).output_nodes == ("cut",)


@st.composite
def graphs(draw: st.DrawFn) -> tuple[Graph, list[str]]:
    """Any acyclic graph below one Video Input, and nodes of it to bypass."""
    size = draw(st.integers(1, 7))
    names = {"n0": "Video Input", **{f"n{i}": "Captions" for i in range(1, size)}}
    pairs = [(i, j) for j in range(1, size) for i in range(j)]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    spec = " ".join(f"n{i}>n{j}" for i, j in chosen)
    ignored = draw(st.lists(st.sampled_from([*names][1:]), unique=True)) if size > 1 else []
    return Graph.of(agent(names, spec)), ignored


def reaches(graph: Graph, start: str) -> set[str]:
    found, stack = set(), [start]
    while stack:
        for child in graph.children(stack.pop()):
            if child not in found:
                found.add(child)
                stack.append(child)
    return found


@given(graphs())
def test_bypassing_never_changes_what_the_other_nodes_are_fed_by(case):
    graph, ignored = case
    runnable = graph.runnable(ignored)
    fed = {"n0", *reaches(graph, "n0")} - set(ignored)
    assert set(runnable.nodes) == fed
    for node in fed:
        assert reaches(runnable, node) == reaches(graph, node) & fed
