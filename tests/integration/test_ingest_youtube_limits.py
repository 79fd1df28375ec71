"""yt-dlp as a child: limited in memory, output, time and disk, and ended with all that it started.

The child, its guard and the limits are real; a module of ours stands in for yt-dlp and does what a
video, a player's script or a fault in yt-dlp could make it do.
"""

import os
import shutil
from collections import namedtuple
from pathlib import Path

import anyio
import pytest

from mosaic_mcp.errors import Interrupted, MediaError, NoSpace, TooLarge
from mosaic_mcp.studio.ingest.youtube import Limits, download_youtube
from mosaic_mcp.studio.machine import Machine
from tests.support.waiting import WAIT_S

LINK = "https://www.youtube.com/watch?v=dQw4w9WgXcQ"
MB = 1 << 20
GB = 10**9
Usage = namedtuple("Usage", "total used free")
HOLD = """
    import subprocess
    held = open("held", "wb", buffering=0)
    held.write(b"here")
    subprocess.run(["sleep", "1000"], pass_fds=[held.fileno()])
"""
"""Keeps a pipe in its working folder open, and so does a program that it started."""


@pytest.fixture
def yt_dlp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Let yt-dlp do what is written: the body of its `extract_info`, and what it finds."""

    def does(body: str = "pass", found: str = "{}") -> Path:
        words = tmp_path / "words"
        words.mkdir()
        (words / "yt_dlp.py").write_text(
            "class YoutubeDL:\n"
            "  def __init__(self, options): pass\n"
            "  __enter__ = lambda self: self\n"
            "  __exit__ = lambda self, *_: None\n"
            "  def extract_info(self, *_, **__):\n"
            f"    return {{'duration': 5, 'title': 'x', **{found}}}\n"
            "  def process_ie_result(self, *_, **__):\n"
            f"    {body.strip()}\n"
        )
        monkeypatch.setenv("PYTHONPATH", str(words))
        folder = tmp_path / "job"
        folder.mkdir()
        return folder

    return does


async def test_more_memory_than_it_may_have_is_refused(yt_dlp):
    folder = yt_dlp("bytearray(1 << 30)")
    with pytest.raises(MediaError, match="more memory than it may"):
        await download_youtube(LINK, folder, limits=Limits(data_bytes=400 * MB))


async def test_a_file_over_the_limit_is_not_written(yt_dlp):
    folder = yt_dlp("open('video.mp4', 'wb').write(bytes(1 << 21))")
    with pytest.raises(TooLarge, match="5 GB"):
        await download_youtube(LINK, folder, limits=Limits(file_bytes=MB))
    assert (folder / "video.mp4").stat().st_size <= MB


async def test_a_full_disk_is_named_as_everywhere(yt_dlp):
    folder = yt_dlp("open('/dev/full', 'wb', buffering=0).write(b'x')")
    with pytest.raises(NoSpace):
        await download_youtube(LINK, folder)


async def test_one_that_is_killed_for_want_of_memory_is_tried_again(yt_dlp):
    folder = yt_dlp("import os; os.kill(os.getpid(), 9)")
    with pytest.raises(Interrupted):
        await download_youtube(LINK, folder)


def drained(stream) -> bool:
    """Read to the end: returns when the last writer is gone."""
    while stream.read(65536):
        pass
    return True


async def test_its_time_ends_and_nothing_that_it_started_goes_on(yt_dlp):
    folder = yt_dlp(HOLD)
    os.mkfifo(folder / "held")
    reader = os.open(folder / "held", os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(MediaError, match="too long"):
        await download_youtube(LINK, folder, limits=Limits(wall_s=3))
    os.set_blocking(reader, True)
    with os.fdopen(reader, "rb") as stream:
        assert stream.read(4) == b"here", "for this test: it was at work"
        assert await anyio.to_thread.run_sync(drained, stream)


async def test_cancelling_ends_it_and_what_it_started(yt_dlp):
    folder = yt_dlp(HOLD)
    os.mkfifo(folder / "held")
    with anyio.fail_after(WAIT_S):
        async with anyio.create_task_group() as group:
            group.start_soon(download_youtube, LINK, folder)
            stream = await anyio.to_thread.run_sync((folder / "held").open, "rb")
            assert await anyio.to_thread.run_sync(stream.read, 4) == b"here"
            group.cancel_scope.cancel()
        assert await anyio.to_thread.run_sync(drained, stream)
    stream.close()


async def test_what_does_not_fit_beside_the_reserve_is_not_downloaded(yt_dlp, monkeypatch):
    """Picture and sound lie on the disk twice while they are joined."""
    parts = "{'requested_formats': [{'filesize': 1000**3}, {'filesize_approx': 1000**3 / 2}]}"
    folder = yt_dlp("open('begun', 'w')", parts)
    room = Machine(folder).check
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(100 * GB, 0, int(3.9 * GB)))
    with pytest.raises(NoSpace) as full:
        await download_youtube(LINK, folder, room=room)
    assert full.value.message == (
        "The disk with the data folder has no room for the video: 3.9 GB free, 4 GB needed."
    )
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(100 * GB, 0, 4 * GB))
    with pytest.raises(TooLarge):  # it fits and begins; this yt-dlp brings no file
        await download_youtube(LINK, folder, room=room)
    assert (folder / "begun").exists()


async def test_a_disk_that_fills_up_meanwhile_stops_it(yt_dlp):
    folder = yt_dlp(HOLD)
    os.mkfifo(folder / "held")
    reader = os.open(folder / "held", os.O_RDONLY | os.O_NONBLOCK)
    begun = False

    def room(need: int, what: str) -> None:
        nonlocal begun
        if begun:
            raise NoSpace
        begun = _readable(reader)

    with pytest.raises(NoSpace):
        await download_youtube(LINK, folder, room=room)
    os.set_blocking(reader, True)
    with os.fdopen(reader, "rb") as stream:
        assert await anyio.to_thread.run_sync(drained, stream)


def _readable(descriptor: int) -> bool:
    try:
        return bool(os.read(descriptor, 4))
    except BlockingIOError:
        return False
