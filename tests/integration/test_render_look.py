"""What a render looks like: crops, blurred borders, captions, watermarks, colours, in pixels."""

from fractions import Fraction as F

import av
import numpy as np
import pytest
from PIL import Image

from mosaic_mcp.studio.render.framing import centre
from mosaic_mcp.studio.render.rendering import render
from mosaic_mcp.studio.timeline.edit import from_source
from mosaic_mcp.studio.timeline.model import (
    Captions,
    CaptionStyle,
    CaptionWord,
    Clip,
    CropKey,
    Framing,
    Overlay,
    Source,
)
from tests.support.coded import FFMPEG, ffmpeg, source_of, write_hdr, write_video


@pytest.fixture
def pictures(tmp_path):
    """Render a timeline and answer its frames as RGB."""

    async def make(timeline, files):
        job, out = tmp_path / "job", tmp_path / "out.mp4"
        job.mkdir()
        await render(timeline, files, out, job=job, ffmpeg=FFMPEG)
        with av.open(out) as file:
            return [
                frame.reformat(format="rgb24", src_colorspace="ITU709").to_ndarray().astype(int)
                for frame in file.decode(video=0)
            ]

    return make


def ramp(width=640, height=360) -> np.ndarray:
    """Grey that rises from left (40) to right (200): a column tells where it is from."""
    return np.repeat(np.linspace(40, 200, width).astype(np.uint8)[None, :], height, axis=0)


def flat(level: int, width=320, height=180) -> np.ndarray:
    return np.full((height, width), level, np.uint8)


async def test_the_crop_follows_its_path_in_source_time(tmp_path, pictures):
    path = write_video(tmp_path / "in.mp4", [ramp()] * 120)
    source = source_of(path)
    keys = (
        CropKey(time=F(0), x=0.3, y=0.5, cut=True),
        CropKey(time=F(1), x=0.3, y=0.5),
        CropKey(time=F(2), x=0.7, y=0.5),
        CropKey(time=F(3), x=0.25, y=0.5, cut=True),
    )
    whole = from_source(source, tile="in")
    clips = tuple(
        Clip(source=source.sha256, start=F(a), end=F(b)) for a, b in (("0.5", "1.8"), ("2.5", 4))
    )
    framing = Framing(paths={source.sha256: keys})
    timeline = whole.model_copy(
        update={"clips": clips, "framing": framing, "width": 180, "height": 320}
    )
    frames = await pictures(timeline, {source.sha256: path})
    times = [F(15 + n, 30) for n in range(39)] + [F(75 + n, 30) for n in range(45)]
    assert len(frames) == len(times)
    grey = ramp()[0].astype(float)
    for frame, time in zip(frames, times, strict=True):
        shown = frame[100:200, 85:95].mean()
        expected = np.interp(centre(keys, time)[0] * 640, np.arange(640), grey)
        # One grey level is four columns of the source; a frame's lag at full speed is three.
        assert abs(shown - expected) < 2.5, float(time)


async def test_the_whole_picture_stands_over_a_blurred_copy(tmp_path, pictures):
    board = np.kron(np.indices((18, 32)).sum(axis=0) % 2, np.ones((20, 20))) * 120 + 60
    path = write_video(tmp_path / "in.mp4", [board.astype(np.uint8)] * 6)
    source = source_of(path)
    timeline = from_source(source, tile="in").model_copy(
        update={"framing": Framing(fit="pad"), "width": 360, "height": 640}
    )
    frame = (await pictures(timeline, {source.sha256: path}))[3][:, :, 0]
    # 360 wide, 202 tall in the middle: sharp squares; above and below the same, blurred.
    inside, above, below = frame[230:410], frame[20:200], frame[440:620]
    assert inside.std() > 50
    assert above.std() < 25
    assert below.std() < 25
    assert above.mean() > 40


