"""Ending in good order: who waits is told to ask again, and runs go on in their engine.

A call may wait for 50 s, and supervisors kill sooner. So when the server is told to end, calls
get a moment to finish, and what still waits then is answered with what to do next.
"""

from __future__ import annotations

from typing import Any, cast

import anyio
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR

from mosaic_mcp.errors import EngineUnavailable
from mosaic_mcp.server import failures

FINISH_S = 2.0
"""Seconds in which a call that does not wait is done."""


class Closing:
    """Middleware of the MCP server that can answer all open requests at once."""

    def __init__(self) -> None:
        self._open: set[anyio.CancelScope] = set()

    async def __call__(
        self, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> HandlerResult:
        with anyio.CancelScope() as scope:
            self._open.add(scope)
            try:
                return await call_next(ctx)
            finally:
                self._open.discard(scope)
        # Only `end` cancels this scope; a caller who goes away cancels one outside of it.
        return _told(ctx)

    def end(self) -> None:
        """Answer what is still open."""
        for scope in self._open:
            scope.cancel()


def _told(ctx: ServerRequestContext[Any, Any]) -> HandlerResult:
    if ctx.method != "tools/call":
        raise MCPError(INTERNAL_ERROR, "The server is restarting; ask again.")
    arguments = (ctx.params or {}).get("arguments")
    run_id: Any = None
    if isinstance(arguments, dict):
        run_id = cast(dict[str, Any], arguments).get("run_id")
    if isinstance(run_id, str):
        remedy = f"In a few seconds, call get_run(run_id={run_id[:64]!r}) to see how it stands."
    else:
        remedy = (
            "In a few seconds, make the same call again: a run that it started is found, not "
            "started twice. list_runs() shows what there is."
        )
    return failures.from_error(
        EngineUnavailable(
            "The server is restarting, so this call ends before its time. Runs go on.",
            remedy=remedy,
            retry_after_s=5,
        )
    )
