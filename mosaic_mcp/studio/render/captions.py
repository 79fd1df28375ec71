"""Captions as an ASS file: words in groups, the spoken one standing out, inside the safe zone.

Every word is an event of its own at a place that we measured: a word that grows or changes its
colour never moves its neighbours, and nothing is wrapped by chance.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import pysubs2

from mosaic_mcp.studio.perception.model import SpokenWord
from mosaic_mcp.studio.render import fonts
from mosaic_mcp.studio.render.fonts import Font
from mosaic_mcp.studio.timeline.edit import offsets, placed_words
from mosaic_mcp.studio.timeline.model import Captions, CaptionStyle, Timeline

SIDE = 0.08
"""Share of the width kept free at each side: players put buttons there."""
LOWEST_TALL = 0.85
"""The lower edge of captions on tall pictures stays above this share of the height: below, social
apps show titles and controls."""
LOWEST_WIDE = 0.95
HIGHEST = 0.06
PAUSE = Fraction(6, 10)
"""A pause this long ends a group."""
LINGER = Fraction(3, 10)
"""The last word of a group stays this long when nothing follows."""
MOST_LINES = 2
LINE = 1.25
"""Height of a line in font sizes."""
GROWTH = 1.12
"""How much larger the spoken word of `scaling` is."""
_POP_MS = 80
_SHADOW_OFFSET = 0.05
"""How far a shadow falls, in font sizes."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A word in output time."""

    text: str
    start: Fraction
    end: Fraction
    clip: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """The finished captions and what was substituted."""

    subs: pysubs2.SSAFile
    note: str

    @property
    def text(self) -> str:
        """The file that FFmpeg reads."""
        return self.subs.to_string("ass")


def shown_words(timeline: Timeline, captions: Captions) -> list[Shown]:
    """The words that the output says; one that a cut removed by more than half is not shown."""
    said: dict[str, list[SpokenWord]] = {}
    for word in sorted(captions.words, key=lambda w: w.start + w.end):
        if text := clean(word.text):
            spoken = SpokenWord(text=text, start=word.start, end=word.end)
            said.setdefault(word.source, []).append(spoken)
    return [Shown(w.text, w.start, w.end, w.clip) for w in placed_words(timeline, said)]


def clean(text: str) -> str:
    """Text without anything that ASS would obey (tags, escapes, line breaks) or that is unseen."""
    text = text.replace("{", "(").replace("}", ")").replace("\\", "/")
    kept = (" " if unicodedata.category(c) == "Cc" else c for c in text)
    return " ".join("".join(c for c in kept if unicodedata.category(c) != "Cf").split())


def groups_of(words: Sequence[Shown], look: CaptionStyle) -> list[list[Shown]]:
    """Words that are shown together: min..max of them, ended by sentences, pauses and cuts.

    A cut or a pause may leave a group shorter than min; a group is never longer than max.
    """
    groups: list[list[Shown]] = []
    phrase: list[Shown] = []
    for word, following in pairwise([*words, None]):
        assert word is not None  # noqa: S101 - only the last of the pairs' seconds is None
        phrase.append(word)
        must = (
            following is None or following.clip != word.clip or following.start - word.end >= PAUSE
        )
        may = len(phrase) >= look.min_words and word.text.endswith(tuple(".?!…,;:"))
        if must or may:
            groups += _shared_out(phrase, look.max_words)
            phrase = []
    return groups


