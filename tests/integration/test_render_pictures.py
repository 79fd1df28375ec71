"""Stills: the right moment, the asked size, small enough to send."""

from fractions import Fraction as F

import numpy as np
import pytest
from PIL import Image

from mosaic_mcp.errors import MosaicError
from mosaic_mcp.studio.render.pictures import contact_sheet, frame, strip_height, thumbnail
from tests.support.coded import BITS, FFMPEG, counted, numbered, source_of, write_video


def pixels(path) -> np.ndarray:
    """The still's values, rows by columns."""
    with Image.open(path) as image:
        return np.asarray(image.convert("L")).astype(int)


def number_in(path) -> int:
    """What a still of `counted` says."""
    row = pixels(path)[-10]
    at = [(2 * band + 1) * len(row) // (2 * BITS) for band in range(BITS)]
    return int("".join("1" if row[x] > 125 else "0" for x in at), 2)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
async def test_a_frame_shows_its_moment(tmp_path, suffix):
    path = counted(tmp_path / "in.mp4", 90)
    still = await frame(path, 1.5, tmp_path / f"still{suffix}", ffmpeg=FFMPEG)
    assert number_in(still) == 45


async def test_a_frame_at_the_very_end_is_the_last(tmp_path):
    path = counted(tmp_path / "in.mp4", 30)
    still = await frame(path, float(source_of(path).duration), tmp_path / "s.png", ffmpeg=FFMPEG)
    assert number_in(still) >= 15


async def test_a_moment_outside_is_an_error(tmp_path):
    path = counted(tmp_path / "in.mp4", 30)
    with pytest.raises(MosaicError, match="no frame"):
        await frame(path, 60, tmp_path / "s.png", ffmpeg=FFMPEG)


async def test_pictures_keep_their_shape_and_bounds(tmp_path):
    path = write_video(
        tmp_path / "in.mp4", [numbered(n, 180, 136) for n in range(30)], sample_aspect=F(4, 3)
    )
    still = await frame(path, 0.5, tmp_path / "s.png", ffmpeg=FFMPEG, long_side=120)
    assert pixels(still).shape == (68, 120)


async def test_a_sheet_shows_even_moments_in_order_and_is_small(tmp_path):
    rng = np.random.default_rng(1)
    pictures = [rng.integers(0, 255, (360, 640)).astype(np.uint8) for _ in range(30)]
    path = write_video(tmp_path / "in.mp4", pictures)
    out = tmp_path / "sheet.jpg"
    times = await contact_sheet(path, 1.0, out, ffmpeg=FFMPEG, frames=9)
    assert times == sorted(times)
    assert len(times) == 9
    assert max(pixels(out).shape) <= 1024
    assert out.stat().st_size <= 100_000


async def test_each_frame_stands_whole_under_its_readable_time(tmp_path):
    flat = np.full((360, 640), 128, np.uint8)
    path = write_video(tmp_path / "in.mp4", [flat] * 60)
    out = tmp_path / "sheet.png"
    await contact_sheet(path, 2.0, out, ffmpeg=FFMPEG, frames=4)
    sheet = pixels(out)
    rows, columns = sheet.shape
    for y in (0, rows // 2):
        for x in (0, columns // 2):
            strip = sheet[y : y + strip_height(columns // 2), x : x + columns // 2]
            assert strip.min() < 30
            assert strip.max() > 220
            shown = sheet[y + len(strip) : y + rows // 2, x : x + columns // 2]
            assert abs(shown - 128).max() < 8, "nothing of the picture is hidden"
            assert shown.shape[1] / shown.shape[0] == pytest.approx(16 / 9, rel=0.01)


async def test_a_thumbnail_is_a_key_frame(tmp_path):
    path = counted(tmp_path / "in.mp4", 90)  # a key frame every 12
    still = await thumbnail(path, 3.0, tmp_path / "t.png", ffmpeg=FFMPEG)
    assert number_in(still) in (0, 24, 36)


async def test_a_thumbnail_is_not_the_black_beginning(tmp_path):
    black = np.full((180, 320), 16, np.uint8)
    busy = np.kron(np.indices((18, 32)).sum(axis=0) % 2, np.ones((10, 10))) * 200 + 20
    path = write_video(tmp_path / "in.mp4", [black] * 20 + [busy.astype(np.uint8)] * 70)
    out = await thumbnail(path, 3.0, tmp_path / "thumb.jpg", ffmpeg=FFMPEG)
    assert pixels(out).std() > 50
