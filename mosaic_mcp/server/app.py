"""`build_server()`: the one place that knows which tools, prompts and resources there are.

A factory without globals: stdio, HTTP and tests share it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any

from mcp.server.auth.provider import TokenVerifier
from mcp.server.auth.settings import AuthSettings
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ResourceNotFoundError
from mcp_types import CallToolResult, GetPromptResult, InputRequiredResult, Prompt
from pydantic import AnyUrl

from mosaic_mcp import __version__
from mosaic_mcp.errors import MosaicError
from mosaic_mcp.server import failures, icons, resources
from mosaic_mcp.server.app_view import (
    hide_viewer_tools,
    only_for_the_viewer,
    viewer,
    with_viewer,
)
from mosaic_mcp.server.completions import completer
from mosaic_mcp.server.engine import Engine
from mosaic_mcp.server.hints import Hints
from mosaic_mcp.server.run_tasks import RunTasks
from mosaic_mcp.server.tasks import Tasks, TaskStore
from mosaic_mcp.server.tooling import ClosedTool
from mosaic_mcp.server.tools import all_tools
from mosaic_mcp.settings import Settings

INSTRUCTIONS = """\
Edit video: cut talks into vertical captioned clips, remove silences and filler words, reframe, \
caption, watermark, clean up sound.
An agent is a saved graph of tiles; a run executes it on videos and takes minutes.
1. find_agents lists agents and describes one: its nodes and parameters. build_agent makes one \
from a list of tiles.
2. run_agent starts a run; dry_run shows the request first. It answers within wait_s, done or \
not: then follow `next`, which is get_run until the run has ended.
3. list_outputs gives files, links and timelines; view_output shows frames: look at your own edit \
before you call it good.
4. chain_run feeds finished videos to another agent; resume_run goes on after a failure; \
cancel_run stops; list_runs finds a lost run id.
read_transcript tells what is said when, to choose moments. A run outlives this chat.
"""


class MosaicServer(MCPServer[Any]):
    """The SDK's server, with prompts from files, and unknown names answered with the nearest."""

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Call a tool by name."""
        tools = await self.list_tools()
        if name not in [tool.name for tool in tools]:
            names = [tool.name for tool in tools if not only_for_the_viewer(tool)]
            return failures.unknown_tool(name, names)
        return await super().call_tool(name, arguments, context)

    async def list_prompts(self) -> list[Prompt]:
        """The prompts' heads; those registered with the SDK come after ours."""
        from mosaic_mcp.server.prompts import all_prompts

        ours = [prompt.listed() for prompt in all_prompts()]
        return [*ours, *await super().list_prompts()]

    async def get_prompt(
        self,
        name: str,
        arguments: dict[str, Any] | None = None,
        context: Context[Any, Any] | None = None,
    ) -> GetPromptResult | InputRequiredResult:
        """A prompt's text with its arguments."""
        from mosaic_mcp.server.prompts import render

        if name in [prompt.name for prompt in await super().list_prompts()]:
            return await super().get_prompt(name, arguments, context)
        return render(name, arguments)

    async def read_resource(
        self, uri: AnyUrl | str, context: Context[Any, Any] | None = None
    ) -> Iterable[ReadResourceContents] | InputRequiredResult:
        """Read a resource by its address."""
        try:
            return await super().read_resource(uri, context)
        except ResourceNotFoundError as error:
            if isinstance(error.__cause__, MosaicError):  # ours: it says what is missing
                raise
            raise resources.unknown(str(uri)) from error


def build_server(
    settings: Settings,
    *,
    engine: Engine | None = None,
    notes: str = "",
    auth: AuthSettings | None = None,
    token_verifier: TokenVerifier | None = None,
    more_tools: Sequence[ClosedTool] = (),
    tasks: TaskStore | None = None,
) -> MosaicServer:
    """A server with all tools, bound to `engine`, else to the one that the settings name.

    `notes` are added to the instructions; `auth` and `token_verifier` guard HTTP. `more_tools` are
    listed after ours; `tasks` replaces the engine's runs as the store of tasks.
    """
    engine = engine or Engine(settings)

    receiving = _receiving(settings)

    @asynccontextmanager
    async def lifespan(_server: MCPServer[Any]) -> AsyncGenerator[Engine]:
        try:
            async with engine.hand_overs.open(), engine.calls.open(), receiving(engine.hints):
                yield engine
        finally:
            await engine.close()

    server = MosaicServer(
        name="mosaic-mcp",
        title="Mosaic video editing",
        instructions=INSTRUCTIONS + notes,
        version=__version__,
        website_url="https://mosaic.so",
        icons=icons.SERVER,
        tools=[*with_viewer(all_tools(engine, settings.toolsets), engine), *more_tools],
        extensions=[Tasks(tasks or RunTasks(engine)), viewer()],
        middleware=[hide_viewer_tools],
        lifespan=lifespan,
        auth=auth,
        token_verifier=token_verifier,
        log_level="WARNING",
        cache_hints=resources.CACHE_HINTS,
    )
    resources.add_resources(server, engine)
    server.completion()(completer(engine))
    return server


def _receiving(settings: Settings) -> Callable[[Hints], AbstractAsyncContextManager[None]]:
    """What receives webhooks while the server runs, where the user wants that."""
    if settings.webhook_port is None:
        return lambda _hints: nullcontext()
    from mosaic_mcp.server.webhooks import listening, listening_at

    port, secret = listening_at(settings)
    return lambda hints: listening(hints, port, secret)
