"""What goes when room is made, what stays, and that all numbers are true."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from mosaic_mcp.contract.keeping import Collect, Collected
from mosaic_mcp.errors import Conflict, InvalidRequest
from mosaic_mcp.studio.keeping import collecting, records
from mosaic_mcp.studio.keeping.collecting import Keeper
from mosaic_mcp.studio.keeping.command import age, amount, told
from mosaic_mcp.studio.keeping.records import trim_events
from mosaic_mcp.studio.library import Library
from mosaic_mcp.studio.store.database import Store
from mosaic_mcp.studio.store.tables import (
    agents,
    assets,
    events,
    ffmpeg_logs,
    job_logs,
    renders,
    run_inputs,
    run_nodes,
    runs,
    webhooks,
)
from tests.support.run_states import MovedRun

LINE = {"in": "Video Input", "logo": "Watermark", "out": "Destination"}
DAY = 86_400.0


class Home:
    """A data folder with runs whose outputs have files, and what makes room in it."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.library = Library(folder)
        self.store = store
        self.keeper = Keeper(self.store, self.library)

    def do(self, statement: Any) -> Any:
        with self.store.engine.begin() as connection:
            return connection.execute(statement)

    def file(self, path: str, size: int, days: float = 0) -> Path:
        """A file below the data folder that was written so long ago."""
        file = self.library.home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x" * size)
        then = (datetime.now(UTC) - timedelta(days=days)).timestamp()
        for touched in (file, file.parent):
            os.utime(touched, (then, then))
        return file

    def run(self, *sizes: int, days: float = 0, end: bool = True) -> MovedRun:
        """A run with an output of each size, made so long ago."""
        run = MovedRun(self.store, LINE)
        run.do("in")
        run.decide_and_plan("logo", *(f"{run.id} {n}" for n in range(len(sizes))))
        rows = run.renders("logo")
        run.do_renders("logo", *(None for _ in sizes))
        if end:
            run.do("out")
        then = (datetime.now(UTC) - timedelta(days=days)).isoformat()
        self.do(renders.update().where(renders.c.run_id == run.id).values(completed_at=then))
        for row, size in zip(rows, sizes, strict=True):
            self.file(f"renders/{row.id}/video.mp4", size, days)
            self.file(f"renders/{row.id}/recipe.json", 10, days)
        return run

    def asset(self, name: str, size: int, days: float = 0) -> Path:
        """A ready asset and its file; its age is that of the row."""
        then = (datetime.now(UTC) - timedelta(days=days)).isoformat()
        self.do(
            assets.insert().values(
                id=name,
                owner="anna",
                asset_type="video",
                status="ready",
                name=f"{name}.mp4",
                sha256=name,
                file=f"assets/aa/{name}.mp4",
                created_at=then,
            )
        )
        return self.file(f"assets/aa/{name}.mp4", size)

    async def collect(self, days: float | None = None, most: int | None = None) -> Collected:
        """Make room; the dry run before it must have said the same, and the disk agrees."""
        wish = Collect(older_than_s=None if days is None else days * DAY, max_bytes=most)
        before = self.taken()
        dry = await self.keeper.collect(wish.model_copy(update={"dry_run": True}))
        assert self.taken() == before, "a dry run deletes nothing"
        done = await self.keeper.collect(wish)
        assert done == dry.model_copy(update={"dry_run": False})
        assert before - self.taken() == done.freed_bytes
        assert (done.before_bytes, done.after_bytes) == (before, self.taken())
        return done

    def taken(self) -> int:
        """Bytes on the disk that deleting every file here would free."""
        home = self.library.home
        found = [p.stat() for p in home.rglob("*") if p.is_file() and p.parent.name != "studio"]
        names: dict[int, int] = {}
        for one in found:
            names[one.st_ino] = names.get(one.st_ino, 0) + 1
        whole = {one.st_ino: one.st_size for one in found if names[one.st_ino] == one.st_nlink}
        return sum(whole.values())


@pytest.fixture
def home(tmp_path: Path, store: Store) -> Home:
    return Home(tmp_path / "home", store)


def ids(run: MovedRun) -> list[str]:
    return [row.id for row in run.renders("logo")]


