"""Media that attack: refused or bounded, nothing they name is opened, and the studio lives on.

A video bomb need not be large: what counts is that each kind of limit really ends a real program.
"""

import json
import os
import struct
import subprocess
import sys

import av
import pytest

from mosaic_mcp.errors import MediaError, RenderFailed
from mosaic_mcp.studio.children import GUARD
from mosaic_mcp.studio.perception import calling
from mosaic_mcp.studio.perception.calling import call
from mosaic_mcp.studio.perception.opening import opened
from mosaic_mcp.studio.render.ffmpeg import Limits, explain, guarded_input, run_ffmpeg
from tests.support import hostile
from tests.support.coded import FFMPEG, counted
from tests.support.file_server import file_server

pytestmark = [pytest.mark.long, pytest.mark.short]


@pytest.fixture(scope="module")
def web():
    with file_server() as server:
        yield server


@pytest.mark.parametrize("kind", hostile.REFERRING)
@pytest.mark.parametrize("name", ["x.mp4", "x.png", "x.{kind}"])
async def test_a_text_that_names_other_media_is_refused(tmp_path, web, kind, name):
    secret = counted(tmp_path / "secret.mp4", 5)
    path = tmp_path / name.format(kind=kind)
    for target in (str(secret), f"file://{secret}", web.put("/secret.mp4", secret.read_bytes())):
        path.write_text(hostile.REFERRING[kind].format(target))
        with pytest.raises(MediaError), opened(str(path)):
            pass
        with pytest.raises(RenderFailed):
            await run_ffmpeg(FFMPEG, [*guarded_input(path.name), "-f", "null", "-"], cwd=tmp_path)
    assert web.asked == []


def test_a_movie_that_refers_to_another_file_does_not_get_it(tmp_path):
    movie = hostile.quicktime_alias(tmp_path)
    with av.open(str(movie), options={"enable_drefs": "1", "use_absolute_path": "1"}) as lured:
        assert len(list(lured.decode(video=0))) == 5, "the attack works on who lets it"
    with opened(str(movie)) as container:
        assert list(container.decode(video=0)) == []


@pytest.mark.parametrize("name", ["%d.png", "*.png", "img%03d.jpg", "x|y.mp4", "cache:x.mp4"])
def test_a_name_is_a_name_and_no_pattern_or_protocol(tmp_path, name):
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(hostile.png(8, 8))
    with pytest.raises(MediaError), opened(str(tmp_path / name)):
        pass
    counted(tmp_path / "real.mp4", 3).rename(tmp_path / name)
    try:
        with opened(str(tmp_path / name)) as container:
            assert len(list(container.decode(video=0))) == 3
    except MediaError:
        assert name.endswith(("png", "jpg")), "FFmpeg itself takes these for patterns"


@pytest.mark.parametrize("size", [(60_000, 60_000), (65_535, 2), (2_000_000, 2_000)])
async def test_a_picture_that_promises_too_many_pixels_is_refused(tmp_path, size):
    path = tmp_path / "bomb.png"
    path.write_bytes(hostile.png(*size))
    with pytest.raises(MediaError):
        await call("probe", path=str(path))


async def test_too_many_streams_are_refused(tmp_path):
    path = hostile.many_streams(tmp_path / "many.mkv", 40)
    with pytest.raises(MediaError, match="40 streams"):
        await call("probe", path=str(path))


async def test_a_picture_of_thousands_of_frames_is_still_one_picture(tmp_path):
    path = hostile.made(tmp_path / "x.gif", "-f", "lavfi", "-i", "testsrc2=s=16x16:r=100:d=30")
    facts = await call("probe", path=str(path))
    assert (facts["kind"], facts["duration"]) == ("image", "0")


async def test_a_length_that_is_only_promised_is_not_believed(tmp_path):
    path = hostile.made(tmp_path / "x.mkv", "-f", "lavfi", "-i", "testsrc2=s=64x64:d=1")
    data = path.read_bytes()
    at = data.index(b"\x44\x89\x88") + 3  # Duration, 8 bytes
    path.write_bytes(data[:at] + struct.pack(">d", 1e12) + data[at + 8 :])
    with pytest.raises(MediaError, match=r"cut off|24 hours"):
        await call("probe", path=str(path))


LYING = {
    "page.mp4": b"<!doctype html><html><script>alert(1)</script></html>",
    "movie.png": None,
    "drawing.png": b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>',
    "archive.mp4": b"PK\x03\x04" + b"\0" * 5000,
    "program.mov": b"\x7fELF" + bytes(5000),
    "cut.mp4": b"\0\0\0\x20ftypisom" + b"\0" * 24,
    "noise.mkv": bytes(range(256)) * 40,
    "bomb.png": hostile.png(50_000, 50_000),
    "many.mkv": None,
    "list.m3u8": hostile.HLS.format("file:///etc/passwd").encode(),
}


