"""Captions as ASS events: words in groups, the spoken one standing out, inside the safe zone.

Every word is an event of its own at a place that we measured: a word that grows or changes its
colour never moves its neighbours, and nothing is wrapped by chance.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import pysubs2

from mosaic_mcp.studio.render import emojis, fonts
from mosaic_mcp.studio.render.ass import scaled, style_colour, tag_alpha, tag_colour, ticks
from mosaic_mcp.studio.render.fonts import Font
from mosaic_mcp.studio.render.phrases import Drawn, Shown, ends_of, groups_of, shown_words
from mosaic_mcp.studio.render.places import HIGHEST, LOWEST_TALL, LOWEST_WIDE, SIDE, Box, Taken
from mosaic_mcp.studio.timeline.model import Captions, CaptionStyle, Timeline

MOST_LINES = 2
LINE = 1.25
"""Height of a line in font sizes."""
GROWTH = 1.12
"""How much larger the spoken word of `scaling` is."""
EMOJI = 1.5
"""Height of an emoji in font sizes."""
EMOJI_GAP = 0.6
"""How far its middle is above the words, in its heights."""
_POP_MS = 80
_SHADOW_OFFSET = 0.05
"""How far a shadow falls, in font sizes."""


def drawn(timeline: Timeline, captions: Captions, look: CaptionStyle) -> Drawn:
    """The captions as events, and where they stand."""
    said = shown_words(timeline, captions)
    text = "".join(word.text for word in said)
    lost = fonts.lost_symbols(look.font, look.font_weight, text)
    words = [word for each in said if (word := each.without(lost)).text]
    font, note = fonts.choose(look.font, look.font_weight, "".join(word.text for word in words))
    page = Page(timeline, look, font)
    result = Drawn(page.style(), note)
    groups = groups_of(words, look)
    for group, end in zip(groups, ends_of(timeline, groups), strict=True):
        result.events += [*page.events(group, end), *page.emojis(group, end)]
        result.taken.append(Taken(group[0].start, end, page.box(group)))
    return result


@dataclass(frozen=True, slots=True)
class Setting:
    """How wide words and lines are in a font at a size."""

    font: Font
    size: float
    wide_spaces: bool = False

    @property
    def space(self) -> float:
        """Pixels between words; wider where words grow into it."""
        return fonts.width_of(self.font, " ", self.size) * (1.4 if self.wide_spaces else 1.0)

    def word(self, word: Shown) -> float:
        """Pixels that a word is wide."""
        return fonts.width_of(self.font, word.text, self.size)

    def line(self, words: Sequence[Shown]) -> float:
        """Pixels that a line is wide."""
        return sum(map(self.word, words)) + self.space * (len(words) - 1)

    def growth(self, word: Shown) -> float:
        """How much a word may grow: a long one less, so that it never touches its neighbours."""
        return min(GROWTH, 1 + self.space / self.word(word))

    def lines(self, group: Sequence[Shown], room: float) -> list[Sequence[Shown]]:
        """The group in one line, or in the two lines that are nearest to equal."""
        if len(group) < MOST_LINES or self.line(group) <= room:
            return [group]

        def longer(split: int) -> float:
            return max(self.line(group[:split]), self.line(group[split:]))

        best = min(range(1, len(group)), key=longer)
        return [group[:best], group[best:]]

    def middles(self, line: Sequence[Shown]) -> Iterator[float]:
        """The middle of each word of a line, in pixels from the line's middle."""
        left = -self.line(line) / 2
        for word in line:
            yield left + self.word(word) / 2
            left += self.word(word) + self.space


