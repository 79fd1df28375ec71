"""Fixtures that ask the client: over a back channel (handshake era) or by a result (2026-07-28)."""

from __future__ import annotations

from typing import Any, Literal

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.prompts.base import Message, UserMessage
from mcp.shared.exceptions import MCPError
from mcp_types import (
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    CallToolResult,
    CreateMessageRequest,
    CreateMessageRequestParams,
    CreateMessageResult,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequiredResult,
    ListRootsRequest,
    ListRootsResult,
    SamplingMessage,
    TextContent,
)
from pydantic import BaseModel, Field

from tests.support.conformance.making import fixture, said

Ctx = Context[Any, Any]
Outcome = CallToolResult | InputRequiredResult


def asked(message: str, **properties: str) -> ElicitRequest:
    """A form with fields of these JSON types, all required."""
    schema = {
        "type": "object",
        "properties": {name: {"type": kind} for name, kind in properties.items()},
        "required": list(properties),
    }
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))


def _sample(text: str, tokens: int) -> CreateMessageRequest:
    message = SamplingMessage(role="user", content=TextContent(type="text", text=text))
    return CreateMessageRequest(
        params=CreateMessageRequestParams(messages=[message], max_tokens=tokens)
    )


ROOTS = ListRootsRequest(params=None)
NAME = asked("What is your name?", name="string")


def answered(ctx: Ctx, key: str, kind: type[Any]) -> Any:
    """The client's answer to a question, or None where it is missing or of another kind."""
    answer = (ctx.input_responses or {}).get(key)
    return answer if isinstance(answer, kind) else None


def field(answer: ElicitResult | None, name: str) -> Any:
    """A field of an accepted form."""
    return (answer.content or {}).get(name) if answer and answer.action == "accept" else None


# The handshake era: the server asks while the call runs.


class Address(BaseModel):
    username: str = Field(description="User's response")
    email: str = Field(description="User's email address")


class Defaults(BaseModel):
    name: str = "John Doe"
    age: int = 30
    score: float = 95.5
    status: Literal["active", "inactive", "pending"] = "active"
    verified: bool = True


THREE = ["option1", "option2", "option3"]
TITLED = [{"const": f"value{n}", "title": f"Choice {n}"} for n in (1, 2, 3)]


class Enums(BaseModel):
    untitledSingle: str = Field(json_schema_extra={"enum": THREE})  # noqa: N815
    titledSingle: str = Field(json_schema_extra={"oneOf": TITLED})  # noqa: N815
    legacyEnum: str = Field(  # noqa: N815
        json_schema_extra={"enum": ["opt1", "opt2", "opt3"], "enumNames": ["One", "Two", "Three"]}
    )
    untitledMulti: list[str] = Field(  # noqa: N815
        json_schema_extra={"items": {"type": "string", "enum": THREE}}
    )
    titledMulti: list[str] = Field(json_schema_extra={"items": {"anyOf": TITLED}})  # noqa: N815


async def _elicited(ctx: Ctx, message: str, form: type[BaseModel], word: str) -> CallToolResult:
    outcome = await ctx.elicit(message, form)
    content = outcome.data.model_dump_json() if outcome.action == "accept" else "{}"
    return said(f"{word}: action={outcome.action}, content={content}")


@fixture
async def test_elicitation(ctx: Ctx, message: str) -> CallToolResult:
    return await _elicited(ctx, message, Address, "User response")


@fixture
async def test_elicitation_sep1034_defaults(ctx: Ctx) -> CallToolResult:
    return await _elicited(ctx, "Please check", Defaults, "Elicitation completed")


@fixture
async def test_elicitation_sep1330_enums(ctx: Ctx) -> CallToolResult:
    return await _elicited(ctx, "Please choose", Enums, "Elicitation completed")


@fixture
async def test_sampling(ctx: Ctx, prompt: str) -> CallToolResult:
    message = SamplingMessage(role="user", content=TextContent(type="text", text=prompt))
    reply = await ctx.session.create_message(
        [message], max_tokens=100, related_request_id=ctx.request_id
    )
    return said(f"LLM response: {getattr(reply.content, 'text', '')}")


# 2026-07-28: the result asks, and the client calls again with the answers.


@fixture
async def test_input_required_result_elicitation(ctx: Ctx) -> Outcome:
    name = field(answered(ctx, "user_name", ElicitResult), "name")
    return (
        said(f"Hello, {name}!") if name else InputRequiredResult(input_requests={"user_name": NAME})
    )


