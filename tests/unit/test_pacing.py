"""How often queued work is looked for: often while there is some."""

from types import SimpleNamespace

import pytest

from mosaic_mcp.studio import pacing
from mosaic_mcp.studio.pacing import POLL_S, REST_AFTER_S, REST_POLL_S, Pace


class Queue:
    """Remembers how often it was said to be looked at."""

    def __init__(self) -> None:
        self.told: list[float] = []

    async def set_polling_interval_sec_async(self, value: float) -> None:
        self.told.append(value)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(pacing, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


async def test_it_rests_after_a_while_without_work_and_wakes_with_the_next(clock):
    queues = [Queue(), Queue()]
    pace = Pace(queues)
    await pace.idle()
    await pace.work()
    clock.now += REST_AFTER_S
    await pace.idle()
    assert [queue.told for queue in queues] == [[], []]
    clock.now += 1
    await pace.idle()
    await pace.idle()
    assert [queue.told for queue in queues] == [[REST_POLL_S], [REST_POLL_S]]
    await pace.work()
    await pace.work()
    assert [queue.told for queue in queues] == [[REST_POLL_S, POLL_S]] * 2


async def test_work_that_goes_on_keeps_it_awake(clock):
    queue = Queue()
    pace = Pace([queue])
    for _ in range(5):
        clock.now += REST_AFTER_S
        await pace.work()
        await pace.idle()
    assert queue.told == []
