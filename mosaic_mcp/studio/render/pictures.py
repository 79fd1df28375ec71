"""Stills of a video: a frame, a thumbnail, a contact sheet with times."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Sequence
from pathlib import Path

import anyio
import anyio.to_thread
from PIL import Image, ImageDraw, ImageFont

from mosaic_mcp.errors import MediaError
from mosaic_mcp.studio.render.ffmpeg import Limits, guarded_input, run_ffmpeg
from mosaic_mcp.studio.render.fonts import FONTS
from mosaic_mcp.studio.side_by_side import side_by_side

LONG_SIDE = 1024
MOST_BYTES = 100_000
KEY_FRAMES = ("-skip_frame", "nokey", "-noaccurate_seek")
"""To be given the key frame before a moment: nothing else is decoded."""
AT_ONCE = 4
"""FFmpeg processes that fetch frames side by side."""
_STILL = Limits(wall_s=60)


async def frame(
    video: Path, at: float, out: Path, *, ffmpeg: Path, long_side: int = LONG_SIDE
) -> Path:
    """The frame shown at `at` seconds, as a JPEG or PNG by the name of `out`."""
    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        image = await _frame(video, at, Path(folder), ffmpeg, 0)
        await anyio.to_thread.run_sync(_save, _fitted(image, long_side), out)
    return out


async def thumbnail(video: Path, duration: float, out: Path, *, ffmpeg: Path) -> Path:
    """A picture that stands for the video: of a few key frames the one with the most detail."""
    moments = [duration * share for share in (0.1, 0.3, 0.5)]
    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        images = await _frames(video, moments, Path(folder), ffmpeg, KEY_FRAMES)
        best = max(images, key=_detail)
        await anyio.to_thread.run_sync(_save, _fitted(best, 640), out)
    return out


async def contact_sheet(
    video: Path,
    duration: float,
    out: Path,
    *,
    ffmpeg: Path,
    frames: int = 9,
    long_side: int = LONG_SIDE,
) -> list[float]:
    """Evenly spaced frames on one picture, each under its time; answers the times in seconds.

    They are the frames of these times, not the key frames near them: whoever looks at a sheet goes
    on with the times that it says.
    """
    times = [duration * (index + 0.5) / frames for index in range(frames)]
    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        images = await _frames(video, times, Path(folder), ffmpeg)
    sheet = await anyio.to_thread.run_sync(_sheet, images, times, long_side)
    await anyio.to_thread.run_sync(_save, sheet, out)
    return times


async def _frames(
    video: Path,
    times: Sequence[float],
    folder: Path,
    ffmpeg: Path,
    options: Sequence[str] = (),
) -> list[Image.Image]:
    images: dict[int, Image.Image] = {}
    limit = anyio.CapacityLimiter(AT_ONCE)

    async def fetch(index: int, at: float) -> None:
        async with limit:
            images[index] = await _frame(video, at, folder, ffmpeg, index, options)

    async with side_by_side() as group:
        for index, at in enumerate(times):
            group.start_soon(fetch, index, at)
    return [images[index] for index in range(len(times))]


async def _frame(
    video: Path,
    at: float,
    folder: Path,
    ffmpeg: Path,
    number: int,
    options: Sequence[str] = (),
) -> Image.Image:
    name = f"frame{number}.png"
    # The last frame is shown until the end: asking past it must still give it. And a file may have
    # no key frames but its first.
    tries = ((options, at), ((), at), ((), max(0.0, at - 0.5)))
    for how, moment in tries if options else tries[1:]:
        await run_ffmpeg(
            ffmpeg,
            [
                *guarded_input(str(video), *how, "-ss", f"{max(0.0, moment):.3f}"),
                *("-frames:v", "1", "-update", "1", "-vf", "scale=iw*sar:ih,setsar=1"),
                *("-c:v", "png", name),
            ],
            cwd=folder,
            limits=_STILL,
        )
        if (folder / name).exists():
            return await anyio.to_thread.run_sync(_load, folder / name)
    raise MediaError(
        f"There is no frame at {at:.2f} s.", remedy="Give a time within the video's length."
    )


def _load(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")


def _fitted(image: Image.Image, long_side: int) -> Image.Image:
    image.thumbnail((long_side, long_side))
    return image


def _detail(image: Image.Image) -> int:
    """How many bytes its JPEG takes: black and blurred frames take few."""
    buffer = io.BytesIO()
    small = image.copy()
    small.thumbnail((320, 320))
    small.save(buffer, "JPEG")
    return buffer.tell()


def _sheet(images: Sequence[Image.Image], times: Sequence[float], long_side: int) -> Image.Image:
    """The frames in rows, as near to a square as their shape allows."""
    width, height = images[0].size
    count = len(images)
    columns = min(
        range(1, count + 1),
        key=lambda c: abs(c * width - -(-count // c) * height) + (c * -(-count // c) - count) * 9,
    )
    rows = -(-count // columns)
    widest = min(long_side / columns, width)
    room = long_side - rows * strip_height(int(widest))
    scale = min(widest / width, room / (rows * height))
    cell = (max(1, int(width * scale)), max(1, int(height * scale)))
    strip = strip_height(cell[0])
    sheet = Image.new("RGB", (cell[0] * columns, (strip + cell[1]) * rows))
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.truetype(FONTS / "Inter-Bold.ttf", strip * 3 // 4)
    for index, (image, at) in enumerate(zip(images, times, strict=True)):
        left, top = index % columns * cell[0], index // columns * (strip + cell[1])
        text = f"{int(at // 60)}:{at % 60:04.1f}"
        draw.text((left + 4, top + strip / 2), text, fill=(255, 255, 255), font=font, anchor="lm")
        sheet.paste(image.resize(cell), (left, top + strip))
    return sheet


def strip_height(width: int) -> int:
    """Pixels of the strip above a frame of a sheet that is so wide: its time stands there."""
    return max(18, width // 14)


def _save(image: Image.Image, out: Path) -> None:
    """Write the picture, JPEG and WebP within MOST_BYTES."""
    if out.suffix == ".png":
        image.save(out)
        return
    kind = "WEBP" if out.suffix == ".webp" else "JPEG"
    for quality in (85, 75, 65, 50, 35, 20):
        buffer = io.BytesIO()
        image.save(buffer, kind, quality=quality)
        if buffer.tell() <= MOST_BYTES:
            break
    out.write_bytes(buffer.getvalue())
