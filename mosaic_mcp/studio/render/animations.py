"""Six ways in which the words of a phrase appear and go.

Each is a function from a phrase that has its place to ASS events. What ASS animates by itself is
left to it; what it cannot (a movement that ends softly) is an event for each frame.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
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
from mosaic_mcp.studio.render.contrast import readable_on
from mosaic_mcp.studio.render.lettering import SetWord
from mosaic_mcp.studio.render.places import Box
from mosaic_mcp.studio.timeline.model import CinematicStyle

SHADE = 0.5
"""Opacity of the soft shade behind letters."""
GLIDE = Fraction(14, 100)
"""Seconds of the mark's way to the next word."""
TYPED_MS = 70
"""At most this long for each letter, in ms."""
READ = Fraction(1, 2)
"""Seconds that a word stands, where its phrase lasts as long: a short last word comes up before it
is said."""
COMES, GOES = 0.35, 0.2
"""At most these shares of its time a word needs to come up and to go: for the rest it is read."""
_SHADE_LAYER, _MARK_LAYER, _STROKE_LAYER, _FILL_LAYER = 1, 2, 3, 4


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that have their place and time."""

    words: tuple[SetWord, ...]
    start: Fraction
    end: Fraction
    look: CinematicStyle
    rate: Fraction
    scale: float
    """Pixels for each of a picture whose short side is 1080."""

    @property
    def spoken(self) -> Iterator[tuple[SetWord, Fraction]]:
        """Each word, and when the next one is said."""
        later = [word.word.start for word in self.words[1:]]
        yield from zip(self.words, [*later, self.end], strict=True)

    @property
    def coming(self) -> Iterator[tuple[SetWord, Fraction]]:
        """Each word, and when it comes up."""
        for word in self.words:
            yield word, max(self.start, min(word.word.start, self.end - READ))

    def layers(self, word: SetWord, *, shade: bool = True) -> Iterator[Layer]:
        """What a word is drawn of, from below."""
        look, size = self.look, word.size
        if look.box_color is None and shade:
            colour = tag_colour(look.shade_color)
            tags = f"\\bord{0.05 * size:.1f}\\1c{colour}\\3c{colour}"
            yield Layer(_SHADE_LAYER, word.tags + tags, SHADE, 0.11 * size)
        if look.stroke_color is not None and look.stroke_width:
            colour = tag_colour(look.stroke_color)
            tags = f"\\bord{look.stroke_width * self.scale:.1f}\\1c{colour}\\3c{colour}"
            yield Layer(_STROKE_LAYER, word.tags + tags)
        colour = tag_colour(self.colour(word))
        yield Layer(_FILL_LAYER, f"{word.tags}\\bord0\\1c{colour}")

    def colour(self, word: SetWord) -> str:
        """What a word is written in."""
        return self.look.accent_color if word.word.strong else self.look.color


@dataclass(frozen=True, slots=True)
class Layer:
    """The tags of one of a word's layers, without those that move."""

    number: int
    tags: str
    opacity: float = 1.0
    blur: float = 0.0

    def look(self, opacity: float = 1.0) -> str:
        """Its tags as it is shown, or less."""
        alpha = tag_alpha(self.opacity * opacity)
        return f"{self.tags}\\1a{alpha}\\3a{alpha}\\blur{self.blur:.1f}"


def _event(start: int, end: int, tags: str, text: str, layer: Layer) -> pysubs2.SSAEvent:
    return pysubs2.SSAEvent(start, end, f"{{{tags}}}{text}", layer=layer.number)


def _paced(length: int, comes: int, goes: int) -> tuple[int, int]:
    """How long a word that stands `length` ms takes to come up and to go, in ms; less where it
    would hardly be read."""
    return min(comes, round(COMES * length)), min(goes, round(GOES * length))


def _at(word: SetWord) -> str:
    return f"\\pos({word.x:.1f},{word.middle:.1f})"


