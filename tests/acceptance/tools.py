"""Calling tools as a chat client does: by name, reading what comes back."""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import anyio
from mcp import Client, StdioServerParameters
from mcp_types import CallToolResult, TextContent

from tests.support.waiting import WAIT_S

ROOT = Path(__file__).parents[2]
ENDED = {"completed", "partial_complete", "failed", "cancelled"}


def text_of(result: CallToolResult) -> str:
    return "\n".join(b.text for b in result.content if isinstance(b, TextContent))


async def answer(client: Client, tool: str, /, **arguments: Any) -> dict[str, Any]:
    """The structured answer of a call that must succeed; its text must say the same.

    One that a loaded machine could not answer in time is made again, as it says itself.
    """
    with anyio.fail_after(WAIT_S):
        result = await client.call_tool(tool, arguments)
        while _again(result):
            result = await client.call_tool(tool, arguments)
    assert not result.is_error, text_of(result)
    assert result.structured_content is not None
    first = next(b for b in result.content if isinstance(b, TextContent))
    assert json.loads(first.text) == result.structured_content
    return result.structured_content


def _again(result: CallToolResult) -> bool:
    """What a model reads as advice to make the same call again."""
    if result.is_error:
        return "Make the same call again" in text_of(result)
    told = (result.structured_content or {}).get("next") or ""
    return told.startswith("the same call again")


async def refusal(client: Client, tool: str, /, **arguments: Any) -> str:
    """The text of a call that must be refused."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error, result.structured_content
    assert "Traceback" not in text_of(result)
    return text_of(result)


async def to_the_end(client: Client, run: dict[str, Any]) -> dict[str, Any]:
    """Follow a run as its answers say, until it has ended."""
    while run["status"] not in ENDED:
        assert run["next"].startswith("get_run("), run
        run = await answer(client, "get_run", run_id=run["run_id"], since=run["since"], wait_s=50)
    return run


async def tools_of(command: Sequence[str], env: Mapping[str, str]) -> list[str]:
    """The tools of the server that a documented command starts, from this checkout with real uv."""
    asked = (*command, *sorted(env.items()))
    if asked not in _listed:
        _listed[asked] = await _listed_by(command, env)
    return _listed[asked]


_listed: dict[tuple[Any, ...], list[str]] = {}
"""By command and environment: most examples start the same server."""


async def _listed_by(command: Sequence[str], env: Mapping[str, str]) -> list[str]:
    program, *arguments = command
    assert program == "uv"
    uv = os.environ.get("UV") or shutil.which("uv")
    assert uv, "run the tests with `uv run pytest`"
    server = StdioServerParameters(
        command=uv,
        args=[argument.replace("/path/to/mosaic-mcp", str(ROOT)) for argument in arguments],
        env=dict(env),
    )
    async with Client(server) as client:
        return [tool.name for tool in (await client.list_tools()).tools]
