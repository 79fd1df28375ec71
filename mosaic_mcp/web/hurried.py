"""Connections that send nothing are not kept: uvicorn itself waits for a request without end."""

from __future__ import annotations

import asyncio
from asyncio import TimerHandle, Transport
from typing import cast

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

HEAD_S = 20.0
"""Seconds that the head of a request may take to arrive."""
MOST_CONNECTIONS = 512
"""Requests at once, after which more are answered with 503. Waiting for a run holds one each."""


class HurriedProtocol(H11Protocol):
    """Closes a connection on which the head of a request does not arrive in time (slow-loris).

    Between two requests uvicorn's own timeout for idle connections holds.
    """

    _hurry: TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the head of a request."""
        super().connection_made(cast(Transport, transport))
        self._hurry = self.loop.call_later(HEAD_S, self._close_unless_asked)

    def data_received(self, data: bytes) -> None:
        """Take the bytes; where they leave a head incomplete, its time runs."""
        super().data_received(data)
        if self._asked():
            self._calm()
        elif self._hurry is None:
            self._hurry = self.loop.call_later(HEAD_S, self._close_unless_asked)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._calm()
        super().connection_lost(exc)

    def _asked(self) -> bool:
        cycle = cast("RequestResponseCycle | None", self.cycle)  # None until there is one
        return cycle is not None and not cycle.response_complete

    def _calm(self) -> None:
        if self._hurry is not None:
            self._hurry.cancel()
            self._hurry = None

    def _close_unless_asked(self) -> None:
        self._hurry = None
        if not self._asked() and not self.transport.is_closing():
            self.transport.close()