async def test_old_outputs_go_and_their_recipes_and_timelines_stay(home: Home):
    old, new = home.run(1000, days=40), home.run(2000, days=3)
    done = await home.collect(days=30)
    assert [one.id for one in done.removed] == ids(old)
    assert (done.freed_bytes, done.before_bytes, done.after_bytes) == (1000, 3020, 2020)
    (row,) = old.renders("logo")
    assert row.deleted_at is not None
    assert row.timeline["clips"]
    assert (home.library.home / f"recipes/{row.id}.json").exists()
    assert not (home.library.home / "renders" / row.id).exists()
    assert (home.library.home / "renders" / ids(new)[0] / "video.mp4").exists()
    assert (await home.collect(days=30)).removed == ()


async def test_the_oldest_go_until_the_rest_fits(home: Home):
    runs = [home.run(1000, days=days) for days in (3, 2, 1)]
    done = await home.collect(most=1500)
    assert [one.id for one in done.removed] == ids(runs[0]) + ids(runs[1])
    assert (done.after_bytes, done.over_bytes) == (1030, 0)


async def test_nothing_of_a_running_run_goes(home: Home):
    run = home.run(1000, days=40, end=False)
    home.asset("source", 500)
    home.do(run_inputs.update().where(run_inputs.c.run_id == run.id).values(asset_id="source"))
    home.file("cache/perception/source/words-1.json", 50, days=40)
    done = await home.collect(days=1, most=0)
    assert done.removed == ()
    assert done.over_bytes == 1560


async def test_equal_outputs_share_a_file_that_is_free_with_the_last_of_them(home: Home):
    first, second = home.run(1000, days=40), home.run(10, days=20)
    one, other = (home.library.home / "renders" / ids(r)[0] / "video.mp4" for r in (first, second))
    other.unlink()
    other.hardlink_to(one)
    assert (await home.collect(days=30)).freed_bytes == 0
    assert (await home.collect(days=10)).freed_bytes == 1000


async def test_a_source_goes_only_when_neither_run_nor_agent_refers_to_it(home: Home):
    run = home.run(10)
    logo = "00000000-0000-4000-8000-000000000001"
    for name in ("used", "unused", logo):
        home.asset(name, 100, days=40)
    home.do(run_inputs.update().where(run_inputs.c.run_id == run.id).values(asset_id="used"))
    node = {"params_used": {"image_id": logo}}
    home.do(
        agents.insert().values(
            id="a", owner="anna", graph={"nodes": [node]}, created_at="", updated_at=""
        )
    )
    done = await home.collect(most=0)
    assert [one.id for one in done.removed if one.thing == "source"] == ["assets/aa/unused.mp4"]
    left = home.do(sa.select(assets.c.id)).scalars().all()
    assert sorted(left) == sorted(["used", logo])


async def test_a_sound_that_a_tile_made_stays_with_the_timeline_that_plays_it(home: Home):
    run = home.run(10)
    played, forgotten = "a" * 64, "b" * 64
    for name in (played, forgotten):
        home.asset(name, 100, days=40)
    kept = [{"tracks": [{"source": played}]}]
    home.do(run_nodes.update().where(run_nodes.c.run_id == run.id).values(timelines=kept))
    done = await home.collect(most=0)
    gone = [one.id for one in done.removed if one.thing == "source"]
    assert gone == [f"assets/aa/{forgotten}.mp4"]


async def test_a_picture_that_an_output_names_and_what_its_timeline_shows_stay(home: Home):
    """Also while the node is done again and has no timelines."""
    run = home.run(10)
    still, picture = "a" * 64, "00000000-0000-4000-8000-000000000002"
    for name in (still, picture):
        home.asset(name, 100, days=40)
    kept = {"sources": {still: {"picture": picture}}}
    home.do(renders.update().where(renders.c.run_id == run.id).values(timeline=kept))
    done = await home.collect(most=0)
    assert [one.id for one in done.removed if one.thing == "source"] == []


