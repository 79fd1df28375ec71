"""A number that counts up: the template `number`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

import pysubs2

from mosaic_mcp.studio.render.ass import (
    eased,
    frames,
    rectangle,
    shape,
    tag_alpha,
    tag_colour,
    ticks,
)
from mosaic_mcp.studio.render.contrast import LIGHT
from mosaic_mcp.studio.render.lettering import font_tags
from mosaic_mcp.studio.render.places import Box
from mosaic_mcp.studio.render.scenes import (
    MARK_LAYER,
    PANEL_LAYER,
    TEXT_LAYER,
    Card,
    Scene,
    Text,
    block,
    fitted,
    panel,
    write,
)

COUNT = Fraction(11, 10)
"""Seconds in which a number counts up."""
_NUMBER = re.compile(r"\d+(?:[.,\s]\d{3})*(?:[.,]\d+)?")


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
        yield from panel(scene, box, scale)
        middle, top = (box.left + box.right) / 2, box.top + pad
        yield from _counting(scene, figure, middle, top)
        if share is not None:
            yield from _share_bar(scene, share, middle, top + figure.height + bar / 2, width, u)
        yield from write(scene, label, middle, top + figure.height + bar, delay=260, middle=True)

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
        yield pysubs2.SSAEvent(begin, settled, f"{{{look}{alpha}}}{counted}", layer=TEXT_LAYER)
    if settled < scene.gone:
        yield pysubs2.SSAEvent(
            settled, scene.gone, f"{{{look}\\fad(0,160)}}{text}", layer=TEXT_LAYER
        )


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
    yield block(scene, track, LIGHT, opacity=0.22, radius=thick, layer=PANEL_LAYER + 1)
    right = track.left + width * float(share)
    fill = rectangle(track.left, track.top, right, track.bottom, thick)
    left, top, bottom = int(track.left - 1), int(track.top - 1), int(track.bottom + 2)
    ms = int(COUNT * 1000)
    tags = (
        f"\\1c{tag_colour(scene.graphic.color)}\\clip({left},{top},{left},{bottom})"
        f"\\t(100,{ms + 100},0.45,\\clip({left},{top},{int(right + 2)},{bottom}))\\fad(0,160)"
    )
    yield shape(scene.begin, scene.gone, tags, fill, layer=MARK_LAYER)
