"""What our tools cost a model: `uv run python -m tests.benchmarks.count_tokens` prints the table.

Counted is what a host puts into the model's context: name, description and input schema of each
tool of the default set, as compact JSON, in o200k tokens, by npm's gpt-tokenizer.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import anyio
from mcp import Client
from mcp.server.mcpserver import MCPServer
from mcp_types import Tool

from mosaic_mcp.server import build_server
from mosaic_mcp.settings import Settings
from tests.support.node import node, npm_folder

BUDGET = 2_500
COUNT = """
const { createRequire } = require("node:module");
const { countTokens } = createRequire(process.argv[1] + "/")("gpt-tokenizer/encoding/o200k_base");
const texts = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
console.log(JSON.stringify(texts.map((text) => countTokens(text))));
"""


async def tokens_of_tools(server: MCPServer[Any] | None = None) -> dict[str, int]:
    """Tokens by tool, in the order of the list; of our server unless another is given."""
    with tempfile.TemporaryDirectory() as home:
        async with Client(server or build_server(Settings(home=Path(home)))) as client:
            tools = (await client.list_tools()).tools
    return dict(zip([t.name for t in tools], _count([as_seen(t) for t in tools]), strict=True))


def as_seen(tool: Tool) -> str:
    """What a host puts before the model of a tool."""
    seen = {
        "name": tool.name,
        "description": tool.description,
        "input_schema": tool.input_schema,
    }
    return json.dumps(seen, ensure_ascii=False, separators=(",", ":"))


def _count(texts: list[str]) -> list[int]:
    done = subprocess.run(
        [node(), "-e", COUNT, npm_folder("gpt-tokenizer@4.0.0")],
        check=True,
        capture_output=True,
        text=True,
        input=json.dumps(texts),
    )
    return json.loads(done.stdout)


def table(tokens: dict[str, int]) -> str:
    """The tools and what they cost, as text."""
    lines = [f"{count:6}  {name}" for name, count in tokens.items()]
    return "\n".join([*lines, f"{sum(tokens.values()):6}  of {BUDGET} in total"])


if __name__ == "__main__":
    print(table(anyio.run(tokens_of_tools)))