async def test_what_a_running_tile_has_just_made_stays(home: Home):
    run = home.run(10, end=False)
    home.asset("made", 100)
    home.asset("old", 100, days=40)
    done = await home.collect(most=0)
    assert [one.id for one in done.removed if one.thing == "source"] == ["assets/aa/old.mp4"]
    run.do("out")
    done = await home.collect(most=0)
    assert [one.id for one in done.removed if one.thing == "source"] == ["assets/aa/made.mp4"]


async def test_a_source_that_is_the_users_own_file_counts_nothing(home: Home, tmp_path: Path):
    mine = tmp_path / "mine.mp4"
    mine.hardlink_to(home.asset("unused", 100, days=40))
    done = await home.collect(most=0)
    assert (done.before_bytes, done.freed_bytes) == (0, 0)
    assert mine.exists()


async def test_a_source_that_is_added_again_while_room_is_made_stays(
    home: Home, monkeypatch: pytest.MonkeyPatch
):
    unused = home.asset("unused", 100, days=40)
    forget = records.forget_assets

    def forget_and_see_it_come(connection: sa.Connection, *what: Any) -> set[str]:
        forgotten = forget(connection, *what)
        again = {"id": "again", "owner": "ben", "asset_type": "video", "status": "ready"}
        again |= {"name": "", "sha256": "unused", "file": "assets/aa/unused.mp4"}
        connection.execute(assets.insert().values(**again, created_at="2026-01-01"))
        return forgotten

    monkeypatch.setattr(records, "forget_assets", forget_and_see_it_come)
    assert (await home.keeper.collect(Collect(max_bytes=0))).removed == ()
    assert unused.exists()


async def test_leftovers_go_always_and_what_is_still_written_stays(home: Home):
    home.file("uploads/unknown", 10)
    home.file("work/job-old/out.part.mp4", 20, days=2)
    home.file("work/job-new/out.part.mp4", 40)
    home.file("renders/nobodys/video.mp4", 80, days=2)
    asset_id = "00000000-0000-4000-8000-000000000002"
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    home.do(
        assets.insert().values(
            id=asset_id,
            owner="anna",
            asset_type="video",
            status="awaiting_upload",
            name="",
            created_at=later,
            expires_at=later,
        )
    )
    home.file(f"uploads/{asset_id}", 160)
    done = await home.collect()
    assert {one.thing for one in done.removed} == {"leftover"}
    assert done.freed_bytes == 110
    assert done.after_bytes == 200


async def test_what_was_never_finished_is_a_leftover_when_it_is_quiet(
    home: Home, monkeypatch: pytest.MonkeyPatch
):
    part = home.file("assets/aa/.0123.part", 10, days=40)
    half = home.file("renders/.4567.part/video.mp4", 20, days=40)
    assert (await home.collect()).removed == (), "it came here just now, whatever its own time is"
    monkeypatch.setattr(collecting, "QUIET", timedelta(seconds=-1))
    assert (await home.collect()).freed_bytes == 30
    assert not part.exists()
    assert not half.parent.exists()


async def test_what_a_dead_process_left_goes_from_this_machine_whoever_looks_after_the_storage(
    home: Home,
):
    home.file("work/host-1-ab/job-old/deep/out.mp4", 20, days=2)
    new = home.file("work/host-2-cd/job-new/out.mp4", 40)
    old = home.library.home / "work/host-1-ab"
    long_ago = (datetime.now(UTC) - timedelta(days=2)).timestamp()
    for folder in (old / "job-old" / "deep", old / "job-old"):
        os.utime(folder, (long_ago, long_ago))
    await home.keeper.tidy()
    assert not old.exists()
    assert new.exists()


async def test_where_another_database_was_used_too_what_ours_does_not_know_stays(home: Home):
    """A new database on an old storage, or a second studio: its files are no leftovers of ours."""
    run = home.run(1000, days=40)
    home.asset("unused", 100, days=40)
    theirs = home.file("renders/theirs/video.mp4", 80, days=40)
    home.file("assets/bb/theirs.mp4", 70)
    home.file("uploads/theirs", 60)
    home.file("databases/0123456789abcdef", 0)
    done = await home.collect(days=30)
    assert done.shared
    assert [one.id for one in done.removed] == ids(run)
    assert theirs.exists()
    lines = told(done, Collect(older_than_s=30 * DAY))
    assert any("another database" in line for line in lines)


