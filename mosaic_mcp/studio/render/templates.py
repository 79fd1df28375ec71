"""What each kind of graphic looks like, and how it comes and goes.

A template measures its texts within a room and answers a card: its size, and how to draw it at a
place. Sizes are in pixels of a picture whose short side is 1080, times the scale.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import pysubs2

from mosaic_mcp.studio.render import fonts
from mosaic_mcp.studio.render.ass import (
    eased,
    frames,
    rectangle,
    scaled,
    shape,
    tag_alpha,
    tag_colour,
    ticks,
)
from mosaic_mcp.studio.render.contrast import DARK, LIGHT, readable_on
from mosaic_mcp.studio.render.fonts import Font
from mosaic_mcp.studio.render.lettering import font_tags
from mosaic_mcp.studio.render.places import Box
from mosaic_mcp.studio.timeline.model import Graphic

PANEL = 0.84
"""Opacity of the dark ground of most graphics."""
SOFT = "#D9DCE3"
"""Of texts that matter less."""
COME_MS, GO_MS = 420, 260
RISE = Fraction(32, 100)
"""Seconds in which a line of text rises to its place."""
COUNT = Fraction(11, 10)
"""Seconds in which a number counts up."""
SEGMENT = Fraction(10)
"""A progress bar is drawn in stretches of this many seconds: a part of a long picture knows only
what began shortly before it."""
_BACK, _PANEL, _MARK, _TEXT = 0, 1, 2, 3
_NUMBER = re.compile(r"\d+(?:[.,\s]\d{3})*(?:[.,]\d+)?")


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


def _write(
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
            yield pysubs2.SSAEvent(begin, settled, f"{{{tags}}}{line}", layer=_TEXT)
        if settled < scene.gone:
            tags = f"{look}\\pos({left:.1f},{y:.1f})\\fad(0,160)"
            yield pysubs2.SSAEvent(settled, scene.gone, f"{{{tags}}}{line}", layer=_TEXT)


def _wiped(scene: Scene, box: Box, delay: int = 0, *, upward: bool = False) -> str:
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


def _box(
    scene: Scene, box: Box, colour: str, *, opacity: float = 1.0, radius: float = 0, layer: int
) -> pysubs2.SSAEvent:
    tags = f"\\1c{tag_colour(colour)}\\1a{tag_alpha(opacity)}"
    delay = 0 if layer <= _PANEL else 80
    drawing = rectangle(box.left, box.top, box.right, box.bottom, radius)
    tags += _wiped(scene, box, delay)
    return shape(scene.begin, scene.over, tags, drawing, layer=layer)


def _panel(scene: Scene, box: Box, scale: float) -> Iterator[pysubs2.SSAEvent]:
    """The dark ground of a card, unless it covers the picture: then that is its ground."""
    if not scene.graphic.whole:
        radius = 18 * scene.unit * scale
        yield _box(scene, box, DARK, opacity=PANEL, radius=radius, layer=_PANEL)


def lower_third(scene: Scene, room: Box, scale: float) -> Card:
    """A name over a role, behind a bar."""
    u = scene.unit * scale
    limit = min(room.width, 900 * u) - 76 * u
    name = fitted(scene.text(0), scene.font("700"), 54 * u, limit, 2)
    role = fitted(scene.text(1), scene.font("400"), 34 * u, limit, 2, SOFT)
    gap = 4 * u if role.lines else 0
    height = name.height + gap + role.height + 40 * u

    def draw(box: Box) -> Iterator[pysubs2.SSAEvent]:
        bar = Box(box.left, box.top, box.left + 12 * u, box.bottom)
        yield _box(scene, box, DARK, opacity=PANEL, layer=_PANEL)
        yield _box(scene, bar, scene.graphic.color, layer=_MARK)
        left, top = box.left + 40 * u, box.top + 20 * u
        yield from _write(scene, name, left, top, delay=160)
        yield from _write(scene, role, left, top + name.height + gap, delay=280)

    return Card(max(name.width, role.width) + 76 * u, height, draw)


def title(scene: Scene, room: Box, scale: float) -> Card:
    """A large title over a line, and what stands below it."""
    u = scene.unit * scale
    pad = 0.0 if scene.graphic.whole else 56 * u
    head = fitted(scene.text(0), scene.font("900"), 104 * u, room.width - 2 * pad, 3)
    below = fitted(scene.text(1), scene.font("400"), 44 * u, room.width - 2 * pad, 2, SOFT)
    rule = 44 * u
    height = head.height + rule + below.height + 2 * pad

    def draw(box: Box) -> Iterator[pysubs2.SSAEvent]:
        yield from _panel(scene, box, scale)
        middle, top = (box.left + box.right) / 2, box.top + pad
        yield from _write(scene, head, middle, top, delay=140, middle=True)
        half, y = min(90 * u, head.width / 2), top + head.height + rule / 2
        line = Box(middle - half, y - 4 * u, middle + half, y + 4 * u)
        yield _box(scene, line, scene.graphic.color, radius=4 * u, layer=_MARK)
        yield from _write(scene, below, middle, y + rule / 2, delay=360, middle=True)

    return Card(max(head.width, below.width, 180 * u) + 2 * pad, height, draw)


def chapter(scene: Scene, room: Box, scale: float) -> Card:
    """A number in a box, and the chapter's title beside it."""
    u = scene.unit * scale
    number = fitted(scene.text(0), scene.font("900"), 46 * u, 200 * u, 1)
    mark = max(84 * u, number.width + 40 * u)
    name = fitted(
        scene.text(1), scene.font("700"), 42 * u, min(room.width, 860 * u) - mark - 60 * u, 2
    )
    height = max(84 * u, name.height + 32 * u)
    ink = readable_on(scene.graphic.color)

    def draw(box: Box) -> Iterator[pysubs2.SSAEvent]:
        square = Box(box.left, box.top, box.left + mark, box.bottom)
        yield _box(scene, box, DARK, opacity=PANEL, layer=_PANEL)
        yield _box(scene, square, scene.graphic.color, layer=_MARK)
        middle = (box.top + box.bottom) / 2
        inked = Text(number.lines, number.font, number.size, ink)
        top = middle - number.height / 2
        yield from _write(scene, inked, box.left + mark / 2, top, delay=120, middle=True)
        yield from _write(scene, name, square.right + 28 * u, middle - name.height / 2, delay=200)

    return Card(mark + name.width + 60 * u, height, draw)