def fade(phrase: Phrase) -> Iterator[pysubs2.SSAEvent]:
    """Each word comes up softly when it is said."""
    end = ticks(phrase.end)
    for word, comes in phrase.coming:
        up, down = _paced(end - ticks(comes), 280, 180)
        for layer in phrase.layers(word):
            tags = f"{_at(word)}{layer.look()}\\fad({up},{down})"
            yield _event(ticks(comes), end, tags, word.word.text, layer)


def pop(phrase: Phrase) -> Iterator[pysubs2.SSAEvent]:
    """Each word springs up: small, too large, settled."""
    end = ticks(phrase.end)
    for word, comes in phrase.coming:
        settled, down = _paced(end - ticks(comes), 260, 100)
        large, small = settled * 6 // 13, settled * 10 // 13
        spring = (
            f"{scaled(0.35)}\\t(0,{large},0.7,{scaled(1.16)})\\t({large},{small},{scaled(0.96)})"
            f"\\t({small},{settled},{scaled(1)})\\fad({settled // 4},{down})"
        )
        for layer in phrase.layers(word):
            tags = f"{_at(word)}{layer.look()}{spring}"
            yield _event(ticks(comes), end, tags, word.word.text, layer)


def slide(phrase: Phrase) -> Iterator[pysubs2.SSAEvent]:
    """Each word rises from behind the foot of its line."""
    end = ticks(phrase.end)
    for word, comes in phrase.coming:
        rises, goes = _paced(end - ticks(comes), 300, 140)
        foot = word.base + 0.34 * word.size
        clip = f"\\clip(0,0,20000,{foot:.0f})"
        for layer in phrase.layers(word):
            settled = ticks(comes)
            for begin, settled, u in frames(comes, comes + Fraction(rises, 1000), phrase.rate):
                y = word.middle + (1 - eased(u)) * 1.1 * word.size
                tags = f"\\pos({word.x:.1f},{y:.1f}){clip}{layer.look(min(1.0, 2 * u))}"
                yield _event(begin, settled, tags, word.word.text, layer)
            tags = f"{_at(word)}{layer.look()}\\fad(0,{goes})"
            if settled < end:
                yield _event(settled, end, tags, word.word.text, layer)


