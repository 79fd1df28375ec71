"""What each kind of graphic looks like.

A template measures its texts within a room and answers a card: its size, and how to draw it at a
place. Sizes are in pixels of a picture whose short side is 1080, times the scale.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction

import pysubs2

from mosaic_mcp.studio.render import fonts
from mosaic_mcp.studio.render.ass import rectangle, scaled, shape, tag_alpha, tag_colour, ticks
from mosaic_mcp.studio.render.contrast import DARK, LIGHT, readable_on
from mosaic_mcp.studio.render.counting import number
from mosaic_mcp.studio.render.lettering import font_tags
from mosaic_mcp.studio.render.places import Box
from mosaic_mcp.studio.render.scenes import (
    BACK_LAYER,
    MARK_LAYER,
    PANEL,
    PANEL_LAYER,
    TEXT_LAYER,
    Card,
    Scene,
    Text,
    block,
    fitted,
    panel,
    wiped,
    write,
)

SOFT = "#D9DCE3"
"""Of texts that matter less."""
SEGMENT = Fraction(10)
"""A progress bar is drawn in stretches of this many seconds: a part of a long picture knows only
what began shortly before it."""


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
        yield block(scene, box, DARK, opacity=PANEL, layer=PANEL_LAYER)
        yield block(scene, bar, scene.graphic.color, layer=MARK_LAYER)
        left, top = box.left + 40 * u, box.top + 20 * u
        yield from write(scene, name, left, top, delay=160)
        yield from write(scene, role, left, top + name.height + gap, delay=280)

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
        yield from panel(scene, box, scale)
        middle, top = (box.left + box.right) / 2, box.top + pad
        yield from write(scene, head, middle, top, delay=140, middle=True)
        half, y = min(90 * u, head.width / 2), top + head.height + rule / 2
        line = Box(middle - half, y - 4 * u, middle + half, y + 4 * u)
        yield block(scene, line, scene.graphic.color, radius=4 * u, layer=MARK_LAYER)
        yield from write(scene, below, middle, y + rule / 2, delay=360, middle=True)

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
        yield block(scene, box, DARK, opacity=PANEL, layer=PANEL_LAYER)
        yield block(scene, square, scene.graphic.color, layer=MARK_LAYER)
        middle = (box.top + box.bottom) / 2
        inked = Text(number.lines, number.font, number.size, ink)
        top = middle - number.height / 2
        yield from write(scene, inked, box.left + mark / 2, top, delay=120, middle=True)
        yield from write(scene, name, square.right + 28 * u, middle - name.height / 2, delay=200)

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
            scene.begin, scene.over, f"\\1c{colour}{spring}", drawing, layer=PANEL_LAYER, x=x, y=y
        )
        for row, line in enumerate(words.lines):
            look = f"{font_tags(words.font, words.size)}\\1c{tag_colour(ink)}{spring}"
            tags = f"\\an5\\pos({x:.1f},{words.middle(box.top + 30 * u, row):.1f}){look}"
            yield pysubs2.SSAEvent(scene.begin, scene.over, f"{{{tags}}}{line}", layer=TEXT_LAYER)

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
        yield from panel(scene, box, scale)
        left = box.left + pad
        yield from write(scene, mark, left - 6 * u, box.top + 6 * u, delay=80)
        yield from write(scene, words, left, box.top + pad + lift, delay=200)

    return Card(max(words.width, 200 * u) + 2 * pad, words.height + lift + 2 * pad, draw)


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
        yield from panel(scene, box, scale)
        left, top = box.left + pad, box.top + pad
        yield from write(scene, heading, left, top, delay=120)
        top += head
        for index, row in enumerate(rows):
            cue = scene.cues[index] if index < len(scene.cues) else scene.start
            delay = max(ticks(cue) - scene.begin, 300 + 120 * index)
            yield from _disc(scene, index + 1, left + 26 * u, top + row.height / 2, u, ink, delay)
            yield from write(scene, row, left + indent, top, delay=delay)
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
    yield shape(begin, scene.gone, tags, disc, layer=MARK_LAYER, x=x, y=y)
    text = Text((str(count),), scene.font("700"), 32 * u, ink)
    at = f"\\an5\\pos({x:.1f},{text.middle(y - text.height / 2, 0):.1f})"
    tags = f"{at}{font_tags(text.font, text.size)}\\1c{tag_colour(ink)}{spring}"
    yield pysubs2.SSAEvent(begin, scene.gone, f"{{{tags}}}{count}", layer=TEXT_LAYER)


def backdrop(scene: Scene) -> Iterator[pysubs2.SSAEvent]:
    """The ground of a card that covers the picture: colour sweeps over it, then the dark."""
    whole = Box(0, 0, scene.width, scene.height)
    drawing = rectangle(0, 0, scene.width, scene.height)
    for above, colour in enumerate((scene.graphic.color, DARK)):
        tags = f"\\1c{tag_colour(colour)}{wiped(scene, whole, 110 * above)}"
        yield shape(scene.begin, scene.over, tags, drawing, layer=BACK_LAYER + above)


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
        yield shape(begin, over, tags, track, layer=MARK_LAYER)
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