def call_out(scene: Scene, room: Box, scale: float) -> Card:
    """A few words on a patch of colour that springs up."""
    u = scene.unit * scale
    ink = readable_on(scene.graphic.color)
    words = fitted(
        scene.text(0), scene.font("700"), 56 * u, min(room.width, 640 * u) - 88 * u, 3, ink
    )

    def draw(box: Box) -> Iterator[pysubs2.SSAEvent]:
        x, y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
        out = scene.length - 160
        spring = (
            f"{scaled(0.5)}\\t(0,140,0.6,{scaled(1.07)})\\t(140,240,{scaled(1)})"
            f"\\t({out},{scene.length},{scaled(0.8)})\\fad(90,140)"
        )
        drawing = rectangle(-box.width / 2, -box.height / 2, box.width / 2, box.height / 2, 28 * u)
        colour = tag_colour(scene.graphic.color)
        yield shape(
            scene.begin, scene.over, f"\\1c{colour}{spring}", drawing, layer=_PANEL, x=x, y=y
        )
        for number, line in enumerate(words.lines):
            look = f"{font_tags(words.font, words.size)}\\1c{tag_colour(ink)}{spring}"
            tags = f"\\an5\\pos({x:.1f},{words.middle(box.top + 30 * u, number):.1f}){look}"
            yield pysubs2.SSAEvent(scene.begin, scene.over, f"{{{tags}}}{line}", layer=_TEXT)

    return Card(words.width + 88 * u, words.height + 60 * u, draw)


def quote(scene: Scene, room: Box, scale: float) -> Card:
    """Words worth remembering, behind a quotation mark."""
    u = scene.unit * scale
    pad = 44 * u
    limit = room.width if scene.graphic.whole else min(room.width, 760 * u)
    serif = fonts.choose("Besley", "700", "".join(scene.graphic.texts))[0]
    words = fitted(scene.text(0), serif, 60 * u, limit - 2 * pad, 5)
    mark = Text(("“",), serif, 150 * u, scene.graphic.color)
    lift = 84 * u

    def draw(box: Box) -> Iterator[pysubs2.SSAEvent]:
        yield from _panel(scene, box, scale)
        left = box.left + pad
        yield from _write(scene, mark, left - 6 * u, box.top + 6 * u, delay=80)
        yield from _write(scene, words, left, box.top + pad + lift, delay=200)

    return Card(max(words.width, 200 * u) + 2 * pad, words.height + lift + 2 * pad, draw)


