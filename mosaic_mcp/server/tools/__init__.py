"""One file per tool: its definition and its handler. Their order here is the order of the list.

The default tools are always there; MOSAIC_TOOLSETS adds others. What moves money stands in a
toolset of its own, so that nobody has it who did not ask for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from types import ModuleType

from mosaic_mcp.errors import Fault, InvalidRequest
from mosaic_mcp.server.engine import Engine
from mosaic_mcp.server.failures import did_you_mean
from mosaic_mcp.server.recovery import BILLING
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


TOOLSETS = {
    "account": ("get_account",),
    BILLING: ("get_account", "upgrade_plan", "set_credits"),
}
"""Modules by toolset, imported where it is named."""


def all_tools(engine: Engine, toolsets: Sequence[str] = ()) -> Iterator[ClosedTool]:
    """The default tools and those of the named toolsets, bound to an engine.

    Raises InvalidRequest for a toolset that does not exist.
    """
    for module in dict.fromkeys([*TOOLS, *_added(toolsets)]):
        yield module.tool(engine)


def _added(names: Sequence[str]) -> Iterator[ModuleType]:
    faults = [
        Fault(
            "MOSAIC_TOOLSETS",
            f"there is no toolset {name!r}.{did_you_mean(name, list(TOOLSETS))}",
            f"Toolsets: {', '.join(TOOLSETS)}.",
        )
        for name in names
        if name not in TOOLSETS
    ]
    if faults:
        raise InvalidRequest(faults)
    for name in names:
        for module in TOOLSETS[name]:
            yield import_module(f"{__name__}.{module}")