async def test_caches_go_with_age(home: Home):
    home.file("cache/perception/old/words-1.json", 10, days=40)
    home.file("cache/thumbnails/old.jpg", 20, days=40)
    home.file("cache/perception/new/words-1.json", 40)
    assert (await home.collect(days=30)).freed_bytes == 30


async def test_a_deletion_that_was_cut_short_is_finished_by_the_next(home: Home):
    run = home.run(1000, days=1)
    home.do(renders.update().values(deleted_at=datetime.now(UTC).isoformat()))
    done = await home.keeper.collect(Collect())
    assert [(one.thing, one.id) for one in done.removed] == [("leftover", ids(run)[0])]


# Made again


async def test_resuming_makes_deleted_outputs_again_and_only_those(home: Home):
    run = home.run(1000, 1000, days=40)
    lost, kept = ids(run)
    with pytest.raises(Conflict):
        run.resume()
    home.do(renders.update().where(renders.c.id == lost).values(deleted_at="2026-01-01T00:00:00"))
    answer = run.resume()
    assert (answer.nodes_queued, answer.requeued_nodes, answer.nodes_considered) == (1, 1, 3)
    assert run.statuses() == {"in": "completed", "logo": "running", "out": "completed"}
    assert [(r.id, r.status) for r in run.renders("logo")] == [
        (lost, "queued"),
        (kept, "completed"),
    ]
    assert (await home.collect(most=0)).removed == (), "a running run needs what it has"
    fence = run.start_render(run.renders("logo")[0])
    assert fence is not None
    run.finish_render(fence)
    assert (run.run.status, run.renders("logo")[0].deleted_at) == ("completed", None)
    with pytest.raises(Conflict):
        run.resume()


def test_a_run_that_ended_in_part_stays_so_when_its_files_are_made_again(home: Home):
    run = MovedRun(home.store, LINE)
    run.do("in")
    run.decide_and_plan("logo", "a", "b")
    run.do_renders("logo", None, "b: it is broken.")
    run.do("out")
    assert run.run.status == "partial_complete"
    home.do(renders.update().where(renders.c.status == "completed").values(deleted_at="2026-01-01"))
    run.resume()
    fence = run.start_render(run.renders("logo")[0])
    assert fence is not None
    run.finish_render(fence)
    assert run.run.status == "partial_complete"
    assert run.row("logo").errors == ["b: it is broken."]
    assert [r.status for r in run.renders("logo")] == ["completed", "failed"]


def test_a_cancelled_run_that_lost_files_makes_them_with_the_rest(home: Home):
    run = MovedRun(home.store, LINE)
    run.do("in")
    run.decide_and_plan("logo", "a", "b")
    fence = run.start_render(run.renders("logo")[0])
    assert fence is not None
    run.finish_render(fence)
    run.cancel()
    home.do(renders.update().where(renders.c.status == "completed").values(deleted_at="2026-01-01"))
    run.resume()
    run.decide_and_plan("logo", "a", "b")
    assert [r.status for r in run.renders("logo")] == ["queued", "queued"]
    run.do_renders("logo", None, None)
    run.do("out")
    assert run.run.status == "completed"


# Databases


def test_of_a_run_that_ended_long_ago_only_the_newest_event_stays(home: Home):
    ended, running = home.run(10), MovedRun(home.store, LINE)
    last = ended.last_seq()
    count = len(running.events())
    soon = (datetime.now(UTC) + timedelta(seconds=5)).isoformat()
    with home.store.engine.begin() as connection:
        trim_events(connection, soon)
    assert (len(ended.events()), ended.last_seq()) == (1, last)
    assert len(running.events()) == count
    newest = home.do(sa.select(sa.func.max(events.c.seq))).scalar_one()
    running.do("in")
    assert running.last_seq() > newest, "numbers are never given twice"


def settled(run: MovedRun, state: str, seq: int) -> dict[str, Any]:
    """A row of the outbox."""
    return {
        "seq": seq,
        "id": f"msg_{seq}",
        "owner": "anna",
        "run_id": run.id,
        "event": "RUN_FINISHED",
        "url": "http://hook",
        "payload": {},
        "state": state,
        "attempts": 1,
        "next_at": 0.0,
        "ends_at": 0.0,
        "claimed_until": 0.0,
        "recorded_at": "2026-01-01",
    }


