"""Which renders of a run may be made along with one of them, in a real database."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from mosaic_mcp.studio.machine import Machine
from mosaic_mcp.studio.runs.together import Together
from mosaic_mcp.studio.store.database import Store
from mosaic_mcp.studio.store.tables import renders
from mosaic_mcp.studio.timeline.edit import from_source
from mosaic_mcp.studio.timeline.model import Source, Timeline
from tests.support.run_states import MovedRun

LINE = {"in": "Video Input", "logo": "Watermark", "out": "Destination"}
TALK = Source(sha256="t", name="talk", duration=60, width=1920, height=1080, frame_rate=30)  # pyright: ignore
GB = 10**9


def planned(store: Store, *recipes: str, owner: str = "anna") -> MovedRun:
    run = MovedRun(store, LINE, owner=owner)
    run.do("in")
    run.decide_and_plan("logo", *recipes)
    change(store, renders.c.owner == owner, timeline=stored(TALK))
    return run


def stored(source: Source, **more: Any) -> dict[str, Any]:
    return from_source(source, tile="in").model_copy(update=more).model_dump(mode="json")


def change(store: Store, which: sa.ColumnElement[bool], **values: Any) -> None:
    with store.engine.begin() as connection:
        connection.execute(renders.update().where(which).values(**values))


@pytest.fixture
def together(store: Store, tmp_path: Path):
    async def bring(_: Timeline, __: AsyncExitStack) -> dict[str, Path]:
        return {"t": tmp_path / "talk"}

    def of(run: MovedRun, number: int = 0, memory: int = 8 * GB) -> Together:
        row = run.renders("logo")[number]._asdict()
        return Together(store, Machine(tmp_path, memory=memory), bring, row, set())

    return of


async def recipes(store: Store, asked: Together) -> list[str]:
    ids = [waiting.id for waiting in await asked.now()]
    with store.engine.begin() as connection:
        rows = connection.execute(sa.select(renders.c.id, renders.c.recipe_hash))
        known = {row.id: row.recipe_hash for row in rows}
    return [known[each] for each in ids]


async def test_all_that_is_not_done_and_is_another_picture_is_told_once(store, together):
    run = planned(store, "a", "b", "b", "c", "d", "e")
    change(store, renders.c.recipe_hash == "d", waits_for="disk space")
    done = run.start_render(run.renders("logo")[5])
    run.finish_render(done)
    assert await recipes(store, together(run)) == ["b", "c"]


async def test_what_will_be_taken_over_from_a_finished_output_is_not_made(store, together):
    before = planned(store, "b")
    before.do_renders("logo", None)
    run = planned(store, "a", "b", "c")
    assert await recipes(store, together(run)) == ["c"]


async def test_nothing_is_made_along_while_another_owner_waits(store, together):
    run = planned(store, "a", "b")
    asked = together(run)
    assert await recipes(store, asked) == ["b"]
    other = planned(store, "x", owner="ben")
    assert await recipes(store, asked) == []
    other.do_renders("logo", None)
    assert await recipes(store, asked) == ["b"]


async def test_other_cuts_are_not_even_read(store, together):
    run = planned(store, "a", "b", "c")
    half = TALK.model_copy(update={"duration": 30})
    change(store, renders.c.recipe_hash == "b", timeline=stored(half))
    assert await recipes(store, together(run)) == ["c"]


async def test_what_failed_together_is_not_told_again(store, together):
    run = planned(store, "a", "b", "c")
    asked = together(run)
    first, _ = await asked.now()
    asked.failed([first.id])
    assert await recipes(store, asked) == ["c"]


@pytest.mark.parametrize(
    ("memory", "fits"),
    [
        (GB, True),
        (3 * GB, False),  # with as many as may be, one process would come to more than it may have
        (60 * GB, False),  # more than the machine has
    ],
)
async def test_memory_is_lent_for_a_part_at_a_time(store, together, memory, fits):
    run = planned(store, "a", "b")
    change(store, renders.c.recipe_hash == "b", need_memory=memory)
    asked = together(run)
    async with asked.machine.memory(10):
        (waiting,) = await asked.now()
        for _ in range(20):  # given back each time
            with waiting.memory() as lent:
                assert lent == fits


@pytest.mark.parametrize(
    ("disk", "fits"),
    [
        (GB // 10, True),
        (10**15, False),  # no disk is so large
    ],
)
async def test_files_are_brought_where_disk_and_kept_parts_have_room(store, together, disk, fits):
    run = planned(store, "a", "b")
    change(store, renders.c.recipe_hash == "b", need_disk=disk)
    (waiting,) = await together(run).now()
    async with waiting.files() as files:
        assert (files is not None) == fits


async def test_parts_that_would_push_each_other_out_are_not_made_along(
    store, together, monkeypatch
):
    run = planned(store, "a", "b")
    change(store, renders.c.recipe_hash == "b", need_disk=11 * GB)
    asked = together(run)
    monkeypatch.setattr(Machine, "short_of", lambda *_: None)
    (waiting,) = await asked.now()
    async with waiting.files() as files:
        assert files is None
