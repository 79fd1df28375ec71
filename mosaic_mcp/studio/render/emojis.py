"""Emojis in colour: libass cannot draw colour fonts, but it can draw a pile of filled shapes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pysubs2

from mosaic_mcp.studio.render.ass import scaled, shape, tag_alpha, tag_colour

FOLDER = Path(__file__).parent.parent / "emojis"
WORDS = FOLDER / "words.txt"
"""Which words an emoji stands for."""
UNITS = 32
"""Coordinates of the artwork are in this part of a unit; an emoji is 36 units wide and high."""
_SIDE = 36 * UNITS
_FIRST_LAYER = 5
"""Above the words."""


@cache
def artwork() -> dict[str, list[tuple[str, float, str]]]:
    """Every emoji that we ship: the colour, opacity and outline of its shapes, from below."""
    return json.loads((FOLDER / "artwork.json").read_text("utf-8"))


def events(
    emoji: str, start: int, end: int, x: float, y: float, size: float
) -> Iterator[pysubs2.SSAEvent]:
    """The emoji around (x, y), `size` pixels high, springing up at `start` until `end` ms."""
    full = size / _SIDE
    spring = (
        f"{scaled(0.2 * full)}\\t(0,140,0.6,{scaled(1.2 * full)})\\t(140,230,{scaled(0.94 * full)})"
        f"\\t(230,300,{scaled(full)})"
    )
    for number, (colour, opacity, outline) in enumerate(artwork()[emoji]):
        tags = f"\\1c{tag_colour(colour)}\\1a{tag_alpha(opacity)}{spring}\\fad(40,90)"
        yield shape(start, end, tags, outline, layer=_FIRST_LAYER + number, x=x, y=y)
