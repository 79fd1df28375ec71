"""Files may take longer than a call: what is handed over goes on, once, and is found again."""

import anyio
import pytest

from mosaic_mcp.client import Submitted
from mosaic_mcp.errors import TooLarge
from mosaic_mcp.server.handing_over import HandOvers

pytestmark = pytest.mark.anyio
RUN = Submitted("run")


class Work:
    """Work that ends when the test says so, and counts how often it was begun."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.begun = 0
        self.told = 0
        self.may_end = anyio.Event()
        self.failure = failure

    async def __call__(self) -> Submitted:
        self.begun += 1
        await self.may_end.wait()
        if self.failure:
            raise self.failure
        return RUN

    async def tell(self) -> None:
        self.told += 1


async def test_what_is_quick_is_there_at_once():
    hand_overs, work = HandOvers(), Work()
    work.may_end.set()
    async with hand_overs.open():
        assert await hand_overs.join("a", work, 10, work.tell) == RUN
    assert work.told == 1


async def test_what_takes_long_goes_on_and_the_same_call_joins_it():
    hand_overs, work = HandOvers(), Work()
    async with hand_overs.open():
        assert await hand_overs.join("a", work, 0, work.tell) is None
        assert await hand_overs.join("a", work, 0, work.tell) is None
        work.may_end.set()
        assert await hand_overs.join("a", work, 10, work.tell) == RUN
    assert work.begun == 1


async def test_a_caller_who_goes_away_stops_nothing():
    hand_overs, work = HandOvers(), Work()
    async with hand_overs.open():
        with anyio.move_on_after(0):
            await hand_overs.join("a", work, 10, work.tell)
        assert await hand_overs.join("a", work, 0, work.tell) is None
        work.may_end.set()
        assert await hand_overs.join("a", work, 10, work.tell) == RUN
    assert work.begun == 1


async def test_a_failure_is_told_to_who_asks_next_and_then_tried_again():
    hand_overs, work = HandOvers(), Work(TooLarge("9 GB."))
    async with hand_overs.open():
        assert await hand_overs.join("a", work, 0, work.tell) is None
        work.may_end.set()
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(TooLarge):
            await hand_overs.join("a", work, 10, work.tell)
        with pytest.raises(TooLarge):
            await hand_overs.join("a", work, 10, work.tell)
    assert work.begun == 2


async def test_other_work_is_not_joined():
    hand_overs, one, two = HandOvers(), Work(), Work()
    async with hand_overs.open():
        assert await hand_overs.join("a", one, 0, one.tell) is None
        assert await hand_overs.join("b", two, 0, two.tell) is None
        assert (one.begun, two.begun) == (1, 1)


async def test_who_waits_hears_of_it_now_and_then(monkeypatch):
    monkeypatch.setattr("mosaic_mcp.server.handing_over.LOOK_S", 0.01)
    hand_overs, work = HandOvers(), Work()
    async with hand_overs.open():
        assert await hand_overs.join("a", work, 0.05, work.tell) is None
    assert work.told > 2
