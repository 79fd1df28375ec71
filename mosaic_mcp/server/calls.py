"""No call takes longer than clients wait: what takes longer goes on, and the same call joins it.

Clients give up after a minute, so a call is answered within 50 s whatever it does. Its work is a
task of its own. When the time is up the caller is told what is known (`meanwhile`), or that it goes
on, and the next equal call waits for that work instead of beginning anew. A caller who goes away
before that ends the work, as ever.

Time that a user takes to answer a question does not count.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Hashable
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import anyio
import anyio.abc
from mcp.server.elicitation import ElicitationResult, ElicitSchemaModelT
from mcp.server.mcpserver import Context
from mcp_types import CallToolResult

from mosaic_mcp.errors import EngineUnavailable, StillWorking

CALL_S = 50.0
"""Longest call, seconds."""
ANSWER, WAIT = 0.96, 0.9
"""Shares of it after which the call is answered in any case, and after which a tool that waits for
something stops waiting, so that it can tell how that stands."""
KEEP_S = 600.0
"""How long the outcome of work is kept that nobody waited for."""
MOST_KEPT = 100
LOOK_S = 5.0

Work = Callable[[Context[Any, Any]], Awaitable[Any]]


class Clock:
    """Seconds that a call has taken, without those in which it was stopped."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._stopped: float | None = None

    @property
    def spent(self) -> float:
        return (self._stopped or time.monotonic()) - self._began

    @contextmanager
    def stopped(self) -> Generator[None]:
        """Stand still for the block."""
        self._stopped = time.monotonic()
        try:
            yield
        finally:
            self._began += time.monotonic() - self._stopped
            self._stopped = None


@dataclass(slots=True)
class _Asker:
    """Who waits for a call's work."""

    context: Context[Any, Any]
    clock: Clock = field(default_factory=Clock)


@dataclass(slots=True)
class _Call:
    """Work for a call, and for those that join it."""

    seconds: float
    keep: bool
    """True when its outcome may wait for whoever asks next."""
    clock: Clock
    asker: _Asker | None
    asked: anyio.Event = field(default_factory=anyio.Event)
    """Set when somebody joins."""
    done: anyio.Event = field(default_factory=anyio.Event)
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    known: CallToolResult | StillWorking | None = None
    outcome: Any = None
    failure: Exception | None = None
    ended_at: float | None = None

    def left(self) -> None:
        """Nobody waits any more."""
        self.asker = None
        self.asked = anyio.Event()


_current: ContextVar[_Call | None] = ContextVar("call", default=None)


def left_s() -> float:
    """Seconds that the call being answered may still wait for something; 0 when it is too late."""
    call = _current.get()
    if call is None:
        return CALL_S * WAIT
    return max(0.0, call.seconds * WAIT - call.clock.spent)


def meanwhile(known: CallToolResult | StillWorking) -> None:
    """Say what to answer should the call's time end before its work does."""
    call = _current.get()
    if call is not None:
        call.known = known


class Calls:
    """The calls of a server."""

    def __init__(self, seconds: float = CALL_S) -> None:
        """`seconds` is the longest that a call may take."""
        self._seconds = seconds
        self._behind: dict[Hashable, _Call] = {}
        self._group: anyio.abc.TaskGroup | None = None

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[None]:
        """Within it work goes on; leaving it ends what is under way."""
        async with anyio.create_task_group() as self._group:
            yield
            self._group.cancel_scope.cancel()

    async def answer(
        self, name: str, key: Hashable, work: Work, context: Context[Any, Any], *, keep: bool
    ) -> Any:
        """What the work gives, in time; or what is known of it so far.

        Work of an equal `key` that goes on is joined. With `keep`, what it gave is kept for the
        next such call though nobody waited; without, that call looks anew. Raises what the work
        raised; StillWorking when the time is up and nothing is known.
        """
        self._forget()
        asker = _Asker(context)
        call = self._behind.get(key)
        if call is None:
            call = self._begin(work, asker, keep)
        else:
            call.asker = asker
            call.asked.set()
        try:
            in_time = await self._wait(call, asker)
        except anyio.get_cancelled_exc_class():
            if self._behind.get(key) is not call:
                call.scope.cancel()
            elif call.asker is asker:
                call.left()
            raise
        if not in_time:
            self._leave(key, call, asker)
            return _known(name, call)
        if self._behind.get(key) is call:
            del self._behind[key]
        if call.failure is not None:
            raise call.failure
        return call.outcome

    async def _wait(self, call: _Call, asker: _Asker) -> bool:
        """True when the work ends while its asker may wait."""
        while not call.done.is_set():
            left = self._seconds * ANSWER - asker.clock.spent
            if left <= 0:
                return False
            with anyio.move_on_after(min(left, LOOK_S)):
                await call.done.wait()
        return True

    def _begin(self, work: Work, asker: _Asker, keep: bool) -> _Call:
        assert self._group is not None, "calls are answered while the server serves"  # noqa: S101
        call = _Call(self._seconds, keep, asker.clock, asker)
        token = _current.set(call)
        try:
            self._group.start_soon(self._do, call, work, _Relay(call, asker.context))
        finally:
            _current.reset(token)
        return call

    async def _do(self, call: _Call, work: Work, context: Context[Any, Any]) -> None:
        call.failure = EngineUnavailable("The server ended in the middle of this call.")
        try:
            with call.scope:
                try:
                    call.outcome = await work(context)
                    call.failure = None
                except Exception as failure:
                    call.failure = failure
        finally:
            call.ended_at = time.monotonic()
            call.done.set()

    def _leave(self, key: Hashable, call: _Call, asker: _Asker) -> None:
        """Let the work go on without who asked for it."""
        if call.asker is asker:
            call.left()
        self._behind[key] = call

    def _forget(self) -> None:
        """Drop outcomes that nobody came for, and at once those that would be out of date."""
        now = time.monotonic()
        ended = {key: call for key, call in self._behind.items() if call.ended_at is not None}
        oldest = list(ended)[: max(0, len(ended) - MOST_KEPT)]
        for key, call in ended.items():
            if not call.keep or now - (call.ended_at or now) > KEEP_S or key in oldest:
                del self._behind[key]


def _known(name: str, call: _Call) -> CallToolResult:
    """What can be told of work that goes on."""
    if isinstance(call.known, CallToolResult):
        return call.known
    raise call.known or StillWorking(
        f"{name} takes longer than a call may. It goes on.", remedy=StillWorking.advice
    )


class _Relay(Context[Any, Any]):
    """The context of a call's work: speaks to whoever waits for it now."""

    _call: Any

    def __init__(self, call: _Call, first: Context[Any, Any]) -> None:
        super().__init__(
            request_context=first._request_context,
            mcp_server=first._mcp_server,
            input_params=first._input_params,
            subscriptions=first._subscriptions,
        )
        self._call = call

    async def report_progress(
        self, progress: float, total: float | None = None, message: str | None = None
    ) -> None:
        """Report progress; nobody hears it while nobody waits."""
        asker: _Asker | None = self._call.asker
        if asker is not None:
            await asker.context.report_progress(progress, total, message)

    async def elicit(
        self, message: str, schema: type[ElicitSchemaModelT]
    ) -> ElicitationResult[ElicitSchemaModelT]:
        """Ask the user of whoever waits, or of the next who does."""
        while (asker := self._call.asker) is None:
            await self._call.asked.wait()
        with asker.clock.stopped():
            return await asker.context.elicit(message, schema)
