"""A call is answered in time whatever it does; its work goes on and is found again."""

from typing import Any

import anyio
import pytest
from mcp.server.mcpserver import Context
from mcp_types import CallToolResult, TextContent

from mosaic_mcp.errors import StillWorking, TooLarge
from mosaic_mcp.server import calls as module
from mosaic_mcp.server.calls import Calls, left_s, meanwhile

LONG, SHORT = 30.0, 0.05
"""Seconds: longer than any test, and soon over."""


class Asking(Context[Any, Any]):
    """Somebody's side of a call: hears progress, answers questions when told to."""

    def __init__(self) -> None:
        super().__init__()
        self._heard: list[float] = []
        self._answers = anyio.Event()

    async def report_progress(self, progress: float, total: Any = None, message: Any = None):
        self._heard.append(progress)

    async def elicit(self, message: str, schema: Any) -> Any:
        self._heard.append(-1)
        await self._answers.wait()
        return "yes"


class Work:
    """Work that ends when the test says so, and counts how often it was begun."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.begun = 0
        self.ended = False
        self.may_end = anyio.Event()
        self.failure = failure
        self.context: Any = None

    async def __call__(self, context: Context[Any, Any]) -> str:
        self.begun += 1
        self.context = context
        try:
            await self.may_end.wait()
        finally:
            self.ended = True
        if self.failure:
            raise self.failure
        return "outcome"


async def ask(calls: Calls, work: Any, key: str = "a", keep: bool = True, context: Any = None):
    with anyio.fail_after(10):
        return await calls.answer("save", key, work, context or Asking(), keep=keep)


async def test_what_is_quick_is_answered_with_its_outcome():
    calls, work = Calls(LONG), Work()
    work.may_end.set()
    async with calls.open():
        assert await ask(calls, work) == "outcome"
        assert await ask(calls, work) == "outcome"
    assert work.begun == 2, "equal calls that are over have nothing in common"


async def test_what_takes_longer_is_told_in_time_and_the_same_call_joins_it():
    calls, work = Calls(SHORT), Work()
    async with calls.open():
        for _ in range(2):
            with pytest.raises(StillWorking, match="save takes longer than a call may") as told:
                await ask(calls, work)
            assert "same call again" in told.value.remedy
        work.may_end.set()
        assert await ask(calls, work) == "outcome"
        assert await ask(calls, work) == "outcome"
    assert work.begun == 2, "the third joined; the fourth is a new wish"


@pytest.mark.parametrize(("keep", "begun"), [(True, 1), (False, 2)])
async def test_what_ends_while_nobody_waits_is_kept_unless_it_would_be_out_of_date(keep, begun):
    calls, work = Calls(SHORT), Work()
    async with calls.open():
        with pytest.raises(StillWorking):
            await ask(calls, work, keep=keep)
        work.may_end.set()
        await anyio.wait_all_tasks_blocked()
        assert await ask(calls, work, keep=keep) == "outcome"
    assert work.begun == begun


async def test_outcomes_that_nobody_came_for_are_forgotten(monkeypatch):
    monkeypatch.setattr(module, "MOST_KEPT", 1)
    calls, work = Calls(SHORT), Work()
    async with calls.open():
        for key in "ab":
            with pytest.raises(StillWorking):
                await ask(calls, work, key)
        work.may_end.set()
        await anyio.wait_all_tasks_blocked()
        await ask(calls, work, "b")
        assert work.begun == 2, "the newest is there"
        await ask(calls, work, "a")
        assert work.begun == 3


async def test_a_failure_is_told_to_who_asks_next_and_then_tried_again():
    calls, work = Calls(SHORT), Work(TooLarge("9 GB."))
    async with calls.open():
        with pytest.raises(StillWorking):
            await ask(calls, work)
        work.may_end.set()
        for _ in range(2):
            with pytest.raises(TooLarge):
                await ask(calls, work)
    assert work.begun == 2


async def test_a_caller_who_goes_away_ends_the_work_that_nobody_was_told_of():
    calls, work = Calls(LONG), Work()
    async with calls.open():
        async with anyio.create_task_group() as group:
            group.start_soon(ask, calls, work)
            await anyio.wait_all_tasks_blocked()
            group.cancel_scope.cancel()
        await anyio.wait_all_tasks_blocked()
        assert work.ended


async def test_a_caller_who_goes_away_later_ends_nothing_that_was_promised_to_go_on():
    calls, work = Calls(SHORT), Work()
    async with calls.open():
        with pytest.raises(StillWorking):
            await ask(calls, work)
        calls._seconds = LONG
        async with anyio.create_task_group() as group:
            gone = Asking()
            group.start_soon(lambda: ask(calls, work, context=gone))
            await anyio.wait_all_tasks_blocked()
            group.cancel_scope.cancel()
        await anyio.wait_all_tasks_blocked()
        assert not work.ended
        await work.context.report_progress(1)
        assert gone._heard == [], "who went away is told nothing more"
        work.may_end.set()
        assert await ask(calls, work) == "outcome"


async def test_other_calls_and_equal_ones_at_the_same_time_are_not_joined():
    calls, work = Calls(LONG), Work()
    async with calls.open(), anyio.create_task_group() as group:
        for key in ("a", "a", "b"):
            group.start_soon(ask, calls, work, key)
        await anyio.wait_all_tasks_blocked()
        assert work.begun == 3
        work.may_end.set()


async def test_what_is_known_by_then_is_the_answer():
    calls, may_end = Calls(SHORT), anyio.Event()
    known = CallToolResult(content=[TextContent(type="text", text="two links")])

    async def work(_context: Any) -> str:
        meanwhile(known)
        await may_end.wait()
        return "saved"

    async with calls.open():
        assert await ask(calls, work) is known
        may_end.set()
        assert await ask(calls, work) == "saved"


async def test_a_tool_that_waits_stops_before_its_call_has_to_end():
    calls = Calls(1.0)
    seen: list[float] = []

    async def work(_context: Any) -> str:
        seen.append(left_s())
        await anyio.sleep(left_s())
        seen.append(left_s())
        return "how it stands"

    async with calls.open():
        assert await ask(calls, work) == "how it stands"
    assert 0.5 < seen[0] <= 0.9
    assert seen[1] < 0.1


async def test_progress_reaches_whoever_waits_and_nobody_else():
    calls, work, first, second = Calls(SHORT), Work(), Asking(), Asking()
    async with calls.open():
        with pytest.raises(StillWorking):
            await ask(calls, work, context=first)
        await work.context.report_progress(1)
        calls._seconds = LONG
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: ask(calls, work, context=second))
            await anyio.wait_all_tasks_blocked()
            await work.context.report_progress(2)
            work.may_end.set()
    assert (first._heard, second._heard) == ([], [2])


async def test_the_time_that_a_user_takes_to_answer_does_not_count():
    calls, person = Calls(SHORT * 4), Asking()

    async def work(context: Any) -> Any:
        return await context.elicit("Which?", None)

    async with calls.open(), anyio.create_task_group() as group:
        got: list[str] = []

        async def call() -> None:
            got.append(await ask(calls, work, context=person))

        group.start_soon(call)
        await anyio.sleep(SHORT * 8)
        assert person._heard == [-1]
        person._answers.set()
    assert got == ["yes"]


async def test_a_question_of_work_that_nobody_waits_for_is_put_to_the_next_who_does():
    calls, may_ask, person = Calls(SHORT), anyio.Event(), Asking()

    async def work(context: Any) -> Any:
        await may_ask.wait()
        return await context.elicit("Which?", None)

    async with calls.open():
        with pytest.raises(StillWorking):
            await ask(calls, work)
        may_ask.set()
        await anyio.wait_all_tasks_blocked()
        person._answers.set()
        assert await ask(calls, work, context=person) == "yes"
