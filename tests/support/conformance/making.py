"""How a function becomes a fixture: through our own factory of tools, guard included."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, overload

from mcp_types import CallToolResult, TextContent

from mosaic_mcp.server.tooling import READS, ClosedTool, build_tool

Function = Callable[..., Awaitable[Any]]


@overload
def fixture(function: Function) -> ClosedTool: ...
@overload
def fixture(*, schema: dict[str, Any]) -> Callable[[Function], ClosedTool]: ...
def fixture(function: Function | None = None, *, schema: dict[str, Any] | None = None) -> Any:
    """The function as a closed tool; `schema` is published instead of the one of its arguments."""
    if function is None:
        return lambda late: fixture(late).model_copy(update={"parameters": schema})
    tool = build_tool(function, title=function.__name__, annotations=READS)
    return tool.model_copy(update={"description": "A fixture of the conformance suite."})


def said(text: str, *, is_error: bool = False) -> CallToolResult:
    """A result of one text."""
    return CallToolResult(content=[TextContent(type="text", text=text)], is_error=is_error)
