"""Clips by explicit ranges: the parts that the caller chose, on the nearest frames, as clips."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from mosaic_mcp.contract.moments import SLACK_MS
from mosaic_mcp.contract.tiles.params import Moment
from mosaic_mcp.errors import MediaError
from mosaic_mcp.studio.perception.model import Interval, Perception, SpokenWord
from mosaic_mcp.studio.tiles.speech.heard import sounding_sources
from mosaic_mcp.studio.tiles.speech.spans import keep
from mosaic_mcp.studio.tiles.tile import TileContext
from mosaic_mcp.studio.timeline.edit import PlacedWord, placed_words
from mosaic_mcp.studio.timeline.model import Timeline


async def cut_out(
    timeline: Timeline, moments: Sequence[Moment], context: TileContext
) -> list[Timeline]:
    """A timeline for each moment, in their order, called by its title or "talk, clip 1".

    Words are cut where the caller cuts them; a warning says which. Raises MediaError with every
    moment that the video does not have.
    """
    _check(timeline, moments)
    words = await known_words(timeline, context.perception)
    spans = [_span(timeline, moment, words) for moment in moments]
    for number, span in enumerate(spans, 1):
        for told in _torn(span, words, 1 / timeline.frame_rate):
            await context.warn(f"clip {number} {told}")
    return [
        keep(timeline, [span], context.node).model_copy(
            update={"name": moment.title or f"{timeline.name}, clip {number}"}
        )
        for number, (moment, span) in enumerate(zip(moments, spans, strict=True), 1)
    ]


def _check(timeline: Timeline, moments: Sequence[Moment]) -> None:
    length = timeline.duration * 1000
    wrong = [
        f"clip {number} ({moment.start_ms} to {moment.end_ms} ms)"
        for number, moment in enumerate(moments, 1)
        if moment.start_ms >= length or moment.end_ms > length + SLACK_MS
    ]
    if wrong:
        raise MediaError(
            f"{timeline.name} lasts {round(length)} ms: {', '.join(wrong)} lies behind its end.",
            remedy="Give ranges inside the video; read_transcript has its times.",
        )


def _span(timeline: Timeline, moment: Moment, words: Sequence[PlacedWord]) -> Interval:
    """The moment on whole frames, one at least; it takes no less than a frame off a word."""
    rate = timeline.frame_rate
    last = round(timeline.duration * rate)
    start = min(round(Fraction(moment.start_ms, 1000) * rate), last - 1)
    end = min(max(round(Fraction(moment.end_ms, 1000) * rate), start + 1), last)
    if any(0 < start - word.start * rate < 1 for word in words):
        start -= 1
    if any(0 < word.end * rate - end < 1 for word in words):
        end = min(end + 1, last)
    return Interval(start=start / rate, end=end / rate)


async def known_words(timeline: Timeline, perception: Perception) -> list[PlacedWord]:
    """The words where they are known already: nobody waits for a warning."""
    said: dict[str, Sequence[SpokenWord]] = {}
    for source in sounding_sources(timeline):
        heard = await perception.known_words(source)
        if heard is not None and heard.reliable:
            said[source.sha256] = heard.words
    return placed_words(timeline, said)


def torn(at: Fraction, words: Sequence[PlacedWord], frame: Fraction) -> Iterator[PlacedWord]:
    """The words that a cut goes through, not only by what times are rounded to."""
    return (word for word in words if word.start + frame <= at <= word.end - frame)


def _torn(span: Interval, words: Sequence[PlacedWord], frame: Fraction) -> Iterator[str]:
    for edge, verb in ((span.start, "begins"), (span.end, "ends")):
        for word in torn(edge, words, frame):
            yield (
                f"{verb} at {float(edge):.2f} s, inside the word {word.text!r} "
                f"({float(word.start):.2f} to {float(word.end):.2f} s)"
            )
