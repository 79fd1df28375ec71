"""Moments for another picture: from the start of a sentence or phrase, not too short or long.

All times are output time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from mosaic_mcp.studio.perception.model import Interval
from mosaic_mcp.studio.tiles.speech.heard import Heard
from mosaic_mcp.studio.tiles.speech.relevance import stems
from mosaic_mcp.studio.tiles.speech.sentences import sentences, shortened
from mosaic_mcp.studio.tiles.speech.spans import Stretches
from mosaic_mcp.studio.timeline.edit import clips_in, shown, to_source
from mosaic_mcp.studio.timeline.model import Span, Timeline

OPENING = Fraction(3)
"""Seconds in which the speaker is seen before anything else is."""
SHORTEST, LONGEST = Fraction(2), Fraction(5)
"""Seconds of a moment."""
BETWEEN = Fraction(3, 2)
"""Seconds of the speaker between two of them."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Where another picture may be."""

    start: Fraction
    end: Fraction
    text: str
    """What is said then."""
    stems: tuple[str, ...] = ()

    @property
    def duration(self) -> Fraction:
        """Seconds."""
        return self.end - self.start


def moments(timeline: Timeline, heard: Heard) -> list[Moment]:
    """Every moment, in order; none where another picture is already."""
    places = (place for cut in timeline.cutaways for place in shown(timeline, cut.over))
    taken = Stretches(Interval(start=start, end=end) for start, end in places)
    parts = [p for one in sentences(timeline, heard.words) for p in shortened(one, LONGEST)]
    ends = [min(max(p.end, p.start + SHORTEST), p.start + LONGEST) for p in parts]
    spans = [(part.start, end) for part, end in zip(parts, ends, strict=True)]
    found: list[Moment] = []
    for part, clips in zip(parts, clips_in(timeline, spans), strict=True):
        end = part.start + _reach(timeline.model_copy(update={"clips": clips}))
        moment = Moment(part.start, end, part.text, tuple(stems(part.text, heard.language)))
        free = not taken.touch(moment)
        if free and part.start >= OPENING and moment.duration >= SHORTEST:
            found.append(moment)
    return found


def _reach(part: Timeline) -> Fraction:
    """How long a part goes on in one source."""
    places = shown(part, span(part, Fraction(0), part.duration))
    return next((last for first, last in places if first <= 0 < last), Fraction(0))


def span(timeline: Timeline, start: Fraction, end: Fraction) -> Span:
    """What is heard from `start` to `end`, of the source at the start: jump cuts in it included."""
    frame = 1 / timeline.frame_rate
    first, last = to_source(timeline, start), to_source(timeline, end - frame)
    assert first is not None  # noqa: S101 - words lie within the output
    clip, at = timeline.clips[first[0]], first[1]
    stop = min(clip.end, at + end - start)
    if last is not None and timeline.clips[last[0]].source == clip.source and last[1] > at:
        stop = last[1] + frame
    return Span(source=clip.source, start=at, end=stop)


def apart(moment: Moment, others: Sequence[Moment]) -> bool:
    """True when the speaker is seen for a while between it and every other."""
    return all(
        other.end + BETWEEN <= moment.start or moment.end + BETWEEN <= other.start
        for other in others
    )


def spread(found: Sequence[Moment], wanted: int) -> list[Moment]:
    """At most so many of them, apart from each other, the nearest to even places."""
    chosen: list[Moment] = []
    for index in range(wanted if found else 0):
        length = found[-1].end - found[0].start
        at = found[0].start + length * (2 * index + 1) / (2 * wanted)
        free = [moment for moment in found if apart(moment, chosen)]
        if free:
            chosen.append(min(free, key=lambda moment: abs(moment.start - at)))
    return sorted(chosen, key=lambda moment: moment.start)
