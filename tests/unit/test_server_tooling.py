"""Closed arguments, slim schemas, and failures that say what to do."""

from typing import Annotated, Any, Literal

import pytest
from mcp_types import CallToolResult, TextContent
from pydantic import Field

from mosaic_mcp.errors import (
    Conflict,
    Fault,
    InvalidRequest,
    NotFound,
    RateLimited,
    TooLarge,
    Unauthorized,
)
from mosaic_mcp.server import failures
from mosaic_mcp.server.answers import RunAnswer, RunsAnswer
from mosaic_mcp.server.results import MAX_CHARS, compact, result, shorten
from mosaic_mcp.server.tooling import READS, build_tool, slim


def said(outcome: CallToolResult) -> str:
    return " ".join(b.text for b in outcome.content if isinstance(b, TextContent))


def make_tool(body: Any = None):
    async def sample_tool(
        name: Annotated[str, Field(max_length=5)], count: Annotated[int, Field(ge=1)] = 1
    ) -> CallToolResult:
        """Does
        things."""
        if body:
            raise body
        return CallToolResult(content=[TextContent(type="text", text=name * count)])

    return build_tool(sample_tool, title="Sample", annotations=READS)


async def test_good_arguments_reach_the_function():
    outcome = await make_tool().run({"name": "ab", "count": 2}, None, convert_result=True)
    assert said(outcome) == "abab"


async def test_all_bad_arguments_are_reported_at_once_with_the_nearest_name():
    outcome = await make_tool().run({"nam": "ab", "count": 0}, None)
    assert outcome.is_error
    text = said(outcome)
    assert "unknown argument 'nam'. Did you mean 'name'?" in text
    assert "name: required" in text
    assert "count: Input should be greater than or equal to 1 (got 0)" in text
    assert "pydantic.dev" not in text


async def test_a_value_that_is_none_of_the_choices_is_answered_with_the_nearest():
    async def sample_tool(
        quality: Annotated[Literal["draft", "standard", "or best"], Field(description="How")],
    ) -> CallToolResult:
        """Does things."""
        return CallToolResult(content=[])

    tool = build_tool(sample_tool, title="Sample", annotations=READS)
    text = said(await tool.run({"quality": "standart"}, None))
    assert (
        "quality: 'standart' is none of draft, standard, or best. Did you mean 'standard'?" in text
    )


@pytest.mark.parametrize(
    ("error", "who", "following"),
    [
        (Unauthorized("No key."), "user", "the same call, once that is done"),
        (RateLimited("Too many."), "nobody", "the same call again"),
        (
            Conflict("It runs.", remedy="get_run(run_id='r') tells."),
            "caller",
            "get_run(run_id='r')",
        ),
        (InvalidRequest([Fault("clip", "is no span.")]), "caller", "a corrected call"),
    ],
)
def test_a_failure_says_who_must_act_and_what_call_comes_next(error, who, following):
    told = failures.from_error(error).structured_content["error"]
    assert (told["who"], told["next"]) == (who, following)


async def test_an_error_of_ours_becomes_a_result_with_its_remedy():
    tool = make_tool(NotFound("There is no run 'x'.", remedy="list_runs() shows them."))
    outcome = await tool.run({"name": "a"}, None)
    assert outcome.is_error
    assert said(outcome) == "There is no run 'x'.\nlist_runs() shows them."
    assert outcome.structured_content == {
        "error": {
            "code": "not_found",
            "retryable": False,
            "who": "caller",
            "message": "There is no run 'x'.",
            "remedy": "list_runs() shows them.",
            "next": "list_runs()",
        }
    }


def test_an_error_without_a_remedy_of_its_own_gives_the_advice_of_its_class():
    outcome = failures.from_error(TooLarge("talk.mp4 has 9 GB."))
    assert outcome.structured_content["error"]["who"] == "user"
    assert said(outcome) == f"talk.mp4 has 9 GB.\n{TooLarge.advice}"


async def test_a_crash_tells_the_caller_nothing_of_its_inside():
    outcome = await make_tool(KeyError("/home/someone/secret")).run({"name": "a"}, None)
    assert outcome.is_error
    assert "secret" not in str(outcome)
    assert "mosaic-mcp doctor" in said(outcome)


def test_every_fault_of_a_request_stands_in_the_text_and_in_the_structure():
    faults = [Fault("clip", "ends before it starts", "Swap the times."), Fault("videos", "none")]
    outcome = failures.from_error(InvalidRequest(faults))
    assert "clip: ends before it starts Swap the times." in said(outcome)
    assert [f["where"] for f in outcome.structured_content["error"]["faults"]] == [
        "clip",
        "videos",
    ]


def test_of_very_many_faults_the_last_are_left_out_and_the_remedy_stays():
    faults = [Fault(f"videos[{n}]", "There is no file " + "x" * 400) for n in range(50)]
    outcome = failures.from_error(InvalidRequest(faults))
    told = outcome.structured_content
    assert len(compact(told)) <= MAX_CHARS
    assert told["left_out"][0].endswith("of 50 error.faults; ask for less at once, or page on")
    assert len(said(outcome)) <= failures.MAX_TEXT
    assert said(outcome).endswith(InvalidRequest.advice)


def test_a_rate_limit_says_when_to_try_again():
    outcome = failures.from_error(RateLimited("Too many requests.", retry_after_s=7))
    assert outcome.structured_content["error"]["retry_after_s"] == 7
    assert outcome.structured_content["error"]["retryable"] is True


def test_an_unknown_tool_is_answered_with_the_nearest():
    text = said(failures.unknown_tool("run_agnet", ["run_agent", "get_run"]))
    assert "Did you mean 'run_agent'?" in text


def test_the_description_is_one_line_and_the_schema_closed():
    tool = make_tool()
    assert tool.description == "Does things."
    assert tool.parameters["additionalProperties"] is False
    assert "title" not in tool.parameters


@pytest.mark.parametrize(
    ("schema", "slimmed"),
    [
        ({"title": "X", "type": "string"}, {"type": "string"}),
        ({"properties": {"title": {"title": "Title"}}}, {"properties": {"title": {}}}),
        ({"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}, {"type": "string"}),
        (
            {"anyOf": [{"type": "string"}, {"type": "object"}, {"type": "null"}]},
            {"anyOf": [{"type": "string"}, {"type": "object"}]},
        ),
    ],
)
def test_schemas_lose_titles_and_null_alternatives(schema, slimmed):
    assert slim(schema) == slimmed


def test_text_and_structure_hold_the_same_facts_without_nulls():
    outcome = result(RunAnswer(status="running", summary="Running.", run_id="r", warnings=[]))
    assert outcome.structured_content == {
        "status": "running",
        "summary": "Running.",
        "run_id": "r",
    }
    assert said(outcome) == '{"status":"running","summary":"Running.","run_id":"r"}'


def test_an_empty_list_that_was_asked_for_is_still_an_answer_of_its_schema():
    outcome = result(RunsAnswer(runs=()))
    assert outcome.structured_content == {"runs": []}
    assert RunsAnswer.model_validate(outcome.structured_content).runs == ()


def test_long_lists_of_messages_are_cut_and_say_so():
    assert shorten(["x" * 400], each=10) == ["x" * 9 + "…"]
    assert shorten(list("abc"), most=2) == ["a", "b", "… and 1 more"]
