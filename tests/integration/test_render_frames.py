"""Which frames a render shows: exactly those that the timeline says, whatever the source is."""

from fractions import Fraction as F

import av
import numpy as np
import pytest

from mosaic_mcp.errors import MosaicError
from mosaic_mcp.studio.render.rendering import render
from mosaic_mcp.studio.timeline.edit import from_source
from mosaic_mcp.studio.timeline.model import Clip, Framing, Timeline
from tests.support.coded import (
    FFMPEG,
    counted,
    ffmpeg,
    numbered,
    numbers,
    source_of,
    write_video,
)


def cut(source, *spans, **more) -> Timeline:
    """Spans of a source in frames of its rate: (first, end)."""
    whole = from_source(source, tile="in")
    rate = whole.frame_rate
    clips = tuple(
        Clip(source=source.sha256, start=first / rate, end=end / rate) for first, end in spans
    )
    return whole.model_copy(update={"clips": clips, **more})


@pytest.fixture
def made(tmp_path):
    """Render a timeline; answers the file and the report."""

    async def make(timeline, files, **more):
        job = tmp_path / "job"
        job.mkdir()
        out = tmp_path / "out.mp4"
        report = await render(timeline, files, out, job=job, ffmpeg=FFMPEG, **more)
        return out, report

    return make


@pytest.mark.parametrize("rate", [F(25), F(30), F(30000, 1001), F(60)], ids=str)
async def test_cuts_are_exact_to_the_frame(tmp_path, made, rate):
    path = counted(tmp_path / "in.mp4", 160, rate=rate)
    source = source_of(path)
    timeline = cut(source, (3, 20), (21, 40), (100, 101), (150, 160))
    out, report = await made(timeline, {source.sha256: path})
    shown = [*range(3, 20), *range(21, 40), 100, *range(150, 160)]
    assert numbers(out) == shown
    assert report.frames == len(shown)


async def test_every_frame_lasts_equally_long(tmp_path, made):
    path = counted(tmp_path / "in.mp4", 60, rate=F(30000, 1001))
    source = source_of(path)
    out, _ = await made(cut(source, (5, 25), (30, 50)), {source.sha256: path})
    with av.open(out) as file:
        stream = file.streams.video[0]
        times = [frame.pts * stream.time_base for frame in file.decode(stream)]
    assert times == [F(1001, 30000) * n for n in range(40)]


async def test_a_start_between_frames_shows_the_nearest_frame(tmp_path, made):
    path = counted(tmp_path / "in.mp4", 60)
    source = source_of(path)
    whole = from_source(source, tile="in")
    clip = Clip(source=source.sha256, start=F(104, 300), end=F(204, 300))
    out, _ = await made(whole.model_copy(update={"clips": (clip,)}), {source.sha256: path})
    assert numbers(out) == list(range(10, 20))


async def test_frames_far_into_a_source_are_found(tmp_path, made):
    path = counted(tmp_path / "in.mp4", 900, rate=F(30000, 1001))
    source = source_of(path)
    out, _ = await made(cut(source, (700, 720), (800, 810)), {source.sha256: path})
    assert numbers(out) == [*range(700, 720), *range(800, 810)]


@pytest.mark.parametrize("rate", [F(25), F(30000, 1001)], ids=str)
async def test_frames_far_from_any_key_frame_are_found_to_the_last(tmp_path, made, rate):
    near = counted(tmp_path / "near.mp4", 600, rate=rate)
    path = tmp_path / "in.mp4"
    ffmpeg("-i", near, "-g", "250", "-keyint_min", "250", "-sc_threshold", "0", "-crf", "10", path)
    source = source_of(path)
    timeline = cut(source, (400, 480), (180, 240), (560, 600))
    out, _ = await made(timeline, {source.sha256: path})
    assert numbers(out) == [*range(400, 480), *range(180, 240), *range(560, 600)]