def _shared_out(phrase: list[Shown], most: int) -> Iterator[list[Shown]]:
    """A phrase in groups of nearly equal size: 4 + 3 words rather than 6 + 1."""
    count = -(-len(phrase) // most)
    for i in range(count):
        yield phrase[i * len(phrase) // count : (i + 1) * len(phrase) // count]


def ass_file(timeline: Timeline) -> Sheet:
    """The timeline's captions as ASS text, with a note on substituted fonts."""
    captions = timeline.captions
    if captions is None:
        raise ValueError("the timeline has no captions")
    look = captions.look
    words = shown_words(timeline, captions)
    font, note = fonts.choose(look.font, look.font_weight, "".join(word.text for word in words))
    groups = groups_of(words, look)
    subs = pysubs2.SSAFile()
    subs.info.update(
        {
            "PlayResX": str(timeline.width),
            "PlayResY": str(timeline.height),
            "WrapStyle": "2",  # never break a line: every word has its place
            "ScaledBorderAndShadow": "yes",
        }
    )
    page = Page(timeline, look, font)
    subs.styles["Default"] = page.style()
    ends = offsets(timeline)[1:]
    for group, following in pairwise([*groups, None]):
        assert group is not None  # noqa: S101 - as above
        # Not longer than the clip that says it, nor into what is said next.
        until = min(following[0].start, ends[group[-1].clip]) if following else timeline.duration
        end = max(group[-1].end, min(group[-1].end + LINGER, until))
        subs.events += page.events(group, end)
    return Sheet(subs, note)


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
        begins = [_ticks(word.start) for word in group]
        # A word stands out until the next one is spoken.
        overs = iter([*begins[1:], _ticks(end)])
        for number, line in enumerate(lines):
            y = self.middle(number, len(lines), setting.size)
            for word, offset in zip(line, setting.middles(line), strict=True):
                x = self.timeline.width / 2 + offset
                spoken = (_ticks(word.start) - begins[0], next(overs) - begins[0])
                for layer, tags in enumerate(self._layers(word, x, y, setting, spoken)):
                    text = f"{{{tags}}}{word.text}"
                    yield pysubs2.SSAEvent(begins[0], _ticks(end), text, layer=layer)

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
        base, high = _colour(self.look.base_color), _colour(self.look.highlight_color)
        tags = f"\\1c{high}" if begin <= 0 else f"\\t({begin},{begin + 1},\\1c{high})"
        if self.look.style == "scaling":
            tags += f"\\t({begin},{begin + _POP_MS},{_scaled(growth)})"
            tags += f"\\t({over},{over + _POP_MS},{_scaled(1)})"
        return f"{tags}\\t({over},{over + 1},\\1c{base})"

    def _shadow(self) -> str:
        colour = _colour(self.look.shadow_color)
        unseen = round(255 * (1 - self.look.shadow_opacity / 100))
        blur = self.look.shadow_blur * self.scale
        alpha = f"&H{unseen:02X}&"
        return f"\\1c{colour}\\3c{colour}\\1a{alpha}\\3a{alpha}\\blur{blur:.1f}"

    def style(self) -> pysubs2.SSAStyle:
        """What all words have in common."""
        look = self.look
        karaoke = look.style == "karaoke"
        return pysubs2.SSAStyle(
            fontname=self.font.name,
            fontsize=fonts.libass_size(self.font, self.size),
            bold=self.font.bold,
            primarycolor=_rgb(look.highlight_color if karaoke else look.base_color),
            secondarycolor=_rgb(look.base_color),
            outlinecolor=_rgb(look.stroke_color),
            outline=self.stroke,
            shadow=0,
            alignment=pysubs2.Alignment.MIDDLE_CENTER,
        )


def _scaled(factor: float) -> str:
    return f"\\fscx{100 * factor:.0f}\\fscy{100 * factor:.0f}"


def _ticks(time: Fraction) -> int:
    """Milliseconds, rounded down to the hundredths that ASS knows.

    Down, so that what begins or ends with a frame does so on that frame and not on the next: a
    frame is longer than the rounding.
    """
    return int(time * 100) * 10


def _rgb(colour: str) -> pysubs2.Color:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return pysubs2.Color(red, green, blue)


def _colour(colour: str) -> str:
    """`#RRGGBB` as ASS writes it in a tag: &HBBGGRR&."""
    return f"&H{colour[5:7]}{colour[3:5]}{colour[1:3]}&".upper()
