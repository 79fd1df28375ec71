"""Hints that a run changed, from a webhook (`webhooks.py`): whoever waits for it looks at once.

What a webhook tells is not used: the run is asked for with the waiter's own key. So repeated, late,
lost and foreign webhooks do no harm.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator
from contextlib import contextmanager

import anyio


class Bell:
    """Rung for one waiter, also when it rings before the waiter listens."""

    def __init__(self) -> None:
        self._rung = anyio.Event()

    def ring(self) -> None:
        """Wake the waiter, now or when it waits next."""
        self._rung.set()

    async def wait(self, seconds: float) -> None:
        """Until it is rung, or this long."""
        with anyio.move_on_after(seconds):
            await self._rung.wait()
            self._rung = anyio.Event()


class Hints:
    """Who waits for which run, in this process."""

    def __init__(self) -> None:
        self._bells: defaultdict[str, set[Bell]] = defaultdict(set)

    @contextmanager
    def of(self, run_id: str) -> Generator[Bell]:
        """A bell that rings when something is told of the run."""
        bell = Bell()
        self._bells[run_id].add(bell)
        try:
            yield bell
        finally:
            self._bells[run_id].discard(bell)
            if not self._bells[run_id]:
                del self._bells[run_id]

    def ring(self, run_id: str) -> None:
        """Wake everybody who waits for the run; nobody does for one that is not known here."""
        for bell in self._bells.get(run_id, ()):
            bell.ring()
