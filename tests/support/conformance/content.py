"""Fixtures that answer with content: tools, resources and prompts of given names and texts."""

from __future__ import annotations

import base64
import io
import wave
from typing import Annotated, Any

import anyio
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.prompts.base import Message, UserMessage
from mcp_types import (
    AudioContent,
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    TextContent,
    TextResourceContents,
)
from PIL import Image
from pydantic import Field

from tests.support.conformance.making import fixture, said

Ctx = Context[Any, Any]


def _pixel() -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (1, 1), "red").save(data, "png")
    return data.getvalue()


def _silence() -> bytes:
    data = io.BytesIO()
    with wave.open(data, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(160))
    return data.getvalue()


PNG = base64.b64encode(_pixel()).decode()
WAV = base64.b64encode(_silence()).decode()


def _image() -> ImageContent:
    return ImageContent(type="image", data=PNG, mime_type="image/png")


def _resource(uri: str, text: str, mime_type: str = "text/plain") -> EmbeddedResource:
    contents = TextResourceContents(uri=uri, mime_type=mime_type, text=text)
    return EmbeddedResource(type="resource", resource=contents)


def _made(*content: ContentBlock) -> CallToolResult:
    return CallToolResult(content=list(content))


@fixture
async def test_simple_text() -> CallToolResult:
    return said("This is a simple text response for testing.")


@fixture
async def test_image_content() -> CallToolResult:
    return _made(_image())


@fixture
async def test_audio_content() -> CallToolResult:
    return _made(AudioContent(type="audio", data=WAV, mime_type="audio/wav"))


@fixture
async def test_embedded_resource() -> CallToolResult:
    return _made(_resource("test://embedded-resource", "This is an embedded resource content."))


@fixture
async def test_multiple_content_types() -> CallToolResult:
    json = '{"test":"data","value":123}'
    return _made(
        TextContent(type="text", text="Multiple content types test:"),
        _image(),
        _resource("test://mixed-content-resource", json, "application/json"),
    )


@fixture
async def test_error_handling() -> CallToolResult:
    raise RuntimeError("This tool intentionally returns an error for testing")


@fixture
async def test_tool_with_progress(ctx: Ctx) -> CallToolResult:
    for done in (0, 50, 100):
        await ctx.report_progress(done, 100)
        await anyio.sleep(0.05)  # the suite asks for it
    return said("done")


async def _log(ctx: Ctx, text: str) -> None:
    # Deprecated by the protocol, and still a part of what its older clients may ask for.
    await ctx.session.send_log_message("info", text, related_request_id=ctx.request_id)


@fixture
async def test_tool_with_logging(ctx: Ctx) -> CallToolResult:
    for text in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await _log(ctx, text)
        await anyio.sleep(0.05)  # the suite asks for it
    return said("done")


@fixture
async def test_logging_tool(ctx: Ctx) -> CallToolResult:
    await _log(ctx, "only for those who asked for a log level")
    return said("done")


@fixture
async def test_reconnection(ctx: Ctx) -> CallToolResult:
    await ctx.close_sse_stream()
    await anyio.sleep(0.2)  # time for the client to notice and to come back
    return said("Reconnection test completed")


@fixture
async def test_trigger_tool_change(ctx: Ctx) -> CallToolResult:
    await ctx.notify_tools_changed()
    return said("told")


@fixture
async def test_trigger_prompt_change(ctx: Ctx) -> CallToolResult:
    await ctx.notify_prompts_changed()
    return said("told")


@fixture
async def test_custom_headers(
    region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})],
) -> CallToolResult:
    return said(region)


SCHEMA_2020_12 = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}


@fixture(schema=SCHEMA_2020_12)
async def json_schema_2020_12_tool() -> CallToolResult:
    return said("only its schema is looked at")


TOOLS = (
    test_simple_text,
    test_image_content,
    test_audio_content,
    test_embedded_resource,
    test_multiple_content_types,
    test_error_handling,
    test_tool_with_progress,
    test_tool_with_logging,
    test_logging_tool,
    test_reconnection,
    test_trigger_tool_change,
    test_trigger_prompt_change,
    test_custom_headers,
    json_schema_2020_12_tool,
)


def add_resources(server: MCPServer[Any]) -> None:
    """The resources that the suite reads."""

    @server.resource("test://static-text", mime_type="text/plain")
    def static_text() -> str:
        return "This is the content of the static text resource."

    @server.resource("test://static-binary", mime_type="image/png")
    def static_binary() -> bytes:
        return _pixel()

    @server.resource("test://watched-resource", mime_type="text/plain")
    def watched() -> str:
        return "Watched."

    @server.resource("test://template/{id}/data", mime_type="application/json")
    def template(id: str) -> str:
        return f'{{"id":"{id}","templateTest":true,"data":"Data for ID: {id}"}}'


def add_prompts(server: MCPServer[Any]) -> None:
    """The prompts that the suite gets."""

    @server.prompt(description="A prompt without arguments.")
    def test_simple_prompt() -> list[Message]:
        return [UserMessage("This is a simple prompt for testing.")]

    @server.prompt(description="A prompt with two arguments.")
    def test_prompt_with_arguments(arg1: str, arg2: str) -> list[Message]:
        return [UserMessage(f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'")]

    @server.prompt(description="A prompt with a resource in it.")
    def test_prompt_with_embedded_resource(resourceUri: str) -> list[Message]:  # noqa: N803
        resource = _resource(resourceUri, "Embedded resource content for testing.")
        return [UserMessage(resource), UserMessage("Please process the embedded resource above.")]

    @server.prompt(description="A prompt with a picture in it.")
    def test_prompt_with_image() -> list[Message]:
        return [UserMessage(_image()), UserMessage("Please analyze the image above.")]
