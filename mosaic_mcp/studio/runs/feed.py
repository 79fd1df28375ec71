"""Telling watchers that something changed, without asking the database again and again."""

from __future__ import annotations

import anyio


class Feed:
    """One bell for all runs: whoever hears it looks whether it was for him."""

    def __init__(self) -> None:
        self._bell = anyio.Event()

    def ring(self) -> None:
        """Wake everybody who waits now."""
        self._bell.set()
        self._bell = anyio.Event()

    async def wait(self, seconds: float) -> None:
        """Until the next ring, or this long."""
        with anyio.move_on_after(seconds):
            await self._bell.wait()
