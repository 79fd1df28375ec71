"""Several children at once, for one thing."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import anyio.abc


@asynccontextmanager
async def side_by_side() -> AsyncGenerator[anyio.abc.TaskGroup]:
    """A task group that fails with the first failure itself: the others were cancelled for it.

    Whoever decides what to do about a failure looks at its kind, which a group would hide.
    """
    try:
        async with anyio.create_task_group() as group:
            yield group
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
