"""Handing videos over may take longer than a call may: it goes on when the call has answered.

The same call again joins what is under way; nothing is sent twice. It lives with this process: if
the server ends, the same call begins again with what had not arrived (the ledger remembers what
had).
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anyio
import anyio.abc

if TYPE_CHECKING:
    from mosaic_mcp.client import Submitted

LOOK_S = 5.0
"""Seconds between two words to whoever waits."""

Work = Callable[[], Awaitable["Submitted"]]


@dataclass(slots=True)
class _UnderWay:
    done: anyio.Event = field(default_factory=anyio.Event)
    run: Submitted | None = None
    failure: Exception | None = None


class HandOvers:
    """What is being handed over, by what it is."""

    def __init__(self) -> None:
        self._under_way: dict[Any, _UnderWay] = {}
        self._group: anyio.abc.TaskGroup | None = None

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[None]:
        """Within it work goes on; leaving it ends what is under way."""
        async with anyio.create_task_group() as self._group:
            yield
            self._group.cancel_scope.cancel()

    async def join(
        self, key: Any, work: Work, wait_s: float, tell: Callable[[], Awaitable[None]]
    ) -> Submitted | None:
        """The run that `work` starts, or None when it is not there within `wait_s` seconds.

        Equal keys are the same work, begun once. `tell` is called now and every five seconds.
        Raises what the work raised.
        """
        under_way = self._under_way.get(key) or self._begin(key, work)
        deadline = time.monotonic() + wait_s
        while True:
            await tell()
            left = deadline - time.monotonic()
            with anyio.move_on_after(max(0.0, min(left, LOOK_S))):
                await under_way.done.wait()
            if under_way.done.is_set():
                break
            if left <= LOOK_S:
                return None
        if self._under_way.get(key) is under_way:  # not one that was begun after it failed
            del self._under_way[key]
        if under_way.failure is not None:
            raise under_way.failure
        return under_way.run

    def _begin(self, key: Any, work: Work) -> _UnderWay:
        assert self._group is not None, "hand-overs happen while the server serves"  # noqa: S101
        under_way = self._under_way[key] = _UnderWay()
        self._group.start_soon(self._do, key, work, under_way)
        return under_way

    async def _do(self, key: Any, work: Work, under_way: _UnderWay) -> None:
        try:
            under_way.run = await work()
            # From here on the ledger knows the run: a later call finds it there.
            self._under_way.pop(key, None)
        except Exception as failure:
            under_way.failure = failure  # for whoever waits, or asks next
        finally:
            under_way.done.set()
