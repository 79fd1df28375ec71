"""Which work a process ends because it is no longer its own."""

import asyncio
from types import SimpleNamespace

import pytest

from mosaic_mcp.studio.engine import Engine, _Active
from mosaic_mcp.studio.runs.states import Job

JOB = Job("render", "r", 1)
ME = "this process"


class Owned:
    """Says whose the job is, and counts how often that was asked."""

    def __init__(self, worker: str | None) -> None:
        self.found: dict[str, str | None] = {JOB.key: worker}
        self.asked = asyncio.Queue[None]()

    async def read(self, _work: object) -> dict[str, str | None]:
        self.asked.put_nowait(None)
        return self.found


async def looked(owned: Owned) -> asyncio.Task[None]:
    """The job's task, after it was looked at twice: first as ours, then as `owned` says."""
    task = asyncio.create_task(asyncio.Event().wait())
    active = _Active(JOB, task, claimed=True)
    engine = SimpleNamespace(_active={JOB.key: active}, store=owned, me=ME)
    keeper = asyncio.create_task(Engine._let_go(engine))  # type: ignore[arg-type]
    for _ in range(3):  # when it asks for the third time it has acted on two answers
        await owned.asked.get()
        if task.done():
            break
    keeper.cancel()
    return task


async def test_what_waits_for_its_next_try_ends_by_itself():
    """FFmpeg was killed: the job is queued again while its task still tells after which pause.

    Ended then, DBOS took it for done, and the render was lost.
    """
    task = await looked(Owned(None))
    assert not task.done()
    task.cancel()


@pytest.mark.parametrize("worker", ["another process", ...])
async def test_what_another_process_does_or_nobody_is_to_do_is_ended(worker):
    owned = Owned("another process")
    if worker is ...:
        owned.found = {}
    assert (await looked(owned)).cancelled()
