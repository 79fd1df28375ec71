"""The small words of ASS: times, colours, shapes, and text that is nothing but text."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from fractions import Fraction

import pysubs2


def clean(text: str) -> str:
    """Text without anything that ASS would obey (tags, escapes, line breaks) or that is unseen."""
    text = text.replace("{", "(").replace("}", ")").replace("\\", "/")
    kept = (" " if unicodedata.category(c) == "Cc" else c for c in text)
    return " ".join("".join(c for c in kept if unicodedata.category(c) != "Cf").split())


def ticks(time: Fraction) -> int:
    """Milliseconds, rounded down to the hundredths that ASS knows.

    Down, so that what begins or ends with a frame does so on that frame and not on the next: a
    frame is longer than the rounding.
    """
    return int(time * 100) * 10


def style_colour(colour: str) -> pysubs2.Color:
    """`#RRGGBB` for a style."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return pysubs2.Color(red, green, blue)


def tag_colour(colour: str) -> str:
    """`#RRGGBB` as ASS writes it in a tag: &HBBGGRR&."""
    return f"&H{colour[5:7]}{colour[3:5]}{colour[1:3]}&".upper()


def tag_alpha(opacity: float) -> str:
    """An opacity 0..1 as ASS writes it in a tag: 00 is solid, FF unseen."""
    return f"&H{round(255 * (1 - min(max(opacity, 0.0), 1.0))):02X}&"


def scaled(factor: float) -> str:
    """Tags that draw everything larger or smaller."""
    return f"\\fscx{100 * factor:.2f}\\fscy{100 * factor:.2f}"


def rectangle(left: float, top: float, right: float, bottom: float, radius: float = 0.0) -> str:
    """A drawing of a box, round at the corners, in pixels from the event's position."""
    r = max(0.0, min(radius, (right - left) / 2, (bottom - top) / 2))
    if r < 0.5:
        return _drawn("m", left, top, "l", right, top, right, bottom, left, bottom)
    k = r * 0.4477  # what is left of the radius where a curve stands for a quarter of a circle
    return _drawn(
        *("m", left + r, top, "l", right - r, top),
        *("b", right - k, top, right, top + k, right, top + r, "l", right, bottom - r),
        *("b", right, bottom - k, right - k, bottom, right - r, bottom, "l", left + r, bottom),
        *("b", left + k, bottom, left, bottom - k, left, bottom - r, "l", left, top + r),
        *("b", left, top + k, left + k, top, left + r, top),
    )


def _drawn(*parts: str | float) -> str:
    return " ".join(part if isinstance(part, str) else f"{part:.1f}" for part in parts)


def shape(
    start: int, end: int, tags: str, drawing: str, *, layer: int = 0, x: float = 0, y: float = 0
) -> pysubs2.SSAEvent:
    """An event that draws a shape from `start` until `end` ms, its origin at (x, y)."""
    tags = f"\\an7\\pos({x:.1f},{y:.1f})\\bord0\\shad0{tags}\\p1"
    return pysubs2.SSAEvent(start, end, f"{{{tags}}}{drawing}", layer=layer)


def eased(u: float) -> float:
    """How far a movement is that begins fast and ends softly, 0..1 for 0..1 of its time."""
    return 1 - (1 - min(max(u, 0.0), 1.0)) ** 3


def frames(start: Fraction, end: Fraction, rate: Fraction) -> Iterator[tuple[int, int, float]]:
    """Every frame that begins in [start, end) seconds: its begin and end in ms, and 0..1.

    For what ASS cannot animate by itself: an event for each frame is as smooth as the video.
    """
    first, last = -int(-start * rate // 1), -int(-end * rate // 1)
    for number in range(first, last):
        share = (number + 1 - first) / (last - first)
        yield ticks(number / rate), ticks((number + 1) / rate), share