@pytest.mark.parametrize("kind", ["mpegts", "avi", "flv"])
async def test_frames_far_into_a_file_without_an_index_are_found_from_near(tmp_path, made, kind):
    near = counted(tmp_path / "near.mp4", 900)
    path = tmp_path / "in"
    codec = ("-c:v", "mpeg4", "-q:v", "2") if kind == "avi" else ("-c", "copy")
    ffmpeg("-i", near, *codec, "-f", kind, path)
    source = source_of(path, duration=F(30))
    out, report = await made(cut(source, (700, 720), (850, 900)), {source.sha256: path})
    assert numbers(out) == [*range(700, 720), *range(850, 900)]
    assert all("-ss" in command for command in report.commands)


async def test_clips_may_come_in_any_order_and_again(tmp_path, made):
    path = counted(tmp_path / "in.mp4", 120)
    source = source_of(path)
    out, _ = await made(cut(source, (90, 100), (10, 20), (15, 25)), {source.sha256: path})
    assert numbers(out) == [*range(90, 100), *range(10, 20), *range(15, 25)]


async def test_clips_of_several_sources_follow_each_other(tmp_path, made):
    one = counted(tmp_path / "one.mp4", 40)
    two = write_video(tmp_path / "two.mp4", [numbered(500 + n) for n in range(50)], rate=F(25))
    first, second = source_of(one), source_of(two)
    timeline = from_source(first, tile="in")
    clips = (
        Clip(source=first.sha256, start=F(0), end=F(1, 3)),
        Clip(source=second.sha256, start=F(1), end=F(2)),
        Clip(source=first.sha256, start=F(1), end=F(4, 3)),
    )
    timeline = timeline.model_copy(
        update={"clips": clips, "sources": {s.sha256: s for s in (first, second)}}
    )
    out, _ = await made(timeline, {first.sha256: one, second.sha256: two})
    shown = numbers(out)
    assert shown[:10] == list(range(10))
    assert shown[40:] == list(range(30, 40))
    # 25 pictures shown at 30 per second: each at least once, in order.
    assert len(shown[10:40]) == 30
    assert sorted(set(shown[10:40])) == list(range(525, 550))
    assert shown[10:40] == sorted(shown[10:40])


async def test_a_variable_rate_keeps_its_timing(tmp_path, made):
    # Ten pictures a second, then one that stands for two seconds, then thirty a second.
    times = [F(n, 10) for n in range(11)] + [F(3) + F(n, 30) for n in range(30)]
    path = write_video(tmp_path / "in.mp4", [numbered(n) for n in range(len(times))], times=times)
    source = source_of(path, variable_frame_rate=True, frame_rate=F(30), duration=F(4))
    out, _ = await made(cut(source, (45, 105)), {source.sha256: path})
    shown = numbers(out)
    # 1.5 s to 3.5 s: the standing picture until 3.0, then each of the quick ones once.
    assert shown == [10] * 45 + list(range(11, 26))


async def test_a_standing_picture_far_into_a_variable_rate_is_found(tmp_path, made):
    times = [F(n, 10) for n in range(41)] + [F(9)]
    path = write_video(tmp_path / "in.mp4", [numbered(n) for n in range(len(times))], times=times)
    source = source_of(path, variable_frame_rate=True, frame_rate=F(30), duration=F(91, 10))
    out, _ = await made(cut(source, (210, 240)), {source.sha256: path})
    assert numbers(out) == [40] * 30