@fixture
async def test_input_required_result_sampling(ctx: Ctx) -> Outcome:
    reply = answered(ctx, "capital_question", CreateMessageResult)
    if reply is not None:
        return said(getattr(reply.content, "text", ""))
    question = _sample("What is the capital of France?", 100)
    return InputRequiredResult(input_requests={"capital_question": question})


@fixture
async def test_input_required_result_list_roots(ctx: Ctx) -> Outcome:
    listed = answered(ctx, "client_roots", ListRootsResult)
    if listed is not None:
        return said("Roots: " + ", ".join(str(root.uri) for root in listed.roots))
    return InputRequiredResult(input_requests={"client_roots": ROOTS})


@fixture
async def test_input_required_result_request_state(ctx: Ctx) -> Outcome:
    if ctx.request_state == "first" and answered(ctx, "confirm", ElicitResult):
        return said("state-ok")
    question = asked("Please confirm", ok="boolean")
    return InputRequiredResult(input_requests={"confirm": question}, request_state="first")


@fixture
async def test_input_required_result_tampered_state(ctx: Ctx) -> Outcome:
    # The SDK seals the state: one that was touched never gets here.
    if ctx.request_state == "sealed":
        return said("the state is whole")
    question = asked("Please confirm", ok="boolean")
    return InputRequiredResult(input_requests={"confirm": question}, request_state="sealed")


@fixture
async def test_input_required_result_multiple_inputs(ctx: Ctx) -> Outcome:
    name = field(answered(ctx, "user_name", ElicitResult), "name")
    greeting = answered(ctx, "greeting", CreateMessageResult)
    roots = answered(ctx, "client_roots", ListRootsResult)
    if name and greeting and roots:
        return said(f"{getattr(greeting.content, 'text', '')}, {name}: {len(roots.roots)} roots")
    questions = {
        "user_name": NAME,
        "greeting": _sample("Generate a greeting", 50),
        "client_roots": ROOTS,
    }
    return InputRequiredResult(input_requests=questions, request_state="all three")


@fixture
async def test_input_required_result_multi_round(ctx: Ctx) -> Outcome:
    if ctx.request_state and ctx.request_state.startswith("name="):
        color = field(answered(ctx, "step2", ElicitResult), "color")
        return said(f"{ctx.request_state}, color={color}")
    name = field(answered(ctx, "step1", ElicitResult), "name")
    if ctx.request_state == "begun" and name:
        question = asked("Step 2: What is your favorite color?", color="string")
        return InputRequiredResult(input_requests={"step2": question}, request_state=f"name={name}")
    question = asked("Step 1: What is your name?", name="string")
    return InputRequiredResult(input_requests={"step1": question}, request_state="begun")


@fixture
async def test_input_required_result_capabilities(ctx: Ctx) -> Outcome:
    able = ctx.client_capabilities
    questions: dict[str, Any] = {}
    if able and able.elicitation is not None:
        questions["user_name"] = NAME
    if able and able.sampling is not None:
        questions["greeting"] = _sample("Generate a greeting", 50)
    return InputRequiredResult(input_requests=questions) if questions else said("cannot ask")


@fixture
async def test_streaming_elicitation(ctx: Ctx) -> Outcome:
    await ctx.report_progress(1, 2)
    if ctx.input_responses:
        return said("answered")
    return InputRequiredResult(input_requests={"user_name": NAME})


@fixture
async def test_missing_capability(ctx: Ctx) -> CallToolResult:
    if ctx.client_capabilities is None or ctx.client_capabilities.sampling is None:
        raise MCPError(
            MISSING_REQUIRED_CLIENT_CAPABILITY,
            "This tool needs a client that samples.",
            {"requiredCapabilities": {"sampling": {}}},
        )
    return said("could sample")


TOOLS = (
    test_elicitation,
    test_elicitation_sep1034_defaults,
    test_elicitation_sep1330_enums,
    test_sampling,
    test_input_required_result_elicitation,
    test_input_required_result_sampling,
    test_input_required_result_list_roots,
    test_input_required_result_request_state,
    test_input_required_result_tampered_state,
    test_input_required_result_multiple_inputs,
    test_input_required_result_multi_round,
    test_input_required_result_capabilities,
    test_streaming_elicitation,
    test_missing_capability,
)


def add_asking_prompt(server: MCPServer[Any]) -> None:
    """A prompt that asks before it answers."""

    @server.prompt(description="A prompt that asks first.")
    def test_input_required_result_prompt(ctx: Ctx) -> list[Message] | InputRequiredResult:
        context = field(answered(ctx, "user_context", ElicitResult), "context")
        if context is None:
            question = asked("What context should the prompt use?", context="string")
            return InputRequiredResult(input_requests={"user_context": question})
        return [UserMessage(f"About {context}.")]
