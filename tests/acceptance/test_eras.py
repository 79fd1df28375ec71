"""Everything that the server lists works in both eras of the protocol, over every transport.

Arguments are found by their names, so that what is added later is called here too.
"""

import json
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import pytest
from mcp import Client, StdioServerParameters
from mcp_types import (
    CallToolResult,
    PromptReference,
    ResourceTemplateReference,
    TextContent,
    TextResourceContents,
    Tool,
)

from mosaic_mcp.server import build_server
from mosaic_mcp.settings import Settings
from tests.acceptance.conftest import Talk, environment
from tests.acceptance.tools import answer, text_of, to_the_end
from tests.support.loopback import on_loopback

AGENT = "Caption and reframe"
CONNECTIONS = [(t, era) for t in ("memory", "stdio", "http") for era in ("legacy", "auto")]
VERSIONS = {"legacy": "2025-11-25", "auto": "2026-07-28"}


@asynccontextmanager
async def connected(settings: Settings, transport: str, era: str) -> AsyncGenerator[Client]:
    match transport:
        case "memory":
            async with Client(build_server(settings), mode=era) as client:
                yield client
        case "stdio":
            server = StdioServerParameters(
                command=sys.executable, args=["-m", "mosaic_mcp"], env=environment(settings)
            )
            async with Client(server, mode=era) as client:
                yield client
        case _:
            with on_loopback(build_server(settings)) as url:
                async with Client(url, mode=era) as client:
                    yield client


@pytest.fixture(scope="module", params=CONNECTIONS, ids="-".join)
async def client(settings: Settings, request: pytest.FixtureRequest) -> AsyncGenerator[Client]:
    transport, era = request.param
    async with connected(settings, transport, era) as connection:
        assert connection.protocol_version == VERSIONS[era]
        yield connection


@pytest.fixture(scope="module")
async def known(client: Client, talk: Talk) -> dict[str, Any]:
    """Values for arguments, by the arguments' names. The run is made once, then found again."""
    run = {
        "agent": AGENT,
        "videos": [talk.named],
        "clip": "0-3",
        "quality": "draft",
        "idempotency_key": "eras",
    }
    ended = await to_the_end(client, await answer(client, "run_agent", **run))
    assert ended["status"] == "completed"
    output_id = ended["outputs"][0]["output_id"]
    return {
        **run,
        "run_id": ended["run_id"],
        "run": ended["run_id"],
        "output_id": output_id,
        "source": ended["run_id"],
        "video": f"render:{output_id}",
        "name": "From a test of eras",
        "tiles": ["Captions"],
    }


SAID_BESIDES = {
    "run_agent": ("videos", "clip", "quality", "idempotency_key"),
    "chain_run": ("dry_run",),
    "build_agent": ("tiles",),
}
"""Arguments that a call needs although the schema does not require them."""
REFUSED = {"resume_run": "conflict"}
"""Tools that must refuse a run that is complete."""


def arguments(tool: Tool, known: dict[str, Any]) -> dict[str, Any]:
    names = [*tool.input_schema.get("required", []), *SAID_BESIDES.get(tool.name, ())]
    return {name: {"dry_run": True, **known}[name] for name in names}


def same_facts(result: CallToolResult) -> bool:
    """True when text and structure say the same, or there is no structure."""
    texts = [b.text for b in result.content if isinstance(b, TextContent)]
    return result.structured_content in (None, json.loads(texts[0])) if texts else False


async def test_every_tool_answers(client: Client, known: dict[str, Any]):
    tools = (await client.list_tools()).tools
    assert len(tools) >= 11
    for tool in tools:
        result = await client.call_tool(tool.name, arguments(tool, known))
        if tool.name in REFUSED:
            assert result.structured_content["error"]["code"] == REFUSED[tool.name]
            continue
        assert not result.is_error, f"{tool.name}: {text_of(result)}"
        if tool.output_schema is not None:
            assert same_facts(result), tool.name


async def test_every_prompt_is_got(client: Client, known: dict[str, Any]):
    prompts = (await client.list_prompts()).prompts
    assert prompts
    for prompt in prompts:
        wanted = [a.name for a in prompt.arguments or [] if a.required]
        got = await client.get_prompt(prompt.name, {name: known[name] for name in wanted})
        (message,) = got.messages
        assert isinstance(message.content, TextContent), prompt.name
        assert all(known[name] in message.content.text for name in wanted), prompt.name


async def test_every_resource_is_read_also_those_behind_templates(
    client: Client, known: dict[str, Any]
):
    addresses = [r.uri for r in (await client.list_resources()).resources if r.uri[:3] != "ui:"]
    for template in (await client.list_resource_templates()).resource_templates:
        address = template.uri_template
        for name in {part.split("}")[0] for part in address.split("{")[1:]}:
            reference = ResourceTemplateReference(type="ref/resource", uri=template.uri_template)
            offered = await client.complete(reference, {"name": name, "value": ""})
            values = offered.completion.values
            value = next(v for v in (known["run_id"], AGENT, "Captions") if v in values)
            address = address.replace(f"{{{name}}}", quote(value, safe=""))
        addresses.append(address)
    assert len(addresses) >= 5
    for address in addresses:
        (contents,) = (await client.read_resource(address)).contents
        assert isinstance(contents, TextResourceContents)
        assert contents.text.strip(), address
        if contents.mime_type == "application/json":
            assert json.loads(contents.text), address


async def test_what_a_prompt_asks_for_is_completed(client: Client, known: dict[str, Any]):
    offered: dict[str, list[str]] = {}
    for prompt in (await client.list_prompts()).prompts:
        for argument in prompt.arguments or []:
            reference = PromptReference(type="ref/prompt", name=prompt.name)
            found = await client.complete(reference, {"name": argument.name, "value": ""})
            offered.setdefault(argument.name, []).extend(found.completion.values)
    assert AGENT in offered["agent"]
    assert known["run_id"] in offered["run"]
