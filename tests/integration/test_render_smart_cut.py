"""Cuts without encoding: copies are the source's own pictures, every cut is on its frame."""

from fractions import Fraction as F

import av
import numpy as np
import pytest

from mosaic_mcp.studio.render.rendering import render
from mosaic_mcp.studio.timeline.edit import from_source
from mosaic_mcp.studio.timeline.model import Captions, Clip, Look
from tests.support.coded import FFMPEG, SAMPLES, clicks, counted, ffmpeg, numbers, source_of

pytestmark = [pytest.mark.long, pytest.mark.short]

FRAMES = 240


@pytest.fixture(scope="module")
def talk(tmp_path_factory):
    """Eight seconds with a key frame every second, closed groups and B-frames."""
    folder = tmp_path_factory.mktemp("talk")
    plain = counted(folder / "plain.mp4", FRAMES)
    return coded(plain, folder / "talk.mp4")


def coded(plain, path, *options):
    ffmpeg(
        "-i", plain, "-c:v", "libx264", "-preset", "medium", "-crf", "23", "-g", "30", "-bf", "3",
        "-sc_threshold", "0", "-colorspace", "bt709", "-color_primaries", "bt709",
        "-color_trc", "bt709", "-color_range", "tv", *options, path,
    )  # fmt: skip
    return path


async def cut(tmp_path, path, *spans, quality="standard", look=None, **more):
    """Spans of the file in frames; the file that came out, and the report."""
    source = source_of(path)
    whole = from_source(source, tile="in")
    rate = whole.frame_rate
    clips = tuple(
        Clip(source=source.sha256, start=a / rate, end=b / rate, look=look) for a, b in spans
    )
    job, out = tmp_path / "job", tmp_path / "out.mp4"
    job.mkdir()
    timeline = whole.model_copy(update={"clips": clips, **more})
    files = {source.sha256: path}
    return out, await render(timeline, files, out, job=job, ffmpeg=FFMPEG, quality=quality)


def pictures(path) -> list[np.ndarray]:
    with av.open(path) as file:
        return [frame.to_ndarray() for frame in file.decode(video=0)]


async def test_cuts_are_on_their_frames_and_copies_are_bit_identical(tmp_path, talk):
    spans = [(10, 100), (125, 200), (205, 238)]
    out, report = await cut(tmp_path, talk, *spans)
    shown = [n for a, b in spans for n in range(a, b)]
    assert numbers(out) == shown
    # Whole groups: 30..90 and 150..180; the last piece holds the beginning of one only.
    assert report.copied == 60 + 30
    before, after = pictures(talk), pictures(out)
    groups = {*range(30, 90), *range(150, 180)}
    same = {n for n, picture in zip(shown, after, strict=True) if (picture == before[n]).all()}
    assert groups <= same
    assert report.why_encoded == ""


async def test_the_head_of_the_file_alone_decodes_copies_and_edges(tmp_path, talk):
    """Apple's decoder does not read parameter sets that stand among the pictures."""
    out, report = await cut(tmp_path, talk, (10, 100), (125, 200))
    assert 0 < report.copied < report.frames
    bare = tmp_path / "bare.mp4"
    ffmpeg("-i", out, "-c", "copy", "-bsf:v", "filter_units=remove_types=7-8", bare)
    assert numbers(bare) == numbers(out)
    assert all((a == b).all() for a, b in zip(pictures(bare), pictures(out), strict=True))


async def test_pictures_wait_no_longer_than_they_are_reordered(tmp_path, talk):
    out, _ = await cut(tmp_path, talk, (10, 100), (125, 200))
    with av.open(out) as file:
        stream = file.streams.video[0]
        packets = [p for p in file.demux(stream) if p.size]
        assert packets[0].dts * stream.time_base == -F(2, 30)


async def test_a_piece_that_reaches_the_end_is_copied_to_the_end(tmp_path, talk):
    out, report = await cut(tmp_path, talk, (60, FRAMES))
    assert numbers(out) == list(range(60, FRAMES))
    assert report.copied == FRAMES - 60


async def test_pieces_may_come_in_any_order_and_again(tmp_path, talk):
    out, report = await cut(tmp_path, talk, (150, 215), (30, 75), (150, 180))
    assert numbers(out) == [*range(150, 215), *range(30, 75), *range(150, 180)]
    assert report.copied == 60 + 30 + 30


async def test_every_frame_lasts_equally_long_at_a_broken_rate(tmp_path):
    plain = counted(tmp_path / "plain.mp4", 120, rate=F(30000, 1001))
    path = coded(plain, tmp_path / "in.mp4")
    out, report = await cut(tmp_path, path, (7, 64), (70, 120))
    assert report.copied > 0
    with av.open(out) as file:
        stream = file.streams.video[0]
        times = [frame.pts * stream.time_base for frame in file.decode(stream)]
    assert len(times) == 107
    steps = np.diff([float(t) for t in times])
    assert np.allclose(steps, 1001 / 30000, atol=2e-5)
    assert times[0] == 0


async def test_the_sound_of_copied_pictures_stays_with_them(tmp_path):
    plain = counted(tmp_path / "plain.mov", FRAMES, sound=clicks(8, [4.0]))
    path = coded(plain, tmp_path / "in.mov", "-c:a", "copy")
    out, report = await cut(tmp_path, path, (20, 95), (100, 190))
    assert report.copied > 0
    ffmpeg("-i", out, "-f", "s16le", "-ac", "1", "-ar", str(SAMPLES), tmp_path / "out.pcm")
    heard = np.fromfile(tmp_path / "out.pcm", np.int16)
    frame = numbers(out).index(120)
    assert abs(int(np.argmax(np.abs(heard.astype(int)))) - frame * SAMPLES / 30) <= 48


async def test_a_damaged_picture_in_an_edge_is_concealed_and_no_reason_to_fail(tmp_path, talk):
    path = tmp_path / "in.mp4"
    data = bytearray(talk.read_bytes())
    with av.open(talk) as file:
        [hit] = [
            p
            for p in file.demux(video=0)
            if p.size and round(float(p.pts * p.time_base) * 30) == 135
        ]
        data[hit.pos : hit.pos + 4] = b"\xff" * 4  # how long the unit is said to be
    path.write_bytes(data)
    out, report = await cut(tmp_path, path, (10, 100), (125, 200))
    assert (report.copied, report.why_encoded) == (0, "some of its pictures cannot be decoded")
    with av.open(out) as file:
        assert sum(1 for _ in file.decode(video=0)) == 90 + 75


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("-x264-params", "open-gop=1:b-adapt=0:keyint=30:min-keyint=30"), "open"),
        (("-g", "240"), "whole groups"),
        (("-c:v", "libx265", "-x265-params", "log-level=error"), "not H.264"),
        (("-vf", "setsar=4/3"), "square"),
    ],
    ids=["open groups", "long groups", "another codec", "wide pixels"],
)
async def test_what_cannot_be_copied_is_rendered_and_says_why(tmp_path, talk, options, why):
    path = coded(talk, tmp_path / "in.mp4", *options)
    out, report = await cut(tmp_path, path, (10, 100), (125, 200))
    assert report.copied == 0
    assert why in report.why_encoded
    assert numbers(out) == [*range(10, 100), *range(125, 200)]


@pytest.mark.parametrize(
    "more", [{"captions": Captions()}, {"quality": "draft"}, {"look": Look(contrast=1.1)}], ids=str
)
async def test_more_than_cuts_is_rendered(tmp_path, talk, more):
    _, report = await cut(tmp_path, talk, (10, 100), **more)
    assert (report.copied, report.why_encoded) == (0, "")