def number(scene: Scene, room: Box, scale: float) -> Card:
    """A number that counts up, and what it counts; a share also as a bar."""
    u = scene.unit * scale
    pad = 44 * u
    limit = (room.width if scene.graphic.whole else min(room.width, 720 * u)) - 2 * pad
    figure = fitted(scene.text(0), scene.font("900"), 168 * u, limit, 1, scene.graphic.color)
    label = fitted(scene.text(1), scene.font("700"), 44 * u, limit, 2)
    share = _share(scene.text(0))
    bar = 0.0 if share is None else 48 * u
    width = max(figure.width, label.width, 300 * u)

    def draw(box: Box) -> Iterator[pysubs2.SSAEvent]:
        yield from _panel(scene, box, scale)
        middle, top = (box.left + box.right) / 2, box.top + pad
        yield from _counting(scene, figure, middle, top)
        if share is not None:
            yield from _share_bar(scene, share, middle, top + figure.height + bar / 2, width, u)
        yield from _write(scene, label, middle, top + figure.height + bar, delay=260, middle=True)

    return Card(width + 2 * pad, figure.height + bar + label.height + 2 * pad, draw)


def _share(text: str) -> Fraction | None:
    """The share that "40%" or "40 percent" stands for, 0..1."""
    found = re.fullmatch(r"(\d+(?:[.,]\d+)?)\s*(?:%|percent)", text, re.IGNORECASE)
    value = Fraction(found[1].replace(",", ".")) / 100 if found else None
    return value if value is not None and value <= 1 else None


def _counting(scene: Scene, figure: Text, x: float, top: float) -> Iterator[pysubs2.SSAEvent]:
    """The figure from zero to its value, in its own form."""
    text = figure.lines[0] if figure.lines else ""
    y = figure.middle(top, 0)
    look = (
        f"\\an5\\pos({x:.1f},{y:.1f}){font_tags(figure.font, figure.size)}"
        f"\\1c{tag_colour(figure.colour)}"
    )
    start = scene.start + Fraction(1, 10)
    settled = ticks(start)
    for begin, settled, u in frames(start, min(start + COUNT, scene.end), scene.rate):
        alpha = f"\\1a{tag_alpha(min(1.0, 4 * u))}"
        counted = counted_to(text, eased(u))
        yield pysubs2.SSAEvent(begin, settled, f"{{{look}{alpha}}}{counted}", layer=_TEXT)
    if settled < scene.gone:
        yield pysubs2.SSAEvent(settled, scene.gone, f"{{{look}\\fad(0,160)}}{text}", layer=_TEXT)


def counted_to(text: str, share: float) -> str:
    """The text with its number at a share of its way from zero, written alike: "$1,200" """
    found = _NUMBER.search(text)
    if found is None or share >= 1:
        return text
    shown = found.group()
    decimal = re.search(r"[.,](\d+)$", shown)
    places = len(decimal[1]) if decimal and len(decimal[1]) != 3 else 0
    grouping = next((c for c in shown[: len(shown) - places - 1] if not c.isdigit()), "")
    digits = int("".join(c for c in shown if c.isdigit()))
    value = f"{int(digits * share):0{places + 1}d}"
    whole, rest = (value[:-places], value[-places:]) if places else (value, "")
    if grouping:
        whole = f"{int(whole):,}".replace(",", grouping)
    point = shown[-places - 1] if places else ""
    return f"{text[: found.start()]}{whole}{point}{rest}{text[found.end() :]}"


def _share_bar(
    scene: Scene, share: Fraction, x: float, y: float, width: float, u: float
) -> Iterator[pysubs2.SSAEvent]:
    half, thick = width / 2, 8 * u
    track = Box(x - half, y - thick, x + half, y + thick)
    yield _box(scene, track, LIGHT, opacity=0.22, radius=thick, layer=_PANEL + 1)
    right = track.left + width * float(share)
    fill = rectangle(track.left, track.top, right, track.bottom, thick)
    left, top, bottom = int(track.left - 1), int(track.top - 1), int(track.bottom + 2)
    ms = int(COUNT * 1000)
    tags = (
        f"\\1c{tag_colour(scene.graphic.color)}\\clip({left},{top},{left},{bottom})"
        f"\\t(100,{ms + 100},0.45,\\clip({left},{top},{int(right + 2)},{bottom}))\\fad(0,160)"
    )
    yield shape(scene.begin, scene.gone, tags, fill, layer=_MARK)


