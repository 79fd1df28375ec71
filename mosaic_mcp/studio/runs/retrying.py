"""What is tried again by itself: how often, after how long, and in whose company.

| failure | tried again | counted by |
| --- | --- | --- |
| the address of a source does not answer, 429, 5xx | 3 times, Retry-After honoured | the workflow |
| FFmpeg or a helper was killed (out of memory) | 3 times | the workflow |
| the studio died | MAX_ATTEMPTS - 1 times | the row's attempt |
| the studio was stopped in good order | always | nobody |
| the disk is full | always, when there is room | nobody |
| the storage does not take a finished render | 3 times, in the same attempt | nobody |
| anything else: broken media, wrong parameters | never | |

DBOS keeps how often a workflow has tried and until when it waits, so both outlive a restart.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import anyio
import sqlalchemy as sa

from mosaic_mcp.errors import Interrupted, MosaicError, RenderFailed
from mosaic_mcp.studio.runs.states import MAX_ATTEMPTS, Fence
from mosaic_mcp.studio.store.database import Store

PASSING_S = (2.0, 10.0, 60.0)
"""Pauses before a second, third and fourth try at what lies elsewhere."""
KILLED_S = (1.0, 5.0, 20.0)
"""The same where a program was killed: memory may be free again."""
LONGEST_S = 300.0
"""Whatever a server asks for: nobody wants a run to sleep for a day."""

T = TypeVar("T")
log = logging.getLogger(__name__)

Start = Callable[[sa.Connection, bool], Fence | None]
"""`(connection, alone) -> fence`: claims a job; without `alone` only one that is TRUSTED."""


def retry_in(error: MosaicError, tries: int) -> float | None:
    """Seconds until the next try, after `tries` that failed before this one; None: no more."""
    pauses = KILLED_S if isinstance(error, Interrupted) else PASSING_S
    if not error.retryable or tries >= len(pauses):
        return None
    asked: float | None = getattr(error, "retry_after_s", None)
    return min(max(pauses[tries], asked or 0.0), LONGEST_S)


async def patiently(work: Callable[[], Awaitable[T]]) -> T:
    """The result of `work`, done again after a pause while it fails for a passing reason.

    For what would cost much if its job began anew: a finished render that the storage does not
    take now.
    """
    for tries in itertools.count():
        try:
            return await work()
        except MosaicError as error:
            pause = retry_in(error, tries)
            if pause is None:
                raise
            log.warning("%s", waiting(pause, error))
            await anyio.sleep(pause)
    raise AssertionError("counting does not end")


def waiting(pause: float, error: MosaicError) -> str:
    """The step of what waits for its next try."""
    return f"trying again in {pause:.0f} s: {error.message}"


def check_attempt(fence: Fence) -> None:
    """Raise RenderFailed for a job that killed the studio again and again."""
    if fence.attempt > MAX_ATTEMPTS:
        raise RenderFailed(
            f"The studio died {MAX_ATTEMPTS} times while it did this, and does not try again.",
            remedy="Look at the studio's log, change or skip this step, then resume the run.",
        )


@dataclass(frozen=True, slots=True)
class Claims:
    """Claims jobs; those that may be deadly one at a time."""

    store: Store
    _alone: anyio.Lock = field(default_factory=anyio.Lock)

    @asynccontextmanager
    async def claim(self, start: Start) -> AsyncGenerator[Fence | None]:
        """The right to do a job, held for the block; None when it is nobody's any more."""
        fence = await self.store.write(lambda c: start(c, False))
        if fence is not None:
            yield fence
            return
        async with self._alone:
            yield await self.store.write(lambda c: start(c, True))