def typewriter(phrase: Phrase) -> Iterator[pysubs2.SSAEvent]:
    """Letter after letter, behind a caret."""
    coming, end = list(phrase.coming), ticks(phrase.end)
    later = [ticks(comes) for _, comes in coming[1:]]
    for (word, comes), until in zip(coming, [*later, end], strict=True):
        text, start = word.word.text, ticks(comes)
        # Whole when the next one comes, and at the latest when half of its time is over.
        step = min(TYPED_MS, (min(until, (start + end) // 2) - start) // max(1, len(text)))
        for layer in phrase.layers(word):
            shown = tag_alpha(layer.opacity)
            letters = "".join(
                f"{{\\1a&HFF&\\3a&HFF&\\t({i * step},{i * step + 1},\\1a{shown}\\3a{shown})}}{c}"
                for i, c in enumerate(text)
            )
            yield _event(start, end, f"{_at(word)}{layer.look()}", letters, layer)
        yield from _caret(phrase, word, start, until, step)


def _caret(
    phrase: Phrase, word: SetWord, start: int, until: int, step: int
) -> Iterator[pysubs2.SSAEvent]:
    """A bar behind the last letter, from letter to letter, then until the next word."""
    box, thick = word.box, 0.07 * word.size
    drawing = rectangle(0, box.top, thick, box.bottom)
    colour = tag_colour(phrase.look.accent_color)
    length = len(word.word.text)
    for i in range(length):
        begin = start + i * step
        end = start + (i + 1) * step if i + 1 < length else until
        if begin // 10 < end // 10:
            typed = fonts.width_of(word.font, word.word.text[: i + 1], word.size)
            x = box.left + typed + 0.08 * word.size
            yield shape(begin, end, f"\\1c{colour}", drawing, layer=_FILL_LAYER, x=x)


def cinematic(phrase: Phrase) -> Iterator[pysubs2.SSAEvent]:
    """Each word comes into focus from out of the light, and drifts nearer while it stands."""
    for word, comes in phrase.coming:
        start, end = ticks(comes), ticks(phrase.end)
        length = end - start
        up, down = _paced(length, 360, 240)
        begin, out = min(560, length // 2), length - down
        nearer = scaled(1.04 if word.word.strong else 1.0)
        for layer in phrase.layers(word):
            soft = 0.3 * word.size
            tags = (
                f"{_at(word)}{layer.look()}{scaled(1.22)}\\blur{soft:.1f}"
                f"\\fsp{0.09 * word.size:.1f}\\fad({up},{down})"
                f"\\t(0,{begin},0.5,{scaled(1)}\\blur{layer.blur:.1f}\\fsp0)"
                f"\\t({begin},{length},{nearer})\\t({out},{length},\\blur{0.12 * word.size:.1f})"
            )
            yield _event(start, end, tags, word.word.text, layer)


def highlight(phrase: Phrase) -> Iterator[pysubs2.SSAEvent]:
    """The phrase stands; a mark glides from word to word as they are said."""
    start, end = ticks(phrase.start), ticks(phrase.end)
    mark = phrase.look.accent_color
    ink = tag_colour(readable_on(mark))
    for word, until in phrase.spoken:
        begin, over = ticks(word.word.start) - start, ticks(until) - start
        base = tag_colour(phrase.look.color)
        for layer in phrase.layers(word):
            tags = f"{_at(word)}{layer.look()}\\fad(120,120)"
            if layer.number == _FILL_LAYER:
                tags += f"\\1c{base}\\t({begin},{begin + 80},\\1c{ink})"
                if over < end - start:
                    tags += f"\\t({over},{over + 80},\\1c{base})"
            elif layer.number == _STROKE_LAYER:  # no outline between letters and their mark
                bare = "\\1a&HFF&\\3a&HFF&"
                tags += f"\\t({begin},{begin + 80},{bare})"
                if over < end - start:
                    tags += f"\\t({over},{over + 80},\\1a&H00&\\3a&H00&)"
            yield _event(start, end, tags, word.word.text, layer)
    yield from _mark(phrase, tag_colour(mark))


def _mark(phrase: Phrase, colour: str) -> Iterator[pysubs2.SSAEvent]:
    before: Box | None = None
    for word, until in phrase.spoken:
        pad = 0.13 * word.size
        box = Box(
            word.box.left - pad, word.box.top - pad / 2, word.box.right + pad, word.box.bottom
        )
        start = word.word.start
        here = min(start + GLIDE, until)
        origin = before or Box(box.left, box.top, box.left + pad, box.bottom)
        settled = ticks(start)
        for begin, settled, u in frames(start, here, phrase.rate):
            moved = _between(origin, box, eased(u))
            yield _marked(begin, settled, moved, word.size, colour)
        if settled < ticks(until):
            yield _marked(settled, ticks(until), box, word.size, colour)
        before = box


def _marked(start: int, end: int, box: Box, size: float, colour: str) -> pysubs2.SSAEvent:
    drawing = rectangle(box.left, box.top, box.right, box.bottom, 0.16 * size)
    return shape(start, end, f"\\1c{colour}", drawing, layer=_MARK_LAYER)


def _between(one: Box, other: Box, u: float) -> Box:
    return Box(
        one.left + (other.left - one.left) * u,
        one.top + (other.top - one.top) * u,
        one.right + (other.right - one.right) * u,
        one.bottom + (other.bottom - one.bottom) * u,
    )


ANIMATIONS: Mapping[str, Callable[[Phrase], Iterator[pysubs2.SSAEvent]]] = {
    "fade": fade,
    "pop": pop,
    "slide": slide,
    "typewriter": typewriter,
    "cinematic": cinematic,
    "highlight": highlight,
}
