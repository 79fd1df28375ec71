"""Bounded waits: follow a run for at most `wait_s`, and tell the caller how far it is.

A call never blocks longer than clients allow (`calls.py`). The first progress
goes out at once and then at least every 5 s: hosts reset their timers by it. A caller who stops
waiting stops nothing but the waiting.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mosaic_mcp.server.calls import left_s
from mosaic_mcp.server.hints import Bell, Hints
from mosaic_mcp.server.quoting import visible
from mosaic_mcp.server.views import RunState

if TYPE_CHECKING:
    from mosaic_mcp.client import MosaicClient, StudioExtension

MAX_WAIT_S = 50.0
HEARTBEAT_S = 5.0
POLL_S = (1.0, 2.0, 3.0, 5.0)
"""Seconds between two looks at an engine that cannot push: politely slower."""

Report = Callable[[float, float | None, str | None], Awaitable[None]]
"""`report_progress` of the SDK's context: progress, total, message."""


@dataclass(slots=True)
class Progress:
    """Progress as the protocol wants it: out of 100, strictly rising, a short message."""

    report: Report
    last: float = field(default=-1.0)

    async def say(self, percent: float, message: str) -> None:
        """Send a percentage; a repeated one rises by a hair, never falls."""
        self.last = max(percent, self.last + 0.001)
        await self.report(self.last, 100.0, visible(message)[:120])

    async def tell(self, state: RunState) -> None:
        """Send where the run is; 100 is kept for its end."""
        percent = 100.0 if state.terminal else min(state.percent(), 99.0)
        await self.say(percent, f"{state.doing()} · {percent:.0f} %")


async def follow(
    client: MosaicClient,
    run_id: str,
    *,
    wait_s: float,
    progress: Progress,
    since: str | None = None,
    until_done: bool = False,
    labels: dict[str, str] | None = None,
    hints: Hints | None = None,
) -> RunState:
    """The run, as soon as there is something to say.

    Returns at once when its state differs from `since`; otherwise at the next change, at a
    terminal state, after `wait_s` seconds or when the call's time ends. With `until_done` a change
    alone does not end the wait. A hint lets an engine that is polled be asked at once.
    """
    with (hints or Hints()).of(run_id) as bell:
        watch = await _watcher(client, run_id, labels or {}, bell)
        deadline = time.monotonic() + min(wait_s, MAX_WAIT_S, left_s())
        state = await watch(0.0)
        first = since or state.since
        while True:
            await progress.tell(state)
            left = deadline - time.monotonic()
            changed = state.since != first and not until_done
            if state.terminal or changed or left <= 0:
                return state
            state = await watch(min(left, HEARTBEAT_S))


Watch = Callable[[float], Awaitable[RunState]]


async def _watcher(client: MosaicClient, run_id: str, labels: dict[str, str], bell: Bell) -> Watch:
    """How to look at the run on this engine: pushed by the studio, polled elsewhere."""
    studio = await client.studio()
    if studio is None:
        return _polled(client, run_id, labels, bell)
    return _pushed(studio, run_id, labels)


def _pushed(studio: StudioExtension, run_id: str, labels: dict[str, str]) -> Watch:
    seq = 0

    async def watch(wait_s: float) -> RunState:
        nonlocal seq
        seen = await studio.watch(run_id, since=seq, wait_s=wait_s)
        seq = seen.seq
        return RunState(run_id, seen.run, seen.nodes, labels)

    return watch


def _polled(client: MosaicClient, run_id: str, labels: dict[str, str], bell: Bell) -> Watch:
    looks = 0

    async def watch(wait_s: float) -> RunState:
        nonlocal looks
        if wait_s:
            await bell.wait(min(wait_s, POLL_S[min(looks, len(POLL_S) - 1)]))
            looks += 1
        run = await client.get_run(run_id)
        nodes = await client.get_run_nodes(run_id)
        return RunState(run_id, run, nodes.nodes, labels)

    return watch
