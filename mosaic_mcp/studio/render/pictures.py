"""Stills of a video: a frame, a thumbnail, a contact sheet with times."""

from __future__ import annotations

import io
import re
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from math import floor
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
        still = await _exact(_File(video, ffmpeg, Path(folder)), at, "frame")
        await anyio.to_thread.run_sync(_save, _fitted(still.image, long_side), out)
    return out


async def thumbnail(video: Path, duration: float, out: Path, *, ffmpeg: Path) -> Path:
    """A picture that stands for the video: of a few key frames the one with the most detail."""

    async def one(file: _File, number: int) -> _Still:
        at = duration * (0.1, 0.3, 0.5)[number]
        return await _key_frame(file, at, f"key{number}") or await _exact(file, at, f"{number}")

    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        stills = await _stills(3, _File(video, ffmpeg, Path(folder)), one)
        best = max((still.image for still in stills), key=_detail)
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
    """Frames of equal parts of the video on one picture, each under its time.

    Each is the last key frame before the middle of its part, for which nothing else is decoded;
    where the part has none there, the frame in its middle. Answers the seconds at which they are
    shown: whoever looks at a sheet goes on with them.
    """
    part = duration / frames

    async def one(file: _File, number: int) -> _Still:
        begin = part * number
        key = await _key_frame(file, begin + part / 2, f"key{number}")
        # Without an index FFmpeg may give a key frame behind the moment: one of the part will do.
        if key is not None and begin <= key.at < begin + part:
            return key
        try:
            return await _exact(file, begin + part / 2, f"{number}")
        except MediaError:
            if key is None:
                raise
            return key  # the last one of a video whose sound goes on longer

    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        stills = await _stills(frames, _File(video, ffmpeg, Path(folder)), one)
    times = [still.at for still in stills]
    sheet = await anyio.to_thread.run_sync(_sheet, [s.image for s in stills], times, long_side)
    await anyio.to_thread.run_sync(_save, sheet, out)
    return times


@dataclass(frozen=True, slots=True)
class _File:
    """A video, what reads it, and a folder for what is read."""

    video: Path
    ffmpeg: Path
    folder: Path


@dataclass(frozen=True, slots=True)
class _Still:
    """A frame, and when it is shown, in seconds."""

    image: Image.Image
    at: float


async def _stills(
    count: int, file: _File, one: Callable[[_File, int], Awaitable[_Still]]
) -> list[_Still]:
    found: dict[int, _Still] = {}
    limit = anyio.CapacityLimiter(AT_ONCE)

    async def fetch(number: int) -> None:
        async with limit:
            found[number] = await one(file, number)

    async with side_by_side() as group:
        for number in range(count):
            group.start_soon(fetch, number)
    return [found[number] for number in range(count)]


async def _key_frame(file: _File, at: float, name: str) -> _Still | None:
    """The key frame before a moment; None where none is found."""
    found = await _taken(file, at, name, KEY_FRAMES, "trim=end_frame=1,showinfo,")
    if found is None:
        return None
    image, log = found
    # Its time from the moment that was asked for. Not rounded up: who asks for the frame again
    # would get the one behind it.
    told = re.search(r"pts_time:(-?[\d.]+(?:e[-+]?\d+)?)", log)
    if told is None:
        return None
    return _Still(image, max(0.0, floor(1000 * (round(at, 3) + float(told[1])) + 0.01) / 1000))


async def _exact(file: _File, at: float, name: str) -> _Still:
    """The frame shown at a moment; MediaError where the video has none."""
    # The last frame is shown until the end: asking past it must still give it.
    for moment in (at, at - 0.5):
        found = await _taken(file, moment, name)
        if found is not None:
            return _Still(found[0], at)
    raise MediaError(
        f"There is no frame at {at:.2f} s.", remedy="Give a time within the video's length."
    )


async def _taken(
    file: _File, at: float, name: str, how: Sequence[str] = (), filters: str = ""
) -> tuple[Image.Image, str] | None:
    """The first frame from a moment on, and FFmpeg's messages."""
    picture = f"{name}.png"
    ended = await run_ffmpeg(
        file.ffmpeg,
        [
            *guarded_input(str(file.video), *how, "-ss", f"{max(0.0, at):.3f}"),
            # Passed on as it is: a key frame before the moment has a time before 0.
            *("-frames:v", "1", "-update", "1", "-fps_mode", "passthrough"),
            *("-vf", f"{filters}scale=iw*sar:ih,setsar=1", "-c:v", "png", picture),
        ],
        cwd=file.folder,
        limits=_STILL,
    )
    if not (file.folder / picture).exists():
        return None
    return await anyio.to_thread.run_sync(_load, file.folder / picture), ended.log


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