async def test_captions_are_seen_while_they_are_said_and_only_then(tmp_path, pictures):
    path = write_video(tmp_path / "in.mp4", [flat(16)] * 60)
    source = source_of(path)
    words = (
        CaptionWord(source=source.sha256, text="one", start=F(1, 3), end=F(2, 3)),
        CaptionWord(source=source.sha256, text="two", start=F(2, 3), end=F(1)),
    )
    look = CaptionStyle(base_color="#00FF00", highlight_color="#FF0000", stroke_enabled=False)
    timeline = from_source(source, tile="in").model_copy(
        update={"captions": Captions(words=words, look=look)}
    )
    frames = await pictures(timeline, {source.sha256: path})
    green = [int((f[:, :, 1] > f[:, :, 0] + 100).sum()) for f in frames]
    red = [int((f[:, :, 0] > f[:, :, 1] + 100).sum()) for f in frames]
    # Frames 10 to 29 are spoken; the group lingers for 0.3 s.
    shown = [n for n in range(60) if green[n] + red[n] > 0]
    assert shown == list(range(10, 39))
    spoken = [np.argwhere(f[:, :, 0] > f[:, :, 1] + 100)[:, 1].mean() for f in frames[12:28]]
    assert max(spoken[:7]) < 160 < min(spoken[9:])
    assert green[50] == red[50] == 0


async def test_captions_stay_with_their_words_through_cuts(tmp_path, pictures):
    path = write_video(tmp_path / "in.mp4", [flat(16)] * 120)
    source = source_of(path)
    word = CaptionWord(source=source.sha256, text="three", start=F(3), end=F(7, 2))
    clips = tuple(
        Clip(source=source.sha256, start=F(a), end=F(b)) for a, b in ((0, "0.5"), ("2.9", 4))
    )
    timeline = from_source(source, tile="in").model_copy(
        update={"clips": clips, "captions": Captions(words=(word,))}
    )
    frames = await pictures(timeline, {source.sha256: path})
    lit = [n for n, f in enumerate(frames) if f.max() > 120]
    assert lit == list(range(18, 42))


@pytest.mark.parametrize("corner", ["top-left", "bottom-right"])
async def test_a_watermark_has_its_place_size_and_opacity(tmp_path, pictures, corner):
    path = write_video(tmp_path / "in.mp4", [flat(16, 400, 300)] * 8)
    logo = tmp_path / "logo.png"
    Image.new("RGB", (50, 25), (255, 255, 255)).save(logo)
    source = source_of(path)
    image = Source(sha256="logo", name="logo.png", kind="image", width=50, height=25)
    overlay = Overlay(
        source="logo", corner=corner, width=0.25, opacity=0.5, margin_x=20, margin_y=10
    )
    whole = from_source(source, tile="in")
    timeline = whole.model_copy(
        update={"sources": {**whole.sources, "logo": image}, "overlays": (overlay,)}
    )
    frames = await pictures(timeline, {source.sha256: path, "logo": logo})
    for frame in (frames[0], frames[-1]):
        rows, columns = np.nonzero(frame[:, :, 0] > 60)
        left, top = (20, 10) if corner == "top-left" else (280, 240)
        assert abs(columns.min() - left) <= 2
        assert abs(rows.min() - top) <= 2
        assert abs(columns.max() - columns.min() - 99) <= 2
        assert abs(rows.max() - rows.min() - 49) <= 2
        assert abs(frame[top + 25, left + 50, 0] - (255 + 16) / 2) < 6


