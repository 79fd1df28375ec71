"""What a machine has for jobs, and how it is shared."""

import shutil
from collections import namedtuple
from contextvars import copy_context
from fractions import Fraction
from pathlib import Path

import anyio
import psutil
import pytest

from mosaic_mcp.errors import NoSpace
from mosaic_mcp.studio import machine
from mosaic_mcp.studio.machine import Machine, available_memory, cores, size
from mosaic_mcp.studio.runs.needs import render_need
from mosaic_mcp.studio.timeline.model import Cutaway, Span, Timeline, Track
from tests.support.tiles import source, timeline

GB = 10**9
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(machine, "GROUPS", tmp_path)
    return tmp_path


def test_a_containers_share_of_the_cores_counts(groups: Path):
    whole = cores()
    (groups / "cpu.max").write_text("50000 100000\n")
    assert cores() == 1
    (groups / "cpu.max").write_text("max 100000\n")
    assert cores() == whole


def test_a_container_of_the_first_kind_counts_too(groups: Path):
    (groups / "cpu").mkdir()
    (groups / "cpu/cpu.cfs_quota_us").write_text("100000")
    (groups / "cpu/cpu.cfs_period_us").write_text("100000")
    assert cores() == 1
    (groups / "memory").mkdir()
    (groups / "memory/memory.limit_in_bytes").write_text("3000")
    (groups / "memory/memory.usage_in_bytes").write_text("1000")
    assert available_memory() == 2000


def test_a_containers_memory_counts(groups: Path):
    (groups / "memory.max").write_text("5000\n")
    (groups / "memory.current").write_text("1000\n")
    assert available_memory() == 4000


def test_without_a_container_the_systems_memory_counts(groups: Path):
    total = psutil.virtual_memory().total
    assert 0 < available_memory() < total
    (groups / "memory.max").write_text(f"{2 * total}\n")
    (groups / "memory.current").write_text("0\n")
    assert 0 < available_memory() < total, "a limit above what there is gives nothing more"


async def test_memory_is_waited_for_and_one_job_may_always_run(tmp_path: Path):
    shared = Machine(tmp_path, memory=1000)
    seen: list[str] = []

    async def small(done: anyio.Event) -> None:
        async with shared.memory(100):
            seen.append("small")
        done.set()

    async with anyio.create_task_group() as group:
        async with shared.memory(5000):
            done = anyio.Event()
            group.start_soon(small, done)
            await anyio.wait_all_tasks_blocked()
            assert seen == []
        await done.wait()
    assert seen == ["small"]


async def test_jobs_that_fit_run_beside_each_other(tmp_path: Path):
    shared = Machine(tmp_path, memory=1000)
    with anyio.fail_after(5):
        async with shared.memory(300), shared.memory(500):
            pass


def test_disk_space_that_was_promised_is_not_given_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(100 * GB, 0, 4 * GB))
    shared = Machine(tmp_path)
    assert shared.short_of(3 * GB) is None, "1 GB stays"
    assert shared.short_of(3 * GB + 1) == "4 GB free, 4 GB needed"
    another_job = copy_context()
    with shared.disk(2 * GB):
        assert another_job.run(shared.short_of, 2 * GB) == "4 GB free, 5 GB needed"
        assert shared.short_of(2 * GB) is None, "what a job was promised is for it"
    assert shared.short_of(2 * GB) is None
    with pytest.raises(NoSpace, match=r"no room for talk.mp4: 4 GB free, 6 GB needed"):
        shared.check(5 * GB, "talk.mp4")


def test_a_small_disk_has_a_small_reserve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(100_000_000, 0, 3_000_000))
    assert Machine(tmp_path).short_of(1_000_000) is None
    assert Machine(tmp_path).short_of(1_000_001) is not None


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (12_300, "12.3 kB"), (2 * GB, "2 GB"), (1_234_000_000_000, "1,234 GB")],
)
def test_sizes_are_told_as_people_read_them(count: int, text: str):
    assert size(count) == text


def canvas(width: int, height: int) -> Timeline:
    made = timeline(source(width=width, height=height))
    return made.model_copy(update={"width": width, "height": height})


def test_a_large_render_needs_more_than_a_small_one():
    small, large = canvas(854, 480), canvas(3840, 2160)
    less, more = render_need(small, "standard"), render_need(large, "standard")
    assert more.memory > 4 * less.memory
    assert more.disk > 2 * less.disk
    assert render_need(large, "draft").disk < more.disk < render_need(large, "best").disk
    picture = source("picture", width=3840, height=2160)
    track = Track(source="talk", end=Fraction(60))
    away = Cutaway(source="picture", over=Span(source="talk", start=Fraction(0), end=Fraction(1)))
    fuller = small.model_copy(
        update={
            "sources": {**small.sources, "picture": picture},
            "tracks": (track,),
            "cutaways": (away,),
        }
    )
    assert render_need(fuller, "standard").memory > less.memory + 800 * 10**6
    assert render_need(fuller, "standard").disk >= less.disk + 2 * 60 * 190_000
    made = fuller.sources | {"talk": fuller.sources["talk"].model_copy(update={"origin": "studio"})}
    packing = render_need(fuller.model_copy(update={"sources": made}), "standard")
    assert packing.disk > render_need(fuller, "standard").disk + 10**7, "timeline.zip holds it"
    longer = large.model_copy(
        update={"clips": (large.clips[0].model_copy(update={"end": Fraction(3600)}),)}
    )
    assert render_need(longer, "standard").disk > 10 * GB


async def test_more_memory_is_had_at_once_or_not_at_all_and_given_back(tmp_path: Path):
    shared = Machine(tmp_path, memory=1000)
    async with shared.memory(500):
        with shared.more_memory(250) as first:
            assert first
            with shared.more_memory(100) as second:
                assert not second
        with shared.more_memory(300) as again:
            assert again


async def test_nobody_gets_more_memory_while_others_wait_for_some(tmp_path: Path):
    shared = Machine(tmp_path, memory=1000)
    asked = anyio.Event()

    async def wait_for_much() -> None:
        asked.set()
        async with shared.memory(700):
            pass

    async with anyio.create_task_group() as group, shared.memory(500):
        group.start_soon(wait_for_much)
        await asked.wait()
        await anyio.lowlevel.checkpoint()
        with shared.more_memory(10) as more:
            assert not more
