"""The run viewer: an MCP App (`io.modelcontextprotocol/ui`, version 2026-01-26).

Hosts that render Apps show `ui://mosaic/run.html` beside the runs that the tools start or ask
about. The page loads nothing from anywhere: what it needs it gets by calling our tools through
its host. Every other client sees the same tools, results and token count as without it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mcp.server.apps import APP_MIME_TYPE, Apps, client_supports_apps
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver.resources import FunctionResource
from mcp_types import Tool

from mosaic_mcp.server.app_view import play_output, view_run
from mosaic_mcp.server.engine import Engine
from mosaic_mcp.server.tooling import ClosedTool

URI = "ui://mosaic/run.html"
SHOWN_BY = frozenset({"run_agent", "get_run", "chain_run", "resume_run"})
"""Tools whose results a host shows in the viewer."""

_PAGE = Path(__file__).parent / "page"
_PARTS = re.compile(
    r'<link rel="stylesheet" href="(?P<css>[a-z]+\.css)">'
    r'|<script src="(?P<js>[a-z]+\.js)"></script>'
)


def viewer() -> Apps:
    """The extension that serves the page. It is read from disk when a host asks for it."""
    apps = Apps()
    page = FunctionResource(
        uri=URI,
        name="run-viewer",
        title="Run viewer",
        description="Progress, node graph and videos of a run",
        mime_type=APP_MIME_TYPE,
        # No `csp`: nothing but the page itself, which is what hosts allow by default.
        meta={"ui": {"prefersBorder": True}},
        fn=page_html,
    )
    apps.add_resource(page)
    return apps


def page_html() -> str:
    """The page as one self-contained document: its style and scripts stand inside it."""

    def inside(match: re.Match[str]) -> str:
        tag, name = ("style", match["css"]) if match["css"] else ("script", match["js"])
        return f"<{tag}>\n{(_PAGE / name).read_text('utf-8')}</{tag}>"

    return _PARTS.sub(inside, (_PAGE / "run.html").read_text("utf-8"))


def with_viewer(tools: Iterator[ClosedTool], engine: Engine) -> Iterator[ClosedTool]:
    """The tools, those of runs bound to the page, followed by what only the page may call."""
    for tool in tools:
        if tool.name in SHOWN_BY:
            tool.meta = {**(tool.meta or {}), "ui": {"resourceUri": URI}}
        yield tool
    for module in (view_run, play_output):
        tool = module.tool(engine)
        tool.meta = {"ui": {"resourceUri": URI, "visibility": ["app"]}}
        yield tool


def only_for_the_viewer(tool: Tool) -> bool:
    """True for a tool that models neither see nor need."""
    return _hidden(tool.meta)


async def hide_viewer_tools(
    ctx: ServerRequestContext[Any, Any], call_next: CallNext
) -> HandlerResult:
    """Middleware: a client without Apps does not know that such tools are not for its model."""
    result = await call_next(ctx)
    if ctx.method == "tools/list" and isinstance(result, dict) and not client_supports_apps(ctx):
        shown = [tool for tool in result["tools"] if not _hidden(tool.get("_meta"))]
        return {**result, "tools": shown}
    return result


def _hidden(meta: Mapping[str, Any] | None) -> bool:
    """`visibility` without "model": hosts must not show such a tool to their model."""
    ui: Mapping[str, Any] = (meta or {}).get("ui") or {}
    return "model" not in ui.get("visibility", ["model"])
