"""Motion Graphics: what the prompt asks for, else what the talk offers, drawn from templates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import get_args

from mosaic_mcp.contract.tiles.graphics import MotionGraphicsParams
from mosaic_mcp.errors import MediaError
from mosaic_mcp.studio.perception.model import Interval
from mosaic_mcp.studio.render import fonts
from mosaic_mcp.studio.render.ass import clean
from mosaic_mcp.studio.render.contrast import DARK, rgb
from mosaic_mcp.studio.tiles.graphics.choosing import (
    PER_MINUTE,
    chosen,
    moment_of,
    of_kinds,
    said_at,
    showing,
    source_span,
    time_to_read,
)
from mosaic_mcp.studio.tiles.graphics.finding import Find, finds
from mosaic_mcp.studio.tiles.graphics.wishes import Kind, Wish, Wishes, read_wishes
from mosaic_mcp.studio.tiles.sight import accent, seen_longest, shot_changes, with_faces
from mosaic_mcp.studio.tiles.speech.heard import Heard, listen_to_all, require_words
from mosaic_mcp.studio.tiles.speech.relevance import topic
from mosaic_mcp.studio.tiles.speech.sentences import Sentence, sentences
from mosaic_mcp.studio.tiles.tile import TileContext, each_of
from mosaic_mcp.studio.timeline.model import Graphic, Timeline

NOTE = (
    "Drawn from templates, not generated: title, chapter, lower third, call-out, quote, counting "
    "number, list, progress bar. The prompt's plain wishes are read (“lower third "
    '"Ada Lovelace, engineer" at 0:02; title "…" in #FFCC00; progress bar; no quotes”); its other '
    "words only help to choose moments, and the run warns of what was not read. Without "
    "wishes, or beside them where frequency_per_minute is a number: numbers, lists, names and "
    "phrases of the transcript (English rules), four a minute by default; 0 leaves them out. "
    "style_video_url, reference_links and model_tier are not read."
)

AUTOMATIC: frozenset[Kind] = frozenset({"lower-third", "call-out", "quote", "number", "list"})
FILLING: dict[Kind, Kind] = {
    "title": "title",
    "chapter": "title",
    "call-out": "quote",
    "quote": "quote",
    "number": "number",
    "list": "list",
}
"""What stands for a kind where graphics must cover the picture; others cannot."""
QUOTED: dict[Kind, str] = {
    "title": 'title "Welcome"',
    "chapter": 'chapter title "Part one"',
    "lower-third": 'lower third "Anna Schmidt"',
    "call-out": 'call-out "New"',
    "quote": 'quote "Less is more"',
    "number": 'counter "40% of users"',
    "list": 'list "Tips: eat, sleep"',
}
"""How each kind is asked for with its text."""
_LONGEST_TEXT = 160
"""Characters of a text; what is longer is cut, and said so."""
_EARLY = Fraction(4, 10)
"""Seconds before the first graphic that has no other time."""
_LEAST = Fraction(7, 10)


async def apply(
    inputs: Sequence[Timeline], params: MotionGraphicsParams, context: TileContext
) -> list[Timeline]:
    """Draw over every input; graphics that are already there stay."""
    wishes = read_wishes(params.prompt or "")
    for name in ("style_video_url", "reference_links"):
        if getattr(params, name):
            await context.warn(f"{name} is not read here; styles are templates")
    if wishes.unknown:
        await context.warn(_not_drawn(wishes))
    return [
        await _drawn(timeline, params, wishes, part) for timeline, part in each_of(inputs, context)
    ]


async def _drawn(
    timeline: Timeline, params: MotionGraphicsParams, wishes: Wishes, context: TileContext
) -> Timeline:
    heard = await listen_to_all(timeline, context)
    kinds = _automatic(params, wishes)
    fixed = [w for w in wishes.wishes if w.texts or w.kind == "progress"]
    if kinds and not fixed:
        require_words(heard, "Motion Graphics cannot choose what to draw")
    elif kinds and heard.doubt:
        await context.warn(f"nothing is chosen by itself: {heard.doubt}")
    desk = _Desk(
        timeline=timeline,
        heard=heard,
        spoken=sentences(timeline, heard.words) if heard.reliable else [],
        tile=context.node,
        color=wishes.color or await _colour(timeline, context),
        filling=bool(params.only_generate_full_screen_graphics),
        changes=await shot_changes(timeline, context) if kinds else (),
    )
    graphics = [*desk.asked(fixed), *desk.offered(kinds, wishes, params)]
    for warning in desk.warnings:
        await context.warn(warning)
    if not graphics:
        raise MediaError(
            f"There is nothing to draw over {timeline.name}: "
            f"{' '.join(desk.warnings) or 'no numbers, lists or phrases are said in it.'}",
            remedy='Say in the prompt what to show and when, as: title "Welcome" at 0:01.',
        )
    timeline = await with_faces(timeline, context)
    return timeline.model_copy(update={"graphics": (*timeline.graphics, *graphics)})


def _not_drawn(wishes: Wishes) -> str:
    said = ", ".join(f"“{phrase[:60]}”" for phrase in wishes.unknown[:5])
    return (
        f"no graphic is known by {said}; such words only help to choose moments. What is drawn: "
        f"{', '.join(get_args(Kind))}."
    )


def _automatic(params: MotionGraphicsParams, wishes: Wishes) -> frozenset[Kind]:
    """The kinds that are looked for in the transcript."""
    if params.frequency_per_minute == 0:
        return frozenset()
    counted = isinstance(params.frequency_per_minute, int | float)
    kinds = wishes.open or (AUTOMATIC if counted or not wishes.wishes else frozenset())
    return kinds - wishes.without


async def _colour(timeline: Timeline, context: TileContext) -> str:
    """A colour of the picture that can be read on dark ground."""
    longest = seen_longest(timeline)
    colours = await context.perception.colours(longest) if longest else None
    return accent(colours, rgb(DARK), light=True)


@dataclass(slots=True)
class _Desk:
    """One video, and what is known of it."""

    timeline: Timeline
    heard: Heard
    spoken: Sequence[Sentence]
    tile: str
    color: str
    filling: bool
    changes: Sequence[Fraction]
    """Where another shot begins."""
    warnings: list[str] = field(default_factory=list[str])
    taken: list[Interval] = field(default_factory=list[Interval])

    @property
    def total(self) -> Fraction:
        return self.timeline.duration

    def asked(self, wishes: Sequence[Wish]) -> Iterator[Graphic]:
        """What the prompt says outright."""
        for number, wish in enumerate(wishes, 1):
            if wish.kind == "progress" and wish.at is None:
                yield from self._progress(wish)
                continue
            span = self._span(wish, Fraction(number, len(wishes) + 1))
            if span is None:
                continue
            cues = self._cues(wish, span)
            graphic = self._graphic(wish.kind, wish.texts, span, cues, wish=wish)
            if graphic is not None:
                self.taken.append(span)
                yield graphic

    def offered(
        self, kinds: frozenset[Kind], wishes: Wishes, params: MotionGraphicsParams
    ) -> Iterator[Graphic]:
        """What the talk offers, as often as is asked."""
        language = self.heard.language
        found = of_kinds(finds(self.spoken, language), kinds) if kinds else []
        missing = sorted(wishes.open - wishes.without - {find.kind for find in found})
        self.warnings += [f"{kind}: put its text in quotes, as {QUOTED[kind]}." for kind in missing]
        if not found:
            return
        often = params.frequency_per_minute
        often = PER_MINUTE if often is None or often == "auto" else often
        count = max(1, round(often * float(self.total) / 60))
        chapters = of_kinds(found, {"chapter"})
        rest = [find for find in found if find.kind != "chapter"]
        shown = [span for chapter in chapters if (span := self._showing(chapter))]
        busy = [*self.taken, *shown]
        about = topic(params.prompt or "", language)
        rest = chosen(rest, count, busy, self.changes, self.total, query=about, language=language)
        for find in [*chapters, *rest]:
            span = self._showing(find)
            if span is None:
                self.warnings.append(f"{find.kind} “{find.texts[-1]}”: its shot ends too soon.")
            elif graphic := self._graphic(find.kind, find.texts, span, find.cues):
                yield graphic

    def _showing(self, find: Find) -> Interval | None:
        return showing(find, self.changes, self.total)

    def _progress(self, wish: Wish) -> Iterator[Graphic]:
        if self.filling:
            self.warnings.append("a progress bar does not fill the picture, so it is left out.")
        else:
            color = wish.color or self.color
            yield Graphic(tile=self.tile, kind="progress", color=color)

    def _graphic(
        self,
        kind: Kind,
        texts: Sequence[str],
        span: Interval,
        cues: Sequence[Fraction],
        wish: Wish | None = None,
    ) -> Graphic | None:
        whole = self.filling or bool(wish and wish.whole)
        if whole and kind not in FILLING:
            self.warnings.append(f"a {kind} does not fill the picture, so it is left out.")
            return None
        if whole and kind == "chapter":
            texts = texts[1:] or texts
        over = source_span(self.timeline, span.start, span.end)
        if over is None:
            return None
        moments = [source_span(self.timeline, cue, span.end) for cue in cues]
        return Graphic(
            tile=self.tile,
            kind=FILLING[kind] if whole else kind,
            texts=tuple(self._drawable(text) for text in texts),
            over=over,
            cues=tuple(m.start for m in moments if m and m.source == over.source),
            whole=whole,
            place=wish.place if wish else "auto",
            color=(wish.color if wish else None) or self.color,
        )

    def _drawable(self, text: str) -> str:
        """The text as it can be drawn. Raises Unsupported for scripts that we have no font for."""
        plain = fonts.without_symbols(clean(text))
        if gone := set(clean(text)) - set(plain) - fonts.SELECTORS - {" "}:
            self.warnings.append(f"no font here has {' '.join(sorted(gone))[:20]}, so left out.")
        fonts.choose("Montserrat", "700", plain)
        text = plain
        if len(text) <= _LONGEST_TEXT:
            return text
        self.warnings.append(f"“{text[:40]}…” is longer than {_LONGEST_TEXT} characters, so cut.")
        return f"{text[: _LONGEST_TEXT - 1]}…"

    def _span(self, wish: Wish, share: Fraction) -> Interval | None:
        """When a wish is shown; None, with a warning, when the video has no such time."""
        length = wish.lasting or time_to_read(wish.texts)
        start = self._start(wish, share, length)
        end = min(wish.until if wish.until is not None else start + length, self.total)
        if end - start < _LEAST:
            self.warnings.append(
                f"{wish.kind} “{' '.join(wish.texts)[:60]}” at {float(start):.1f} s is not shown: "
                f"{self.timeline.name} lasts {float(self.total):.1f} s."
            )
            return None
        return Interval(start=start, end=end)

    def _start(self, wish: Wish, share: Fraction, length: Fraction) -> Fraction:
        if wish.at is not None:
            return wish.at
        if wish.ends:
            return max(Fraction(0), self.total - length)
        if wish.said:
            at = said_at(wish.said, self.spoken)
            if at is not None:
                return at
            self.warnings.append(f"“{wish.said[:60]}” is never said; {wish.kind} comes elsewhere.")
        if wish.kind == "title":
            return min(_EARLY, self.total / 4)
        if wish.kind == "lower-third":
            first = self.spoken[0].start if self.spoken else Fraction(1)
            return min(first + _EARLY, self.total / 2)
        at = moment_of(" ".join(wish.texts), self.spoken, self.heard.language)
        return at if at is not None else share * self.total

    def _cues(self, wish: Wish, span: Interval) -> list[Fraction]:
        """When each point of a list is said; empty unless all are, one after the other."""
        if wish.kind != "list":
            return []
        said = [moment_of(text, self.spoken, self.heard.language) for text in wish.texts[1:]]
        cues = [at for at in said if at is not None and span.start <= at < span.end]
        return cues if len(cues) == len(said) and cues == sorted(cues) else []