@dataclass(frozen=True, slots=True)
class Page:
    """The canvas that captions are set on, in their look."""

    timeline: Timeline
    look: CaptionStyle
    font: Font

    @property
    def size(self) -> float:
        """The font size in pixels: as wished, or from the canvas."""
        wide, tall = self.timeline.width, self.timeline.height
        return self.look.font_size_px or min(0.075 * wide, 0.062 * tall)

    @property
    def scale(self) -> float:
        """Strokes and shadows are given in pixels of a picture whose short side is 1080."""
        return min(self.timeline.width, self.timeline.height) / 1080

    @property
    def stroke(self) -> float:
        """Width of the outline in pixels."""
        return self.look.stroke_width * self.scale if self.look.stroke_enabled else 0.0

    @property
    def room(self) -> float:
        """Pixels that a line may be wide, its outline included."""
        return self.timeline.width * (1 - 2 * SIDE) - 2 * self.stroke

    def setting(self, group: Sequence[Shown]) -> Setting:
        """The size at which the group fits into its lines: smaller only for long words."""
        grows = self.look.style == "scaling"
        wished = Setting(self.font, self.size, grows)
        spare = wished.space if grows else 0.0
        widest = max(wished.line(line) for line in wished.lines(group, self.room)) + spare
        return Setting(self.font, self.size * min(1.0, self.room / widest), grows)

    def middle(self, line: int, lines: int, size: float) -> float:
        """Where a line's middle is, in pixels from the top; the block stays in the safe zone."""
        height = self.timeline.height
        half = lines * LINE * size / 2
        lowest = LOWEST_TALL if height > self.timeline.width else LOWEST_WIDE
        wished = self.look.vertical_position / 100 * height
        centre = max(min(wished, lowest * height - half), HIGHEST * height + half)
        return centre - half + (line + 0.5) * LINE * size

    def events(self, group: Sequence[Shown], end: Fraction) -> Iterator[pysubs2.SSAEvent]:
        """The group's words from its first until `end`, each at its place."""
        setting = self.setting(group)
        lines = setting.lines(group, self.room)
        begins = [ticks(word.start) for word in group]
        # A word stands out until the next one is spoken.
        overs = iter([*begins[1:], ticks(end)])
        for number, line in enumerate(lines):
            y = self.middle(number, len(lines), setting.size)
            for word, offset in zip(line, setting.middles(line), strict=True):
                x = self.timeline.width / 2 + offset
                spoken = (ticks(word.start) - begins[0], next(overs) - begins[0])
                for layer, tags in enumerate(self._layers(word, x, y, setting, spoken)):
                    text = f"{{{tags}}}{word.text}"
                    yield pysubs2.SSAEvent(begins[0], ticks(end), text, layer=layer)

    def emojis(self, group: Sequence[Shown], end: Fraction) -> Iterator[pysubs2.SSAEvent]:
        """Pictures that pop up above the group when their word is said."""
        setting, room = self.setting(group), SIDE * self.timeline.width
        size = EMOJI * setting.size
        lines = len(setting.lines(group, self.room))
        top = self.middle(0, lines, setting.size) - LINE * setting.size / 2
        for word, (left, right) in zip(group, self._words(group), strict=True):
            if word.emoji:
                x = min(max((left + right) / 2, room), self.timeline.width - room)
                y = top - EMOJI_GAP * size
                yield from emojis.events(word.emoji, ticks(word.start), ticks(end), x, y, size)

    def _words(self, group: Sequence[Shown]) -> Iterator[tuple[float, float]]:
        """Left and right edge of every word."""
        setting = self.setting(group)
        for line in setting.lines(group, self.room):
            for word, offset in zip(line, setting.middles(line), strict=True):
                middle = self.timeline.width / 2 + offset
                yield middle - setting.word(word) / 2, middle + setting.word(word) / 2

    def box(self, group: Sequence[Shown]) -> Box:
        """Where the group's lines stand, with what pops up above them."""
        setting = self.setting(group)
        lines = len(setting.lines(group, self.room))
        edges = list(self._words(group))
        top = self.middle(0, lines, setting.size) - LINE * setting.size / 2
        left = min(left for left, _ in edges) - self.stroke
        right = max(right for _, right in edges) + self.stroke
        bottom = top + lines * LINE * setting.size
        above = EMOJI * setting.size * (EMOJI_GAP + 0.5) if any(w.emoji for w in group) else 0.0
        return Box(left, top - above, right, bottom)

    def _layers(
        self, word: Shown, x: float, y: float, setting: Setting, spoken: tuple[int, int]
    ) -> Iterator[str]:
        """Tags of a word's shadow, where it has one, and of the word above it."""
        size = f"\\fs{fonts.libass_size(self.font, setting.size):.2f}"
        if self.look.shadow_enabled:
            fall = _SHADOW_OFFSET * setting.size
            yield f"\\pos({x + fall:.1f},{y + fall:.1f}){size}{self._shadow()}"
        yield f"\\pos({x:.1f},{y:.1f}){size}{self._spoken(*spoken, setting.growth(word))}"

    def _spoken(self, begin: int, over: int, growth: float) -> str:
        """Tags that make a word stand out from `begin` to `over`, ms after the group's start."""
        if self.look.style == "karaoke":
            return f"\\k{begin // 10}\\kf{max(1, (over - begin) // 10)}"
        base, high = tag_colour(self.look.base_color), tag_colour(self.look.highlight_color)
        tags = f"\\1c{high}" if begin <= 0 else f"\\t({begin},{begin + 1},\\1c{high})"
        if self.look.style == "scaling":
            tags += f"\\t({begin},{begin + _POP_MS},{scaled(growth)})"
            tags += f"\\t({over},{over + _POP_MS},{scaled(1)})"
        return f"{tags}\\t({over},{over + 1},\\1c{base})"

    def _shadow(self) -> str:
        colour = tag_colour(self.look.shadow_color)
        blur = self.look.shadow_blur * self.scale
        alpha = tag_alpha(self.look.shadow_opacity / 100)
        return f"\\1c{colour}\\3c{colour}\\1a{alpha}\\3a{alpha}\\blur{blur:.1f}"

    def style(self) -> pysubs2.SSAStyle:
        """What all words have in common."""
        look = self.look
        karaoke = look.style == "karaoke"
        return pysubs2.SSAStyle(
            fontname=self.font.name,
            fontsize=fonts.libass_size(self.font, self.size),
            bold=self.font.bold,
            primarycolor=style_colour(look.highlight_color if karaoke else look.base_color),
            secondarycolor=style_colour(look.base_color),
            outlinecolor=style_colour(look.stroke_color),
            outline=self.stroke,
            shadow=0,
            alignment=pysubs2.Alignment.MIDDLE_CENTER,
        )
