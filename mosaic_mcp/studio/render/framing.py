"""Where the crop is in each frame: the path of a reframe, as commands for FFmpeg's crop."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from fractions import Fraction

from mosaic_mcp.studio.timeline.edit import even
from mosaic_mcp.studio.timeline.model import CropKey, Source


def crop_size(source: Source, width: int, height: int) -> tuple[int, int]:
    """The largest part of the source with the canvas' shape, in even pixels of the source."""
    if source.width * height > source.height * width:
        return even(source.height * width // height), even(source.height)
    return even(source.width), even(source.width * height // width)


def centre(keys: Sequence[CropKey], time: Fraction) -> tuple[float, float]:
    """The crop's centre at a time of the source, in fractions of the picture.

    Between two keys it eases (smoothstep); before a key that cuts it stays where it was.
    """
    if not keys:
        return 0.5, 0.5
    index = bisect.bisect_right(keys, time, key=lambda k: k.time) - 1
    if index < 0:
        return keys[0].x, keys[0].y
    here = keys[index]
    following = keys[index + 1] if index + 1 < len(keys) else None
    if following is None or following.cut:
        return here.x, here.y
    u = float((time - here.time) / (following.time - here.time))
    u = u * u * (3 - 2 * u)
    return here.x + (following.x - here.x) * u, here.y + (following.y - here.y) * u


def corner(
    keys: Sequence[CropKey], time: Fraction, source: Source, size: tuple[int, int]
) -> tuple[int, int]:
    """The crop's upper left corner, to the pixel, inside the picture."""
    x, y = centre(keys, time)
    width, height = size
    left = min(max(x * source.width - width / 2, 0), source.width - width)
    top = min(max(y * source.height - height / 2, 0), source.height - height)
    return round(left), round(top)


def crop_commands(
    times: Sequence[Fraction],
    rate: Fraction,
    keys: Sequence[CropKey],
    source: Source,
    size: tuple[int, int],
    name: str,
) -> tuple[tuple[int, int], str]:
    """The first corner, and sendcmd lines that move the crop called `name`.

    `times` are the source times of the frames, in output order at `rate`. A command is due half a
    frame early, so that it is in force when its frame arrives.
    """
    start = corner(keys, times[0], source, size) if times else (0, 0)
    x, y = start
    lines: list[str] = []
    for number, time in enumerate(times):
        new_x, new_y = corner(keys, time, source, size)
        due = max(float((number - Fraction(1, 2)) / rate), 0.0)
        if new_x != x:
            lines.append(f"{due:.6f} {name} x {new_x};")
        if new_y != y:
            lines.append(f"{due:.6f} {name} y {new_y};")
        x, y = new_x, new_y
    return start, "\n".join(lines) + "\n"
