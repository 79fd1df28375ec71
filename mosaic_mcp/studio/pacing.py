"""How often DBOS looks for queued work: often while there is some, seldom while nobody needs it.

A studio that looked five times a second took 3.3 % of a core, all day on a laptop; one that looks
once a second takes 1.9 %, most of it for other things.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from dbos import Queue

POLL_S = 0.2
"""While there is work: how long a node waits at most to be begun."""
REST_POLL_S = 1.0
"""While there is none: how long the first one waits at most."""
REST_AFTER_S = 10.0
"""Without work; runs that follow each other closely wait no longer than their nodes do."""


class Pace:
    """Of the queues of one process that is alone on its database."""

    def __init__(self, queues: Sequence[Queue]) -> None:
        self._queues = queues
        self._worked = time.monotonic()
        self._resting = False

    async def work(self) -> None:
        """There is work."""
        self._worked = time.monotonic()
        await self._rest(False)

    async def idle(self) -> None:
        """There is none at this moment."""
        if time.monotonic() - self._worked > REST_AFTER_S:
            await self._rest(True)

    async def _rest(self, resting: bool) -> None:
        if resting != self._resting:
            for queue in self._queues:
                await queue.set_polling_interval_sec_async(REST_POLL_S if resting else POLL_S)
            self._resting = resting
