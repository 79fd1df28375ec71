"""Words of a phrase set in two fonts: sizes, lines, and where each word stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, pairwise

from mosaic_mcp.studio.render import fonts
from mosaic_mcp.studio.render.fonts import Font
from mosaic_mcp.studio.render.phrases import Shown
from mosaic_mcp.studio.render.places import Box

STRONG = 1.45
"""How much larger the words are that stand out."""
LEADING = 1.16
"""Height of a line in sizes of its largest word."""
ASCENT = 0.87
"""The base line from the top of a line, in the same."""
MOST_LINES = 3
WIDE = 1.2
"""Pictures of this shape (width / height) and wider have room for long lines."""


@dataclass(frozen=True, slots=True)
class SetWord:
    """A word on the canvas: the middle of its width, and its base line."""

    word: Shown
    font: Font
    size: float
    width: float
    x: float
    base: float

    @property
    def middle(self) -> float:
        """The y at which libass puts the middle of its line, so that it stands on `base`."""
        return self.base - (self.font.height / 2 - self.font.descent) * self.size

    @property
    def tags(self) -> str:
        """Its font and size."""
        return font_tags(self.font, self.size)

    @property
    def box(self) -> Box:
        """Around its letters, from above the capitals to below the descenders."""
        return Box(
            self.x - self.width / 2,
            self.base - 0.84 * self.size,
            self.x + self.width / 2,
            self.base + 0.28 * self.size,
        )


def font_tags(font: Font, size: float) -> str:
    """Tags that choose a font whose letters have an em of `size` pixels."""
    return f"\\fn{font.name}\\b{int(font.bold)}\\fs{fonts.libass_size(font, size):.2f}"


@dataclass(frozen=True)
class Block:
    """A phrase in lines, before it has a place. `size` is that of plain words."""

    lines: tuple[Sequence[Shown], ...]
    font: Font
    accent: Font
    size: float

    @cached_property
    def width(self) -> float:
        """Pixels of the widest line."""
        return max(map(self.line, self.lines))

    @cached_property
    def height(self) -> float:
        """Pixels of all lines."""
        return sum(LEADING * self.largest(line) for line in self.lines)

    def face(self, word: Shown) -> tuple[Font, float]:
        """The font of a word, and its size."""
        return (self.accent, self.size * STRONG) if word.strong else (self.font, self.size)

    def word(self, word: Shown) -> float:
        """Pixels that a word is wide."""
        font, size = self.face(word)
        return fonts.width_of(font, word.text, size)

    @property
    def space(self) -> float:
        """Pixels between words."""
        return 1.1 * fonts.width_of(self.font, " ", self.size)

    def line(self, words: Sequence[Shown]) -> float:
        """Pixels that a line is wide."""
        return sum(map(self.word, words)) + self.space * (len(words) - 1)

    def largest(self, line: Sequence[Shown]) -> float:
        """The size of a line's largest word."""
        return max(self.face(word)[1] for word in line)

    def placed(self, box: Box, side: str = "") -> Iterator[SetWord]:
        """The words in a box of the block's size; lines lean to its `side`: left, right or none."""
        top = box.top
        for line in self.lines:
            free = box.width - self.line(line)
            left = box.left + {"left": 0.0, "right": free}.get(side, free / 2)
            base = top + ASCENT * self.largest(line) * LEADING
            for word in line:
                width = self.word(word)
                font, size = self.face(word)
                yield SetWord(word, font, size, width, left + width / 2, base)
                left += width + self.space
            top += LEADING * self.largest(line)


def block_of(
    phrase: Sequence[Shown], font: Font, accent: Font, size: float, room: float, *, wide: bool
) -> Block:
    """The phrase in the lines that look best within `room` pixels; smaller only for long words."""
    best = min(
        (Block(lines, font, accent, size) for lines in _divisions(phrase)),
        key=lambda block: _cost(block, room, wide),
    )
    if best.width <= room:
        return best
    return Block(best.lines, font, accent, size * room / best.width)


def _divisions(phrase: Sequence[Shown]) -> Iterator[tuple[Sequence[Shown], ...]]:
    for count in range(min(MOST_LINES, len(phrase))):
        for breaks in combinations(range(1, len(phrase)), count):
            edges = [0, *breaks, len(phrase)]
            yield tuple(phrase[a:b] for a, b in pairwise(edges))


def _cost(block: Block, room: float, wide: bool) -> float:
    """How far a division is from a good one, in widths of the room."""
    widths = [block.line(line) / room for line in block.lines]
    cost = 20 * sum(max(0.0, width - 1) for width in widths)
    cost += (len(widths) - 1) * (0.5 if wide else 0.1)
    cost += 0.3 * (max(widths) - min(widths))
    for line in block.lines:
        strong = sum(word.strong for word in line)
        if 0 < strong < len(line):
            cost += 0.0 if wide else 0.22  # on a tall picture what stands out stands alone
        if len(line) == 1 and not strong and len(block.lines) > 1:
            cost += 0.25
    return cost