@pytest.mark.parametrize("degrees", [90, 180, 270])
async def test_a_turned_picture_is_shown_upright(tmp_path, made, degrees):
    turned = [np.ascontiguousarray(np.rot90(numbered(n), degrees // 90)) for n in range(30)]
    stored = write_video(tmp_path / "stored.mp4", turned)
    path = tmp_path / "in.mp4"
    ffmpeg("-display_rotation", -degrees, "-i", stored, "-c", "copy", path)
    source = source_of(path, width=240, height=136, rotation=degrees)
    out, _ = await made(cut(source, (5, 15)), {source.sha256: path})
    assert numbers(out) == list(range(5, 15))


@pytest.mark.parametrize(
    ("width", "height"), [(241, 137), (64, 48), (20, 16)], ids=["odd", "4:3", "tiny"]
)
async def test_any_size_is_rendered(tmp_path, made, width, height):
    pictures = [numbered(n, width, height) for n in range(12)]
    path = tmp_path / "in.mkv"
    # 4:4:4 may have odd sides; 4:2:0 may not.
    raw = tmp_path / "in.raw"
    raw.write_bytes(b"".join(p.tobytes() for p in pictures))
    ffmpeg(
        *("-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{width}x{height}", "-r", "30", "-i", raw),
        *("-c:v", "libx264", "-pix_fmt", "yuv444p", "-crf", "5", path),
    )
    source = source_of(path, duration=F(12, 30), width=width, height=height)
    out, _ = await made(cut(source, (2, 9)), {source.sha256: path})
    assert numbers(out) == list(range(2, 9))
    with av.open(out) as file:
        stream = file.streams.video[0]
        assert (stream.width, stream.height) == (width - width % 2, height - height % 2)


async def test_pixels_that_are_not_square_are_made_square(tmp_path, made):
    pictures = [numbered(n, 180, 136) for n in range(10)]
    path = write_video(tmp_path / "in.mp4", pictures, sample_aspect=F(4, 3))
    source = source_of(path)
    assert source.width == 240
    out, _ = await made(cut(source, (0, 10)), {source.sha256: path})
    with av.open(out) as file:
        context = file.streams.video[0].codec_context
        assert (context.width, context.height) == (240, 136)
        assert context.sample_aspect_ratio in (None, 1)
    assert numbers(out) == list(range(10))


async def test_a_damaged_source_fails_with_a_sentence_and_leaves_nothing(tmp_path, made):
    path = counted(tmp_path / "in.mp4", 200)
    source = source_of(path)
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(MosaicError, match="damaged"):
        await made(cut(source, (0, 150)), {source.sha256: path})
    assert not list(tmp_path.glob("out*"))


async def test_a_picture_that_ends_long_before_its_stated_length_is_an_error(tmp_path, made):
    path = counted(tmp_path / "in.mp4", 30)
    source = source_of(path, duration=F(10))
    with pytest.raises(MosaicError, match=r"in\.mp4.*damaged or cut short"):
        await made(cut(source, (0, 300)), {source.sha256: path})
    assert not list(tmp_path.glob("out*"))


async def test_a_picture_that_ends_a_little_before_the_sound_stands(tmp_path, made):
    path = counted(tmp_path / "in.mp4", 30)
    source = source_of(path, duration=F(12, 10))
    out, _ = await made(cut(source, (20, 36)), {source.sha256: path})
    assert numbers(out) == [*range(20, 30), *[29] * 6]


async def test_a_missing_file_names_the_source(tmp_path, made):
    source = source_of(counted(tmp_path / "in.mp4", 10), name="holiday.mp4")
    with pytest.raises(MosaicError, match=r"holiday\.mp4"):
        await made(cut(source, (0, 10)), {source.sha256: tmp_path / "gone"})


async def test_nothing_left_to_show_is_an_error(tmp_path, made):
    source = source_of(counted(tmp_path / "in.mp4", 10))
    with pytest.raises(MosaicError, match=r"in\.mp4"):
        await made(cut(source), {source.sha256: tmp_path / "in.mp4"})


async def test_a_draft_is_small_and_whole(tmp_path, made):
    path = counted(tmp_path / "in.mp4", 20)
    source = source_of(path)
    tall = cut(source, (0, 20), width=1080, height=1920, framing=Framing(fit="pad"))
    out, _ = await made(tall, {source.sha256: path}, quality="draft")
    with av.open(out) as file:
        stream = file.streams.video[0]
        assert (stream.width, stream.height, stream.frames) == (540, 960, 20)


async def test_progress_rises_to_one(tmp_path, made):
    path = counted(tmp_path / "in.mp4", 60)
    source = source_of(path)
    heard = []
    await made(cut(source, (0, 60)), {source.sha256: path}, on_progress=heard.append)
    assert heard == sorted(heard)
    assert heard[0] >= 0
    assert heard[-1] == 1


async def test_a_user_s_words_never_reach_ffmpeg(tmp_path, made):
    path = counted(tmp_path / "in.mp4", 20)
    source = source_of(path, name="a':[x];drawtext=textfile=/etc/passwd")
    _, report = await made(cut(source, (0, 20)), {source.sha256: path}, quality="draft")
    said = " ".join((*report.commands[0], *report.graphs))
    assert "drawtext" not in said
    assert str(tmp_path) not in said
