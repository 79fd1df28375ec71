"""One file per tool: its definition and its handler. Their order here is the order of the list."""

from __future__ import annotations

from collections.abc import Iterator

from mosaic_mcp.server.engine import Engine
from mosaic_mcp.server.tooling import ClosedTool
from mosaic_mcp.server.tools import (
    build_agent,
    cancel_run,
    chain_run,
    find_agents,
    get_run,
    list_outputs,
    list_runs,
    read_transcript,
    resume_run,
    run_agent,
    view_output,
)

TOOLS = (
    find_agents,
    build_agent,
    run_agent,
    get_run,
    list_outputs,
    view_output,
    chain_run,
    resume_run,
    cancel_run,
    list_runs,
    read_transcript,
)


def all_tools(engine: Engine) -> Iterator[ClosedTool]:
    """Every tool, bound to an engine."""
    for module in TOOLS:
        yield module.tool(engine)
