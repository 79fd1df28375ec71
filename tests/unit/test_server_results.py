"""Results as a contract: the same facts twice, nothing empty, never too long, no quiet loss."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from mcp_types import TextContent

from mosaic_mcp.server.answers import (
    NodeLine,
    OutputLine,
    OutputsAnswer,
    ParameterLine,
    RunAnswer,
    RunsAnswer,
    StepLine,
)
from mosaic_mcp.server.outputs import link
from mosaic_mcp.server.results import MAX_CHARS, compact, fitted, page_of, result, told


def test_text_and_structure_hold_the_same_facts():
    done = result(RunAnswer(status="running", summary="Running.", run_id="r", percent=0))
    [block] = done.content
    assert isinstance(block, TextContent)
    assert json.loads(block.text) == done.structured_content
    assert done.structured_content == {
        "status": "running",
        "summary": "Running.",
        "run_id": "r",
        "percent": 0,
    }


def test_nothing_empty_is_told_but_what_was_asked_for():
    done = result(RunsAnswer(runs=()))
    assert done.structured_content == {"runs": []}
    line = ParameterLine(name="karaoke", value=False)
    node = NodeLine(node="Captions", node_id="n", tile="Captions", parameters=(line,))
    assert told(node)["parameters"] == [{"name": "karaoke", "value": False}]


def steps(count: int) -> tuple[StepLine, ...]:
    return tuple(StepLine(node=f"Node {n} " + "x" * 70, status="running") for n in range(count))


def test_what_does_not_fit_is_left_out_and_said():
    done = result(RunAnswer(status="running", summary="Running.", steps=steps(200), next="n()"))
    told = done.structured_content
    assert told is not None
    assert len(compact(told)) <= MAX_CHARS
    kept = len(told["steps"])
    assert kept < 200
    assert told["left_out"] == [f"{200 - kept} of 200 steps; ask for less at once, or page on"]
    assert told["next"] == "n()"


def test_links_count_too():
    lines = [
        OutputLine(output_id=str(n), url="https://example.com/" + "s" * 900, size_bytes=1)
        for n in range(5)
    ]
    answer = OutputsAnswer(run_id="r", status="completed", outputs=tuple(lines))
    done = result(answer, *(link(line) for line in lines))
    assert done.structured_content is not None
    links = sum(len(block.model_dump_json(exclude_none=True)) for block in done.content[1:])
    assert len(compact(done.structured_content)) + links <= MAX_CHARS
    assert done.structured_content["left_out"]


def test_an_answer_of_one_long_text_is_cut_and_says_so():
    told = fitted({"summary": "x" * 50_000, "next": "n()"})
    assert len(compact(told)) <= MAX_CHARS
    assert told["left_out"] == ["ends of long texts"]
    assert told["next"] == "n()"


VALUES = st.recursive(
    st.text(max_size=2000) | st.integers() | st.booleans(),
    lambda inner: st.lists(inner, max_size=40) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=60,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(["steps", "errors", "outputs", "request"]), VALUES))
def test_any_answer_fits_or_is_as_short_as_it_gets(data: dict[str, Any]):
    before = compact(data)
    told = fitted(data, most=3000)
    assert compact(data) == before
    if len(before) <= 3000:
        assert told == data
    else:
        assert told["left_out"]
        assert len(compact(told)) < len(before) + 300


def test_a_page_takes_what_fits_and_at_least_one():
    rows = [StepLine(node="x" * 100, status="running")] * 10
    assert page_of(rows, 500) == 3
    assert page_of(rows, 10) == 1
    assert page_of([], 10) == 0