@pytest.mark.parametrize("name", LYING)
def test_a_file_that_lies_about_its_type_is_refused_and_the_studio_lives_on(local, tmp_path, name):
    path = tmp_path / name
    content = LYING[name]
    if name == "movie.png":
        counted(tmp_path / "x.mp4", 5).rename(path)
    elif content is None:
        hostile.many_streams(path, 40)
    else:
        path.write_bytes(content)
    kind = "image" if name.endswith(".png") else "video"
    answer = local.post("/studio/v1/files", json={"path": str(path), "asset_type": kind})
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"] == "bad_media"
    assert name in answer.json()["detail"]
    assert local.get("/whoami").status_code == 200


async def test_a_render_that_wants_too_much_memory_is_ended(tmp_path):
    large = ("-f", "lavfi", "-i", "color=size=8192x8190:duration=1", "-c:v", "libx264", "x.mp4")
    with pytest.raises(RenderFailed, match="memory"):
        await run_ffmpeg(
            FFMPEG, large, cwd=tmp_path, limits=Limits(wall_s=120, memory_bytes=900 * 1024**2)
        )


def guarded(options: dict, *program: object) -> subprocess.Popen:
    """A program under its guard, as `run_ffmpeg` starts it; nobody looks at a clock."""
    command = [sys.executable, "-I", "-S", GUARD, json.dumps(options), *program]
    return subprocess.Popen(
        [str(part) for part in command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def test_a_render_that_wants_too_much_processor_time_is_ended():
    endless = ("-f", "lavfi", "-i", "testsrc2=size=1280x720", "-f", "null", "-")
    with guarded({"cpu": 1}, FFMPEG, "-hide_banner", *endless) as process:
        log = process.stderr.read()
        process.wait()
    assert "processor time" in explain(process.returncode, log.decode()).message


LIMITED = """
import anyio, resource, sys
from mosaic_mcp.errors import MosaicError
from mosaic_mcp.studio.perception.calling import call
kind, soft, hard, verb, bomb, good = sys.argv[1:]
resource.setrlimit(getattr(resource, kind), (int(soft), int(hard)))
try:
    anyio.run(lambda: call(verb, path=bomb))
except MosaicError as error:
    print(type(error).__name__, error)
print(anyio.run(lambda: call("probe", path=good))["width"])
"""


@pytest.mark.parametrize(
    ("kind", "soft", "hard", "verb", "says"),
    [
        ("RLIMIT_AS", 450 * 1024**2, 450 * 1024**2, "probe", "memory"),
        ("RLIMIT_CPU", 2, 60, "speech", "too long"),
    ],
)
def test_a_helper_over_its_limit_is_ended_and_the_next_one_works(
    tmp_path, kind, soft, hard, verb, says
):
    """The limits are set lower than the helper's own, so that a small bomb is enough."""
    bomb = (
        hostile.one_picture(tmp_path / "large.mkv", 8000)
        if verb == "probe"
        else hostile.silent_hours(tmp_path / "hours.wav", 30)
    )
    good = hostile.one_picture(tmp_path / "small.mkv", 64)
    limits = [kind, str(soft), str(hard), verb, str(bomb), str(good)]
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, *limits], capture_output=True, text=True, check=False
    )
    told, works = done.stdout.splitlines()
    assert told.startswith("MediaError"), done.stdout
    assert says in told, done.stderr
    assert works == "64"


async def test_a_helper_that_does_not_end_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(calling, "PROBE_S", 0.5)
    os.mkfifo(tmp_path / "endless.mp4")
    with pytest.raises(MediaError, match="too long"):
        await call("probe", path=str(tmp_path / "endless.mp4"))


def test_programs_that_open_media_dump_no_core_and_are_the_first_to_go():
    code = (
        "import resource; from pathlib import Path\n"
        "print(resource.getrlimit(resource.RLIMIT_CORE)[0])\n"
        "print(Path('/proc/self/oom_score_adj').read_text())"
    )
    with guarded({}, sys.executable, "-c", code) as process:
        said = process.stdout.read()
    assert said.split() == [b"0", b"1000"]


async def test_a_transcript_as_long_as_it_may_be_reaches_the_helper(tmp_path):
    """It has no room on a command line, which takes 128 KB."""
    text = "00:00:00,000 --> 00:00:01,000\nword\n\n" * 10_000
    with pytest.raises(MediaError, match="Is a directory"):
        await call("align", path=str(tmp_path), text=text, format="srt", language="en")
