"""Graphics over the picture: when each is shown, and where there is room for it.

What they look like is in `templates`. A graphic stands in the safe area, off captions, faces and
other graphics as far as there is room; one that covers the picture leaves captions their place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import product

import pysubs2

from mosaic_mcp.studio.render import fonts
from mosaic_mcp.studio.render.ass import clean
from mosaic_mcp.studio.render.phrases import Drawn
from mosaic_mcp.studio.render.places import (
    Box,
    Taken,
    at_place,
    body_of,
    faces_seen,
    freest,
    in_use,
    safe_area,
)
from mosaic_mcp.studio.render.scenes import Card, Scene
from mosaic_mcp.studio.render.templates import TEMPLATES, backdrop, progress
from mosaic_mcp.studio.timeline.edit import shown, to_output
from mosaic_mcp.studio.timeline.model import Graphic, Place, Timeline

BRIEFEST = Fraction(7, 10)
"""Seconds: what cuts leave of a graphic is not shown when it is shorter; nobody could read it."""
GAP = 0.02
"""Room between a graphic and what is beside it, as a share of the picture's short side."""
SCALES = (1.0, 0.85, 0.7)
"""Sizes that are tried where a larger one finds no room."""
WHOLE_LAYER = 10
"""Graphics that cover the picture are drawn above the others."""

WISHED: dict[str, tuple[Place, ...]] = {
    "title": ("center", "top", "bottom"),
    "chapter": ("top-left", "top-right", "bottom-left"),
    "lower-third": ("bottom-left", "bottom-right", "left", "top-left"),
    "call-out": ("top-right", "top-left", "right", "left", "top", "bottom"),
    "quote": ("right", "left", "top", "bottom", "center"),
    "number": ("right", "left", "top-right", "top-left", "top", "bottom"),
    "list": ("right", "left", "top", "bottom", "center"),
}
"""Where a graphic stands, best first."""
BESIDE = frozenset({"call-out", "quote", "number", "list"})
"""What stands beside who speaks where there is room: on the chest it is in the way, though it
leaves the face free."""
COLUMN = 0.22
"""Share of the width that is room enough beside somebody."""
CHEST = 0.3
"""What a pixel of a body counts for that is covered, against one of a face or of a caption."""


def drawn(timeline: Timeline, taken: Sequence[Taken]) -> Drawn:
    """The timeline's graphics as events; `taken` is where captions stand."""
    style = pysubs2.SSAStyle(outline=0, shadow=0, alignment=pysubs2.Alignment.MIDDLE_CENTER)
    result = Drawn(style)
    notes: dict[str, None] = {}
    used = list(taken)
    for graphic in timeline.graphics:
        texts = tuple(clean(text) for text in graphic.texts)
        _, note = fonts.choose(graphic.font, "700", "".join(texts))
        notes[note] = None
        for start, end in showings(timeline, graphic):
            scene = Scene(
                graphic=graphic.model_copy(update={"texts": texts}),
                start=start,
                end=end,
                cues=tuple(_cues(timeline, graphic, start, end)),
                rate=timeline.frame_rate,
                width=timeline.width,
                height=timeline.height,
            )
            if graphic.kind == "progress":
                result.events += progress(scene)
            elif graphic.whole:
                result.events += _covering(scene, in_use(taken, start, end))
            else:
                box, card = _placed(scene, timeline, used)
                used.append(Taken(start, end, box.grown(_gap(scene))))
                result.events += card.draw(box)
    result.note = " ".join(note for note in notes if note)
    return result


def showings(timeline: Timeline, graphic: Graphic) -> list[tuple[Fraction, Fraction]]:
    """When a graphic is shown in the output."""
    if graphic.over is None:
        return [(Fraction(0), timeline.duration)]
    return [(a, b) for a, b in shown(timeline, graphic.over) if b - a >= BRIEFEST]


