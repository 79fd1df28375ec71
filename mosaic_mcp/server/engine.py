"""The engine behind the tools, connected at the first call and shared by all calls.

Nothing here is imported or opened before a tool needs it: a server that only lists its tools
starts as fast as the SDK does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
from mcp.server.mcpserver import Context

from mosaic_mcp.server.calls import CALL_S, Calls
from mosaic_mcp.server.handing_over import HandOvers
from mosaic_mcp.server.hints import Hints
from mosaic_mcp.settings import Settings

if TYPE_CHECKING:
    from mosaic_mcp.client import Ledger, MosaicClient


class Engine:
    """Gives tools a connected client and the ledger; safe to share between calls."""

    def __init__(self, settings: Settings, *, call_s: float = CALL_S) -> None:
        """`call_s` is the longest that a call may take, seconds."""
        self._settings = settings
        self._client: MosaicClient | None = None
        self._ledger: Ledger | None = None
        self._lock = anyio.Lock()
        self.calls = Calls(call_s)
        self.hand_overs = HandOvers()
        self.hints = Hints()

    @property
    def settings(self) -> Settings:
        """What holds for this call."""
        return self._settings

    async def client(self) -> MosaicClient:
        """A client of a living engine; starts the studio when that is the engine."""
        from mosaic_mcp.client import connect

        async with self._lock:
            if self._client is None or not await self._client.alive():
                await self.close()
                self._client = await connect(self._settings)
            return self._client

    async def asks_before_spending(self) -> bool:
        """True where a run costs money (a studio takes none) and its owner wants to be asked."""
        if self.settings.api_key is None or not self.settings.ask_before_spending:
            return False
        return await (await self.client()).studio() is None

    def ledger(self) -> Ledger:
        """What this machine remembers about its requests, labels and lineage."""
        if self._ledger is None:
            from mosaic_mcp.client import Ledger

            self._ledger = Ledger(self._settings.ledger)
        return self._ledger

    async def close(self) -> None:
        """Close the connection; the engine and its runs go on."""
        if self._client is not None:
            client, self._client = self._client, None
            await client.aclose()


def engine_of(ctx: Context[Any, Any]) -> Engine:
    """The engine of the server that answers this call, for what is not bound to one."""
    return ctx.request_context.lifespan_context