async def test_logs_and_settled_webhooks_go_some_time_after_their_runs_end(home: Home):
    old, new = home.run(10), home.run(10)
    running = home.run(10, end=False)
    then = (datetime.now(UTC) - timedelta(days=40)).isoformat()
    home.do(runs.update().where(runs.c.id == old.id).values(finished_at=then))
    for number, run in enumerate((old, old, new, new, running, running), 1):
        home.do(job_logs.insert().values(**an_attempt(run), seq=number))
        home.do(ffmpeg_logs.insert().values(a_command(run, number)))
    states = ("delivered", "stopped", "pending", "failed", "stopped")
    rows = [settled(old, state, seq) for seq, state in enumerate(states, 1)]
    home.do(webhooks.insert().values([*rows, settled(new, "delivered", 6)]))

    done = await home.keeper.collect(Collect(dry_run=True, older_than_s=30 * DAY))
    assert done.log_entries == 4 + 3
    assert len(home.do(sa.select(job_logs)).all()) == 6
    assert await home.keeper.collect(Collect(older_than_s=60 * DAY)) is not None
    assert len(home.do(sa.select(job_logs)).all()) == 6
    done = await home.keeper.collect(Collect(older_than_s=30 * DAY))
    assert done.log_entries == 4 + 3
    for table in (job_logs, ffmpeg_logs):
        left = home.do(sa.select(table.c.run_id)).scalars().all()
        assert sorted(left) == sorted([new.id, new.id, running.id, running.id])
    left = home.do(sa.select(webhooks.c.seq).order_by(webhooks.c.seq)).scalars().all()
    assert left == [3, 5, 6], "what is pending, and that the endpoint wants no more, stay"
    lines = told(done, Collect(older_than_s=30 * DAY))
    assert "Log entries and settled webhooks of runs that ended 30 days ago or before: 7" in lines


async def test_without_a_wish_logs_stay_for_three_months(home: Home):
    run = home.run(10)
    home.do(job_logs.insert().values(**an_attempt(run)))
    for days, gone in ((89, 0), (91, 1)):
        then = (datetime.now(UTC) - timedelta(days=days)).isoformat()
        home.do(runs.update().values(finished_at=then))
        assert (await home.keeper.collect(Collect())).log_entries == gone
    (output,) = run.renders("logo")
    assert output.deleted_at is None


def an_attempt(run: MovedRun) -> dict[str, Any]:
    """A row of the log of attempts."""
    return {
        "owner": "anna",
        "run_id": run.id,
        "run_node_id": run.row("logo").id,
        "generation": 1,
        "attempt": 1,
        "began_at": "",
        "lines": [],
    }


def a_command(run: MovedRun, job_seq: int) -> dict[str, Any]:
    """A row of the log of FFmpeg's commands."""
    return {
        "owner": "anna",
        "run_id": run.id,
        "job_seq": job_seq,
        "folder": "",
        "arguments": [],
        "began_at": "",
        "frames": 0,
        "media_s": 0.0,
        "log": "",
    }


# What people write and read


def test_ages_and_sizes_are_written_as_people_do():
    assert [age("12h"), age("30d"), age("2w")] == [12 * 3600, 30 * DAY, 14 * DAY]
    assert [amount("50GB"), amount("1.5 tb")] == [50 * 10**9, 15 * 10**11]
    for wrong in ("30", "d", "-1d"):
        with pytest.raises(InvalidRequest, match="no age"):
            age(wrong)
    with pytest.raises(InvalidRequest, match="no size"):
        amount("50")


async def test_the_report_names_outputs_and_adds_up(home: Home):
    home.run(3_000_000, days=40)
    wish = Collect(dry_run=True, older_than_s=DAY)
    lines = told(await home.keeper.collect(wish), wish)
    assert lines[0].split()[2:4] == ["3", "MB"]
    assert lines[1] == (
        "Outputs (their recipes stay, and resuming their runs makes them again): 1, 3 MB"
    )
    assert lines[2] == "3 MB would go. Media took 3 MB, would take 10 bytes now."
