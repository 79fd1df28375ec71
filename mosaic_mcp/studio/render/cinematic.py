"""Cinematic captions: phrases in two fonts that keep off faces, in six ways to appear."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import pysubs2

from mosaic_mcp.studio.render import fonts
from mosaic_mcp.studio.render.animations import ANIMATIONS, Phrase
from mosaic_mcp.studio.render.ass import rectangle, shape, tag_alpha, tag_colour, ticks
from mosaic_mcp.studio.render.lettering import WIDE, Block, block_of
from mosaic_mcp.studio.render.phrases import Drawn, Shown, ends_of, groups_of, shown_words
from mosaic_mcp.studio.render.places import (
    Box,
    Taken,
    at_place,
    faces_seen,
    freest,
    safe_area,
)
from mosaic_mcp.studio.timeline.model import Captions, CinematicStyle, Timeline

AUTO_TALL = (0.74, 0.62, 0.5, 0.22)
"""Heights of a phrase's middle that `auto` tries, best first, in shares of the picture."""
AUTO_WIDE = (0.82, 0.68, 0.16, 0.5)
BOX_ROOM = 0.4
"""Room between words and the edge of their box, in sizes."""
STAYS = Fraction(1, 2)
"""A phrase that begins within this time of the last one stays at its place, where that is free."""


def drawn(timeline: Timeline, captions: Captions, look: CinematicStyle) -> Drawn:
    """The captions as events, and where they stand."""
    said = shown_words(timeline, captions)
    lost = {
        strong: fonts.lost_symbols(family, "700", _text(said, strong=strong))
        for strong, family in ((False, look.font), (True, look.accent_font))
    }
    words = [word for each in said if (word := each.without(lost[each.strong])).text]
    plain, note = fonts.choose(look.font, "700", _text(words, strong=False))
    accent, other = fonts.choose(look.accent_font, "700", _text(words, strong=True))
    style = pysubs2.SSAStyle(
        fontname=plain.name, outline=0, shadow=0, alignment=pysubs2.Alignment.MIDDLE_CENTER
    )
    result = Drawn(style, " ".join(dict.fromkeys(n for n in (note, other) if n)))
    page = _Page(timeline, look, plain, accent)
    groups = groups_of(words, look)
    ends = list(ends_of(timeline, groups))
    for group, end, before in zip(groups, ends, [None, *ends], strict=False):
        block = page.block(group)
        follows = before is not None and group[0].start - before < STAYS
        box = page.box(block, group[0].start, end, follows=follows)
        result.events += page.events(group, block, box, end)
        result.taken.append(Taken(group[0].start, end, page.around(box)))
    return result


def _text(words: Sequence[Shown], *, strong: bool) -> str:
    return "".join(word.text for word in words if word.strong == strong)


@dataclass(slots=True)
class _Page:
    """The canvas, the look, and where the last phrase stood."""

    timeline: Timeline
    look: CinematicStyle
    font: fonts.Font
    accent: fonts.Font
    _last: int = field(default=0)

    @property
    def wide(self) -> bool:
        return self.timeline.width >= WIDE * self.timeline.height

    @property
    def size(self) -> float:
        """The size of plain words in pixels."""
        return min(0.076 * self.timeline.width, 0.064 * self.timeline.height)

    @property
    def area(self) -> Box:
        """Where words may stand, room for their outline and box left aside."""
        area = safe_area(self.timeline.width, self.timeline.height)
        return area.grown(-(BOX_ROOM * self.size if self.look.box_color else 0.1 * self.size))

    def block(self, group: Sequence[Shown]) -> Block:
        return block_of(group, self.font, self.accent, self.size, self.area.width, wide=self.wide)

    def box(self, block: Block, start: Fraction, end: Fraction, *, follows: bool) -> Box:
        """Where the block stands: as wished, or the best place that shows no face."""
        area, place = self.area, self.look.position
        if place != "auto":
            return at_place(place, block.width, block.height, area)
        heights = AUTO_WIDE if self.wide else AUTO_TALL
        places = [self._at_height(block, height) for height in heights]
        order = list(range(len(places)))
        if follows:
            order.remove(self._last)
            order.insert(0, self._last)
        faces = faces_seen(self.timeline, start, end)
        self._last = order[freest([places[i] for i in order], faces)]
        return places[self._last]

    def _at_height(self, block: Block, height: float) -> Box:
        area = self.area
        box = at_place("center", block.width, block.height, area)
        top = height * self.timeline.height - block.height / 2
        top = min(max(top, area.top), area.bottom - block.height)
        return Box(box.left, top, box.right, top + block.height)

    def around(self, box: Box) -> Box:
        """The block with what is drawn around it."""
        return box.grown(BOX_ROOM * self.size if self.look.box_color else 0.0)

    def events(
        self, group: Sequence[Shown], block: Block, box: Box, end: Fraction
    ) -> Iterator[pysubs2.SSAEvent]:
        side = next((s for s in ("left", "right") if self.look.position.endswith(s)), "")
        phrase = Phrase(
            words=tuple(block.placed(box, side)),
            start=group[0].start,
            end=end,
            look=self.look,
            rate=self.timeline.frame_rate,
            scale=min(self.timeline.width, self.timeline.height) / 1080,
        )
        if self.look.box_color:
            yield self._back(self.around(box), phrase)
        yield from ANIMATIONS[self.look.animation](phrase)

    def _back(self, box: Box, phrase: Phrase) -> pysubs2.SSAEvent:
        colour = tag_colour(self.look.box_color or "")
        alpha = tag_alpha(self.look.box_opacity / 100)
        drawing = rectangle(box.left, box.top, box.right, box.bottom, 0.3 * self.size)
        tags = f"\\1c{colour}\\1a{alpha}\\fad(100,100)"
        return shape(ticks(phrase.start), ticks(phrase.end), tags, drawing)
