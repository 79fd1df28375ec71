"""`build_server()`: the one place that knows which tools there are.

A factory without globals: stdio, HTTP and tests share it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from mcp.server.mcpserver import Context, MCPServer
from mcp_types import CallToolResult, InputRequiredResult

from mosaic_mcp import __version__
from mosaic_mcp.server import failures
from mosaic_mcp.server.engine import Engine
from mosaic_mcp.server.tools import all_tools
from mosaic_mcp.settings import Settings

INSTRUCTIONS = """\
Edit video: cut talks into vertical captioned clips, remove silences and filler words, reframe, \
caption, watermark, clean up sound.
An agent is a saved graph of tiles; a run executes it on videos and takes minutes.
1. find_agents lists agents and describes one: its nodes and parameters. build_agent makes one \
from a list of tiles.
2. run_agent starts a run (dry_run shows the request first). It answers within wait_s, done or \
not: then follow `next`, which is get_run until the run has ended.
3. list_outputs gives files, links and timelines; view_output shows frames: look at your own edit \
before you call it good.
4. chain_run feeds finished videos to another agent; resume_run goes on after a failure; \
cancel_run stops; list_runs finds a lost run id.
read_transcript tells what is said when, to choose moments. A run outlives this chat.
"""


class MosaicServer(MCPServer[Any]):
    """The SDK's server; a call of an unknown tool is answered with the nearest name."""

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Call a tool by name."""
        names = [tool.name for tool in await self.list_tools()]
        if name not in names:
            return failures.unknown_tool(name, names)
        return await super().call_tool(name, arguments, context)


def build_server(settings: Settings) -> MosaicServer:
    """A server with all tools, bound to the engine that the settings name."""
    engine = Engine(settings)

    @asynccontextmanager
    async def lifespan(_server: MCPServer[Any]) -> AsyncGenerator[Engine]:
        try:
            yield engine
        finally:
            await engine.close()

    return MosaicServer(
        name="mosaic-mcp",
        title="Mosaic video editing",
        instructions=INSTRUCTIONS,
        version=__version__,
        website_url="https://mosaic.so",
        tools=list(all_tools(engine)),
        lifespan=lifespan,
        log_level="WARNING",
    )
