"""One showing of a graphic, and what all templates draw with: lines of text, boxes, and the ways in
which they come and go."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import pysubs2

from mosaic_mcp.studio.render import fonts
from mosaic_mcp.studio.render.ass import (
    eased,
    frames,
    rectangle,
    shape,
    tag_alpha,
    tag_colour,
    ticks,
)
from mosaic_mcp.studio.render.contrast import DARK, LIGHT
from mosaic_mcp.studio.render.fonts import Font
from mosaic_mcp.studio.render.lettering import font_tags
from mosaic_mcp.studio.render.places import Box
from mosaic_mcp.studio.timeline.model import Graphic

PANEL = 0.84
"""Opacity of the dark ground of most graphics."""
COME_MS, GO_MS = 420, 260
RISE = Fraction(32, 100)
"""Seconds in which a line of text rises to its place."""
BACK_LAYER, PANEL_LAYER, MARK_LAYER, TEXT_LAYER = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class Scene:
    """One showing of a graphic: times in seconds of the output."""

    graphic: Graphic
    start: Fraction
    end: Fraction
    cues: tuple[Fraction, ...]
    rate: Fraction
    width: int
    height: int

    @property
    def unit(self) -> float:
        """Pixels for each of a picture whose short side is 1080."""
        return min(self.width, self.height) / 1080

    @property
    def begin(self) -> int:
        """Its start in ms."""
        return ticks(self.start)

    @property
    def over(self) -> int:
        """Its end in ms."""
        return ticks(self.end)

    @property
    def gone(self) -> int:
        """When its texts are gone, in ms: before their ground is."""
        return self.over - min(GO_MS, self.length // 4) // 10 * 10

    @property
    def length(self) -> int:
        """How long it is shown, in ms."""
        return self.over - self.begin

    def text(self, index: int) -> str:
        """One of its texts; empty when it has fewer."""
        return self.graphic.texts[index] if index < len(self.graphic.texts) else ""

    def font(self, weight: str) -> Font:
        """Its family in a weight."""
        return fonts.choose(self.graphic.font, weight, "".join(self.graphic.texts))[0]


@dataclass(frozen=True, slots=True)
class Card:
    """A graphic that knows its size."""

    width: float
    height: float
    draw: Callable[[Box], Iterator[pysubs2.SSAEvent]]


@dataclass(frozen=True, slots=True)
class Text:
    """A text in lines of one size."""

    lines: tuple[str, ...]
    font: Font
    size: float
    colour: str = LIGHT
    leading: float = 1.2

    @property
    def width(self) -> float:
        """Pixels of the widest line."""
        return max((fonts.width_of(self.font, t, self.size) for t in self.lines), default=0.0)

    @property
    def height(self) -> float:
        """Pixels of all lines."""
        return len(self.lines) * self.leading * self.size

    def middle(self, top: float, line: int) -> float:
        """The y of a line, as libass wants it."""
        base = top + (line * self.leading + 0.5 * self.leading + 0.35) * self.size
        return base - (self.font.height / 2 - self.font.descent) * self.size


def fitted(text: str, font: Font, size: float, room: float, most: int, colour: str = LIGHT) -> Text:
    """The text in at most `most` lines of nearly equal length; smaller where it must be."""
    words = text.split()
    while True:
        lines = _wrapped(words, font, size, room)
        widest = max((fonts.width_of(font, t, size) for t in lines), default=0.0)
        if (len(lines) <= most and widest <= room) or size < 4:
            break
        size *= 0.93
    narrow = room
    while narrow > 0.3 * room and len(_wrapped(words, font, size, narrow * 0.95)) == len(lines):
        narrow *= 0.95
        lines = _wrapped(words, font, size, narrow)
    return Text(tuple(lines), font, size, colour)


def _wrapped(words: Sequence[str], font: Font, size: float, room: float) -> list[str]:
    lines: list[str] = []
    for word in words:
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and fonts.width_of(font, longer, size) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def write(
    scene: Scene, text: Text, left: float, top: float, *, delay: int = 0, middle: bool = False
) -> Iterator[pysubs2.SSAEvent]:
    """The lines of a text, one after the other rising to their places.

    `left` is their left edge, or their middle.
    """
    align = 5 if middle else 4
    for number, line in enumerate(text.lines):
        sweep = 220 if scene.graphic.whole else 0
        start = scene.start + Fraction(sweep + delay + 90 * number, 1000)
        here = min(start + RISE, scene.end)
        y = text.middle(top, number)
        foot = top + (number + 1) * text.leading * text.size + 0.08 * text.size
        look = f"\\an{align}{font_tags(text.font, text.size)}\\1c{tag_colour(text.colour)}"
        clip = f"\\clip(0,0,20000,{foot:.0f})"
        settled = ticks(start)
        for begin, settled, u in frames(start, here, scene.rate):
            at = y + (1 - eased(u)) * 0.8 * text.size
            alpha = f"\\1a{tag_alpha(min(1.0, 2 * u))}"
            tags = f"{look}\\pos({left:.1f},{at:.1f}){clip}{alpha}"
            yield pysubs2.SSAEvent(begin, settled, f"{{{tags}}}{line}", layer=TEXT_LAYER)
        if settled < scene.gone:
            tags = f"{look}\\pos({left:.1f},{y:.1f})\\fad(0,160)"
            yield pysubs2.SSAEvent(settled, scene.gone, f"{{{tags}}}{line}", layer=TEXT_LAYER)


def wiped(scene: Scene, box: Box, delay: int = 0, *, upward: bool = False) -> str:
    """Tags that uncover a box from its left (or foot) at the beginning, and back at the end."""
    left, top, right, bottom = (
        int(box.left - 1),
        int(box.top - 1),
        int(box.right + 2),
        int(box.bottom + 2),
    )
    shut = f"{left},{bottom},{right},{bottom}" if upward else f"{left},{top},{left},{bottom}"
    come, go = min(COME_MS, scene.length // 3), min(GO_MS, scene.length // 4)
    return (
        f"\\clip({shut})\\t({delay},{delay + come},0.45,\\clip({left},{top},{right},{bottom}))"
        f"\\t({scene.length - go},{scene.length},2,\\clip({shut}))"
    )


def block(
    scene: Scene, box: Box, colour: str, *, opacity: float = 1.0, radius: float = 0, layer: int
) -> pysubs2.SSAEvent:
    tags = f"\\1c{tag_colour(colour)}\\1a{tag_alpha(opacity)}"
    delay = 0 if layer <= PANEL_LAYER else 80
    drawing = rectangle(box.left, box.top, box.right, box.bottom, radius)
    tags += wiped(scene, box, delay)
    return shape(scene.begin, scene.over, tags, drawing, layer=layer)


def panel(scene: Scene, box: Box, scale: float) -> Iterator[pysubs2.SSAEvent]:
    """The dark ground of a card, unless it covers the picture: then that is its ground."""
    if not scene.graphic.whole:
        radius = 18 * scene.unit * scale
        yield block(scene, box, DARK, opacity=PANEL, radius=radius, layer=PANEL_LAYER)
