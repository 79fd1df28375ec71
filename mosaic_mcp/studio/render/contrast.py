"""Colours that can be read: contrast as WCAG 2.2 measures it, and ways to reach it."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

READABLE = 3.0
"""Contrast from which large letters can be read (WCAG 2.2, success criterion 1.4.3)."""
LIGHT, DARK = "#FFFFFF", "#0B0B0F"
Rgb = tuple[float, float, float]


def rgb(colour: str) -> Rgb:
    """`#RRGGBB` as three shares, 0..1."""
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue


def hexed(colour: Sequence[float]) -> str:
    """Three shares, 0..1, as `#RRGGBB`."""
    return "#" + "".join(f"{round(255 * min(max(c, 0.0), 1.0)):02X}" for c in colour)


def luminance(colour: Sequence[float]) -> float:
    """Relative luminance of sRGB shares, 0..1."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: Sequence[float], other: Sequence[float]) -> float:
    """1 for equal colours to 21 for black and white."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def readable_on(colour: str) -> str:
    """Dark or light, whichever can be read better on a colour."""
    return max((LIGHT, DARK), key=lambda ink: contrast(rgb(ink), rgb(colour)))


def toned(hue: float, saturation: float, *grounds: Sequence[float], light: bool) -> str:
    """The most vivid colour of that hue (0..1) that can be read on all `grounds`.

    Lighter than they are, or darker; white or black where no tone is enough.
    """
    lightness = 0.6 if light else 0.4
    while 0.02 < lightness < 0.98:
        colour = colorsys.hls_to_rgb(hue, lightness, saturation)
        if all(contrast(colour, ground) >= READABLE for ground in grounds):
            return hexed(colour)
        lightness += 0.02 if light else -0.02
    return LIGHT if light else DARK