def _cues(
    timeline: Timeline, graphic: Graphic, start: Fraction, end: Fraction
) -> Iterator[Fraction]:
    """When each point appears, in output time; one whose moment was cut away is there at once."""
    for cue in graphic.cues:
        source = graphic.over.source if graphic.over else ""
        moments = [t for t in to_output(timeline, source, cue) if start <= t < end]
        yield moments[0] if moments else start


def _gap(scene: Scene) -> float:
    return GAP * min(scene.width, scene.height)


def _placed(scene: Scene, timeline: Timeline, taken: Sequence[Taken]) -> tuple[Box, Card]:
    """The largest card that finds a free place, or the place that covers least."""
    area = safe_area(scene.width, scene.height)
    captions = in_use(taken, scene.start, scene.end)
    faces = faces_seen(timeline, scene.start, scene.end)
    used = [*captions, *faces]
    beside = scene.graphic.kind in BESIDE and scene.graphic.place == "auto"
    bodies = [body_of(face, scene.height) for face in faces] if beside else []
    best: tuple[float, Box, Card] | None = None
    for scale, room in product(SCALES, [area, *(_columns(area, faces, scene) if beside else ())]):
        card = TEMPLATES[scene.graphic.kind](scene, room, scale)
        boxes = list(_candidates(scene, card, room, captions))
        box = boxes[freest(boxes, [*used, *bodies])]
        covered = sum(box.shared(other) for other in used)
        covered += CHEST * max((box.shared(body) for body in bodies), default=0.0)
        covered += max(0.0, card.height - room.height) * card.width
        covered += max(0.0, card.width - room.width) * card.height
        if best is None or covered < best[0]:
            best = (covered, box, card)
        if covered < 4:
            break
    assert best is not None  # noqa: S101 - there are scales
    return best[1], best[2]


def _columns(area: Box, faces: Sequence[Box], scene: Scene) -> Iterator[Box]:
    """What is free beside the faces, right and left, where it is wide enough for a graphic."""
    if not faces:
        return
    left = Box(area.left, area.top, min(f.left for f in faces) - _gap(scene), area.bottom)
    right = Box(max(f.right for f in faces) + _gap(scene), area.top, area.right, area.bottom)
    for column in (right, left):
        if column.width >= COLUMN * scene.width:
            yield column


def _candidates(scene: Scene, card: Card, area: Box, used: Sequence[Box]) -> Iterator[Box]:
    wished: Sequence[Place] = WISHED[scene.graphic.kind]
    if scene.graphic.place != "auto":
        wished = (scene.graphic.place,)
    for place in wished:
        box = at_place(place, card.width, card.height, area)
        yield box
        # Directly above or below what is in the way there: captions, mostly.
        for other in used:
            if box.shared(other):
                above = other.top - _gap(scene) - card.height
                below = other.bottom + _gap(scene)
                if above >= area.top:
                    yield Box(box.left, above, box.right, above + card.height)
                if below + card.height <= area.bottom:
                    yield Box(box.left, below, box.right, below + card.height)


def _covering(scene: Scene, captions: Sequence[Box]) -> Iterator[pysubs2.SSAEvent]:
    """A card over the whole picture, its content in the largest part without captions."""
    area = safe_area(scene.width, scene.height)
    edges = [area.top, *(y for c in captions for y in (c.top - _gap(scene), c.bottom)), area.bottom]
    parts = [
        Box(area.left, a, area.right, b)
        for a in edges
        for b in edges
        if a < b and not any(c.top < b and a < c.bottom for c in captions)
    ]
    room = max(parts, key=lambda part: part.height, default=area)
    scale = 1.3
    card = TEMPLATES[scene.graphic.kind](scene, room, scale)
    while (card.height > room.height or card.width > room.width) and scale > 0.4:
        scale *= 0.9
        card = TEMPLATES[scene.graphic.kind](scene, room, scale)
    for event in (*backdrop(scene), *card.draw(at_place("center", card.width, card.height, room))):
        event.layer += WHOLE_LAYER
        yield event
