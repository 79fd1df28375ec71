"""FFmpeg under guard: it never outlives its asker, never leaves half a file, opens nothing else.

FFmpeg writes into a named pipe here: as long as it lives the pipe is open, and its end is seen as
the end of the stream, without waiting for a guessed time.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import anyio
import pytest
from PIL import Image

from mosaic_mcp.errors import EngineUnavailable, NoSpace, RenderFailed
from mosaic_mcp.settings import Settings
from mosaic_mcp.studio import children
from mosaic_mcp.studio.children import GUARD
from mosaic_mcp.studio.render.ffmpeg import Limits, find_ffmpeg, guarded_input, run_ffmpeg
from tests.support.coded import FFMPEG, counted
from tests.support.studio_runs import processes_in
from tests.support.waiting import WAIT_S

ENDLESS = ("-re", "-f", "lavfi", "-i", "testsrc2=size=64x64:rate=25", "-f", "mpegts")


def drained(stream) -> bool:
    """Read to the end: returns when the last writer is gone."""
    while stream.read(65536):
        pass
    return True


async def test_cancelling_ends_ffmpeg_and_leaves_no_file(tmp_path):
    fifo = tmp_path / "out"
    os.mkfifo(fifo)
    part, final = tmp_path / "x.part.mp4", tmp_path / "x.mp4"
    part.write_bytes(b"half")
    with anyio.fail_after(WAIT_S):
        async with anyio.create_task_group() as group:

            async def run():
                await run_ffmpeg(FFMPEG, [*ENDLESS, "out"], cwd=tmp_path, publish=(part, final))

            group.start_soon(run)
            stream = await anyio.to_thread.run_sync(lambda: fifo.open("rb"))
            assert await anyio.to_thread.run_sync(lambda: stream.read(188))
            group.cancel_scope.cancel()
        assert await anyio.to_thread.run_sync(drained, stream)
    assert not final.exists()
    stream.close()


async def test_what_is_ended_is_gone_when_that_returns_though_it_has_much_memory(tmp_path):
    """The system takes the memory back first, which lasts a while after the guard is gone."""
    much = "import time; b = bytearray(300_000_000); print('ready', flush=True); time.sleep(60)"
    command = children.guarded({}, [sys.executable, "-c", much])
    process = await children.start(command, cwd=tmp_path, env=children.environment())
    assert process.stdout
    assert (await process.stdout.receive()).startswith(b"ready")
    assert len(processes_in(tmp_path)) == 2
    await children.end(process)
    assert processes_in(tmp_path) == set()


def test_a_killed_asker_takes_ffmpeg_with_it(tmp_path):
    fifo = tmp_path / "out"
    os.mkfifo(fifo)
    code = (
        "import anyio, sys\n"
        "from pathlib import Path\n"
        "from mosaic_mcp.studio.render.ffmpeg import run_ffmpeg\n"
        "anyio.run(lambda: run_ffmpeg(Path(sys.argv[1]), sys.argv[3:], cwd=Path(sys.argv[2])))"
    )
    command = [sys.executable, "-c", code, str(FFMPEG), str(tmp_path), *ENDLESS, "out"]
    with subprocess.Popen(command) as asker, fifo.open("rb") as stream:
        assert stream.read(188)
        asker.send_signal(signal.SIGKILL)
        assert drained(stream)


def test_a_killed_guard_takes_ffmpeg_with_it_though_nobody_sees_it(tmp_path):
    """The studio may be killed in the same moment."""
    fifo = tmp_path / "out"
    os.mkfifo(fifo)
    command = [sys.executable, "-I", "-S", str(GUARD), "{}", str(FFMPEG), "-v", "error", "-y"]
    with (
        subprocess.Popen([*command, *ENDLESS, "out"], cwd=tmp_path, stdin=subprocess.PIPE) as guard,
        fifo.open("rb") as stream,
    ):
        assert stream.read(188)
        guard.kill()
        assert drained(stream)


async def test_a_finished_file_gets_its_name_and_a_failed_one_does_not(tmp_path):
    counted(tmp_path / "in.mp4", 5)
    part, final = tmp_path / "x.part.mp4", tmp_path / "x.mp4"
    ended = await run_ffmpeg(
        FFMPEG,
        [*guarded_input("in.mp4"), "-c", "copy", "x.part.mp4"],
        cwd=tmp_path,
        publish=(part, final),
    )
    assert ended.frames == 5
    assert final.exists()
    assert not part.exists()
    final.unlink()
    with pytest.raises(RenderFailed):
        await run_ffmpeg(
            FFMPEG,
            [*guarded_input("in.mp4"), "-vf", "nonsense", "x.part.mp4"],
            cwd=tmp_path,
            publish=(part, final),
        )
    assert not final.exists()


async def test_a_full_disk_is_named(tmp_path):
    with pytest.raises(NoSpace, match="full") as failure:
        await run_ffmpeg(
            FFMPEG,
            ["-f", "lavfi", "-i", "testsrc2=d=2", "-f", "rawvideo", "/dev/full"],
            cwd=tmp_path,
        )
    assert "Free some space" in failure.value.remedy


async def test_a_file_that_grows_over_its_limit_is_stopped(tmp_path):
    with pytest.raises(RenderFailed, match="limit"):
        await run_ffmpeg(
            FFMPEG,
            ["-f", "lavfi", "-i", "testsrc2=size=640x360", "-f", "rawvideo", "big"],
            cwd=tmp_path,
            limits=Limits(file_bytes=1 << 20),
        )


async def test_a_run_over_its_time_is_stopped(tmp_path):
    fifo = tmp_path / "out"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(RenderFailed, match="did not finish"):
        await run_ffmpeg(FFMPEG, [*ENDLESS, "out"], cwd=tmp_path, limits=Limits(wall_s=0.5))
    os.close(reader)


async def test_a_picture_bomb_is_refused(tmp_path):
    Image.new("1", (15000, 15000)).save(tmp_path / "bomb.png")
    with pytest.raises(RenderFailed):
        await run_ffmpeg(FFMPEG, [*guarded_input("bomb.png"), "-f", "null", "-"], cwd=tmp_path)


SECRET = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{}\n#EXT-X-ENDLIST\n"
DASH = """<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"
 mediaPresentationDuration="PT1S" profiles="urn:mpeg:dash:profile:isoff-main:2011"><Period>
<AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>file://{}</BaseURL>
</Representation></AdaptationSet></Period></MPD>"""


@pytest.mark.parametrize("text", [SECRET, DASH, "ffconcat version 1.0\nfile {}\n"])
@pytest.mark.parametrize("name", ["source0", "x.m3u8", "x.mp4", "x.mpd"])
async def test_playlists_that_name_other_files_are_refused(tmp_path, text, name):
    secret = counted(tmp_path / "secret.mp4", 5)
    job = tmp_path / "job"
    job.mkdir()
    (job / name).write_text(text.format(secret))
    with pytest.raises(RenderFailed):
        await run_ffmpeg(FFMPEG, [*guarded_input(name), "-f", "rawvideo", "stolen"], cwd=job)
    stolen = job / "stolen"
    assert not stolen.exists() or stolen.stat().st_size == 0


def test_a_wrong_ffmpeg_path_is_named(tmp_path):
    with pytest.raises(EngineUnavailable, match="MOSAIC_FFMPEG"):
        find_ffmpeg(Settings(home=tmp_path, ffmpeg=Path("/nowhere/ffmpeg")))
    assert find_ffmpeg(Settings(home=tmp_path)).is_file()