def points(scene: Scene, room: Box, scale: float) -> Card:
    """A heading and points, each at its time."""
    u = scene.unit * scale
    pad, gap, indent = 44 * u, 18 * u, 78 * u
    limit = (room.width if scene.graphic.whole else min(room.width, 760 * u)) - 2 * pad
    heading = fitted(scene.text(0), scene.font("900"), 54 * u, limit, 2)
    rows = [
        fitted(text, scene.font("700"), 44 * u, limit - indent, 2)
        for text in scene.graphic.texts[1:]
    ]
    head = heading.height + (16 * u if heading.lines else 0)
    height = head + sum(row.height + gap for row in rows) - gap + 2 * pad
    width = max([heading.width, *(row.width + indent for row in rows)]) + 2 * pad
    ink = readable_on(scene.graphic.color)

    def draw(box: Box) -> Iterator[pysubs2.SSAEvent]:
        yield from _panel(scene, box, scale)
        left, top = box.left + pad, box.top + pad
        yield from _write(scene, heading, left, top, delay=120)
        top += head
        for index, row in enumerate(rows):
            cue = scene.cues[index] if index < len(scene.cues) else scene.start
            delay = max(ticks(cue) - scene.begin, 300 + 120 * index)
            yield from _disc(scene, index + 1, left + 26 * u, top + row.height / 2, u, ink, delay)
            yield from _write(scene, row, left + indent, top, delay=delay)
            top += row.height + gap

    return Card(width, height, draw)


def _disc(
    scene: Scene, count: int, x: float, y: float, u: float, ink: str, delay: int
) -> Iterator[pysubs2.SSAEvent]:
    """A point's number in a disc that springs up."""
    begin = scene.begin + delay
    if begin >= scene.gone:
        return
    radius = 26 * u
    spring = f"{scaled(0.1)}\\t(0,160,0.6,{scaled(1.15)})\\t(160,240,{scaled(1)})\\fad(40,160)"
    disc = rectangle(-radius, -radius, radius, radius, radius)
    tags = f"\\1c{tag_colour(scene.graphic.color)}{spring}"
    yield shape(begin, scene.gone, tags, disc, layer=_MARK, x=x, y=y)
    text = Text((str(count),), scene.font("700"), 32 * u, ink)
    at = f"\\an5\\pos({x:.1f},{text.middle(y - text.height / 2, 0):.1f})"
    tags = f"{at}{font_tags(text.font, text.size)}\\1c{tag_colour(ink)}{spring}"
    yield pysubs2.SSAEvent(begin, scene.gone, f"{{{tags}}}{count}", layer=_TEXT)


def backdrop(scene: Scene) -> Iterator[pysubs2.SSAEvent]:
    """The ground of a card that covers the picture: colour sweeps over it, then the dark."""
    whole = Box(0, 0, scene.width, scene.height)
    drawing = rectangle(0, 0, scene.width, scene.height)
    for number, colour in enumerate((scene.graphic.color, DARK)):
        tags = f"\\1c{tag_colour(colour)}{_wiped(scene, whole, 110 * number)}"
        yield shape(scene.begin, scene.over, tags, drawing, layer=_BACK + number)


def progress(scene: Scene) -> Iterator[pysubs2.SSAEvent]:
    """A bar that fills while the video lasts: at the foot, on tall pictures at the head."""
    thick = 10 * scene.unit
    top = 0.0 if scene.height > scene.width else scene.height - thick
    track = rectangle(0, top, scene.width, top + thick)
    start = scene.start
    while start < scene.end:
        end = min(start + SEGMENT, scene.end)
        before, after = (float((t - scene.start) / (scene.end - scene.start)) for t in (start, end))
        begin, over = ticks(start), ticks(end)
        yield shape(begin, over, f"\\1c{tag_colour(LIGHT)}\\1a{tag_alpha(0.28)}", track)
        bottom = int(top + thick + 2)
        tags = (
            f"\\1c{tag_colour(scene.graphic.color)}"
            f"\\clip(0,{int(top)},{round(before * scene.width)},{bottom})"
            f"\\t(0,{over - begin},\\clip(0,{int(top)},{round(after * scene.width)},{bottom}))"
        )
        yield shape(begin, over, tags, track, layer=_MARK)
        start = end


TEMPLATES: Mapping[str, Callable[[Scene, Box, float], Card]] = {
    "title": title,
    "chapter": chapter,
    "lower-third": lower_third,
    "call-out": call_out,
    "quote": quote,
    "number": number,
    "list": points,
}
"""All kinds but `progress`, which has its place."""
