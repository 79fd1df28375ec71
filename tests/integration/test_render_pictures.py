"""Stills: the right moment, the asked size, small enough to send."""

import subprocess
from fractions import Fraction as F

import anyio
import numpy as np
import pytest
from PIL import Image

from mosaic_mcp.errors import MosaicError
from mosaic_mcp.studio.render.pictures import contact_sheet, frame, strip_height, thumbnail
from tests.support.coded import (
    BITS,
    FFMPEG,
    HEIGHT,
    WIDTH,
    counted,
    numbered,
    source_of,
    write_video,
)


def pixels(path) -> np.ndarray:
    """The still's values, rows by columns."""
    with Image.open(path) as image:
        return np.asarray(image.convert("L")).astype(int)


def number_in(path) -> int:
    """What a still of `counted` says."""
    return number_on(pixels(path)[-10])


def number_on(row: np.ndarray) -> int:
    """What a row of pixels says."""
    at = [(2 * band + 1) * len(row) // (2 * BITS) for band in range(BITS)]
    return int("".join("1" if row[x] > 125 else "0" for x in at), 2)


def cells(path, count: int) -> list[int]:
    """What the cells of a sheet of `counted` say."""
    sheet = pixels(path)
    for columns in range(1, count + 1):
        width, rows = sheet.shape[1] // columns, -(-count // columns)
        tall = sheet.shape[0] // rows
        if abs(tall - strip_height(width) - width * HEIGHT / WIDTH) < 2:
            bottoms = [(n // columns * tall + tall - 5, n % columns * width) for n in range(count)]
            return [number_on(sheet[y, x : x + width]) for y, x in bottoms]
    raise AssertionError(f"no sheet of {count}: {sheet.shape}")


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


async def test_a_sheet_takes_key_frames_and_says_their_own_times(tmp_path):
    path = counted(tmp_path / "in.mp4", 300)  # ten seconds, a key frame every 0.4 s
    out = tmp_path / "sheet.png"
    times = await contact_sheet(path, 10.0, out, ffmpeg=FFMPEG, frames=4)
    assert times == [1.2, 3.6, 6.0, 8.4]
    assert cells(out, 4) == [36, 108, 180, 252]


async def test_a_part_without_a_key_frame_shows_its_middle(tmp_path):
    path = counted(tmp_path / "in.mp4", 90)
    out = tmp_path / "sheet.png"
    times = await contact_sheet(path, 3.0, out, ffmpeg=FFMPEG, frames=12)
    shown = cells(out, 12)
    assert [round(at * 30) for at in times] == pytest.approx(shown, abs=1)
    keys = [number for number in shown if number % 12 == 0]
    assert 0 < len(keys) < 12
    assert shown == sorted(set(shown))


def test_the_times_of_a_file_that_does_not_begin_at_zero_count_from_its_beginning(tmp_path):
    late = tmp_path / "late.ts"
    path = counted(tmp_path / "in.mp4", 300)
    copy = ("-c", "copy", "-output_ts_offset", "100", late)
    subprocess.run([FFMPEG, "-v", "error", "-i", path, *copy], check=True)
    out = tmp_path / "sheet.png"
    times = anyio.run(lambda: contact_sheet(late, 10.0, out, ffmpeg=FFMPEG, frames=4))
    assert [round(at * 30) for at in times] == pytest.approx(cells(out, 4), abs=1)


def test_the_last_picture_stands_for_what_only_sounds(tmp_path):
    path, out = tmp_path / "in.mp4", tmp_path / "sheet.png"
    film = counted(tmp_path / "film.mp4", 30)
    tone = ("-f", "lavfi", "-i", "sine=d=10")
    subprocess.run([FFMPEG, "-v", "error", "-i", film, *tone, "-c:v", "copy", path], check=True)
    times = anyio.run(lambda: contact_sheet(path, 10.0, out, ffmpeg=FFMPEG, frames=4))
    shown = cells(out, 4)
    assert shown[2] == shown[3]
    assert times == sorted(times)
    assert times[-1] <= 1.0


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
