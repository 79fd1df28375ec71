"""Which failures are tried again, how often and when."""

from pathlib import Path

import anyio
import pytest

from mosaic_mcp.errors import (
    Interrupted,
    MediaError,
    NoSpace,
    RenderFailed,
    SourceUnavailable,
    Unsupported,
)
from mosaic_mcp.studio.perception.calling import _result
from mosaic_mcp.studio.render import sound
from mosaic_mcp.studio.render.facts import Facts
from mosaic_mcp.studio.render.ffmpeg import explain
from mosaic_mcp.studio.render.pictures import thumbnail
from mosaic_mcp.studio.runs.retrying import Claims, check_attempt, retry_in
from mosaic_mcp.studio.runs.states import MAX_ATTEMPTS, Fence
from tests.support.tiles import source, timeline


async def make_sound(ffmpeg: Path, job: Path) -> None:
    clip = source()
    facts = {clip.sha256: Facts()}
    await sound.programme(timeline(clip), facts, {clip.sha256: "source0"}, ffmpeg=ffmpeg, job=job)


async def make_thumbnail(ffmpeg: Path, job: Path) -> None:
    await thumbnail(job / "source0", 1.0, job / "thumbnail.jpg", ffmpeg=ffmpeg)


def test_an_address_that_does_not_answer_is_tried_again_ever_later():
    error = SourceUnavailable("x")
    assert [retry_in(error, tries) for tries in range(4)] == [2.0, 10.0, 60.0, None]


@pytest.mark.parametrize(("asked", "waits"), [(1.0, 2.0), (30.0, 30.0), (86_400.0, 300.0)])
def test_a_server_is_left_alone_as_long_as_it_asks_for_but_not_for_ever(asked, waits):
    assert retry_in(SourceUnavailable("x", retry_after_s=asked), 0) == waits


def test_what_was_killed_is_tried_again_soon_and_not_without_end():
    assert [retry_in(Interrupted("x"), tries) for tries in range(4)] == [1.0, 5.0, 20.0, None]


@pytest.mark.parametrize("kind", [MediaError, RenderFailed, Unsupported, NoSpace])
def test_what_would_fail_again_is_not_tried_again(kind):
    assert retry_in(kind("x"), 0) is None


@pytest.mark.parametrize("code", [137, -9])
def test_ffmpeg_that_was_killed_is_no_fault_of_the_file(code):
    assert isinstance(explain(code, "frame= 5"), Interrupted)
    assert isinstance(explain(255, "Exiting normally, received signal 15."), Interrupted)
    assert isinstance(explain(1, "Invalid data found"), RenderFailed)
    assert isinstance(explain(139, "it crashed on this file"), RenderFailed)


def test_a_helper_that_was_killed_is_no_fault_of_the_file_and_one_that_crashed_is():
    with pytest.raises(Interrupted):
        _result(-9, b"", b"")
    with pytest.raises(MediaError):
        _result(-11, b"", b"")


@pytest.mark.parametrize("made", [make_sound, make_thumbnail])
async def test_a_decoder_that_was_killed_is_told_as_that_wherever_it_worked(tmp_path, made):
    """Not as a group of failures, in which nobody would find it."""
    killed = tmp_path / "ffmpeg"
    killed.write_text("#!/bin/sh\nkill -9 $$\n")
    killed.chmod(0o755)
    (tmp_path / "source0").write_bytes(b"0")
    with pytest.raises(Interrupted):
        await made(killed, tmp_path)


def test_the_last_attempt_is_made_and_no_other_one():
    check_attempt(Fence("a", 1, MAX_ATTEMPTS))
    with pytest.raises(RenderFailed, match=f"died {MAX_ATTEMPTS} times"):
        check_attempt(Fence("a", 1, MAX_ATTEMPTS + 1))


class NoStore:
    """Runs what would be a transaction."""

    async def write(self, work):
        return work(None)


async def test_suspects_are_at_work_one_at_a_time_and_others_beside_them():
    claims = Claims(NoStore())  # type: ignore[arg-type]
    at_work: list[str] = []
    most_suspects = 0

    async def job(name: str, trusted: bool) -> None:
        nonlocal most_suspects
        fence = Fence(name, 1, 1)
        async with claims.claim(lambda _, alone: fence if trusted or alone else None) as found:
            assert found == fence
            at_work.append(name)
            suspects = [n for n in at_work if n.startswith("suspect")]
            most_suspects = max(most_suspects, len(suspects))
            if name == "suspect 1":
                await passed.wait()
            elif trusted:
                passed.set()
            at_work.remove(name)

    passed = anyio.Event()
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            for number in range(1, 4):
                group.start_soon(job, f"suspect {number}", False)
            group.start_soon(job, "innocent", True)
    assert most_suspects == 1


async def test_a_job_that_is_nobodys_any_more_is_not_claimed():
    async with Claims(NoStore()).claim(lambda _, alone: None) as fence:  # type: ignore[arg-type]
        assert fence is None