@pytest.mark.parametrize(("width", "margin"), [(0.25, 20), (0.2525, 21)], ids=["even", "odd"])
async def test_a_watermark_keeps_its_colours(tmp_path, pictures, width, margin):
    path = write_video(tmp_path / "in.mp4", [flat(16, 400, 300)] * 4)
    logo = tmp_path / "logo.png"
    Image.new("RGB", (80, 40), (0xC0, 0x40, 0x20)).save(logo)
    source = source_of(path)
    image = Source(sha256="logo", name="logo.png", kind="image", width=80, height=40)
    whole = from_source(source, tile="in")
    timeline = whole.model_copy(
        update={
            "sources": {**whole.sources, "logo": image},
            "overlays": (
                Overlay(
                    source="logo",
                    corner="top-left",
                    width=width,
                    opacity=1.0,
                    margin_x=margin,
                    margin_y=margin,
                ),
            ),
        }
    )
    frame = (await pictures(timeline, {source.sha256: path, "logo": logo}))[1]
    for row, column in ((40, 70), (margin + 3, margin + 3), (margin + 46, margin + 96)):
        assert np.abs(frame[row, column] - [0xC0, 0x40, 0x20]).max() <= 16, (row, column)


@pytest.mark.parametrize("transfer", ["arib-std-b67", "smpte2084"])
async def test_hdr_looks_as_on_an_ordinary_screen_and_keeps_its_highlights(
    tmp_path, pictures, transfer
):
    greys = [30, 60, 90, 120, 150, 180, 255]
    colours = [(0xC0, 0x40, 0x20), (0x30, 0x80, 0x50), (0x20, 0x40, 0xA0)]
    patches = np.zeros((180, 320, 3), np.uint8)
    for index, colour in enumerate([*((g, g, g) for g in greys), *colours]):
        patches[:, 32 * index : 32 * index + 32] = colour
    path = write_hdr(tmp_path / "in.mp4", patches, transfer)
    source = source_of(path)
    frames = await pictures(from_source(source, tile="in"), {source.sha256: path})
    seen = [frames[2][90, 32 * index + 16] for index in range(10)]
    for grey, got in zip(greys[:6], seen[:6], strict=True):
        assert np.abs(got - grey).max() <= 6
    assert 215 < seen[6].min() <= seen[6].max() < 240  # white leaves room for what is brighter
    for colour, got in zip(colours, seen[7:], strict=True):
        assert np.abs(got - colour).max() <= 12


@pytest.mark.parametrize("transfer", ["arib-std-b67", "smpte2084"])
async def test_the_brightest_of_hdr_is_told_from_white(tmp_path, pictures, transfer):
    path = write_hdr(tmp_path / "in.mp4", flat(255), transfer, white=800)
    source = source_of(path)
    frames = await pictures(from_source(source, tile="in"), {source.sha256: path})
    assert 245 < frames[2][90, 160].min() < 255


@pytest.mark.parametrize(
    ("tags", "size"),
    [("bt709", "320x180"), ("smpte170m", "320x180"), (None, "320x180"), (None, "1280x720")],
)
async def test_colours_are_those_of_the_source(tmp_path, pictures, tags, size):
    path = tmp_path / "in.mp4"
    matrix = tags or ("bt709" if size == "1280x720" else "smpte170m")
    ffmpeg(
        *("-f", "lavfi", "-i", f"color=0xC04020:s={size}:r=30:d=0.3"),
        *("-vf", f"format=gbrp,scale=out_color_matrix={matrix}:out_range=tv,format=yuv420p"),
        *("-c:v", "libx264", "-qp", "1", "-colorspace", tags or "unknown", path),
    )
    source = source_of(path)
    timeline = from_source(source, tile="in").model_copy(update={"width": 160, "height": 90})
    frames = await pictures(timeline, {source.sha256: path})
    assert np.abs(frames[2][45, 80] - [0xC0, 0x40, 0x20]).max() <= 6


async def test_a_result_says_how_its_colours_are_meant(tmp_path):
    path = write_video(tmp_path / "in.mp4", [flat(100)] * 5)
    source = source_of(path)
    job, out = tmp_path / "job", tmp_path / "out.mp4"
    job.mkdir()
    timeline = from_source(source, tile="in")
    await render(timeline, {source.sha256: path}, out, job=job, ffmpeg=FFMPEG)
    with av.open(out) as file:
        context = file.streams.video[0].codec_context
        assert (context.colorspace, context.color_primaries, context.color_trc) == (1, 1, 1)
        assert context.pix_fmt == "yuv420p"
