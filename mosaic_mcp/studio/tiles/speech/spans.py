"""Stretches of output time: set operations on them, and cuts that leave room to breathe."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, islice
from math import ceil, floor

from mosaic_mcp.errors import Unsupported
from mosaic_mcp.studio.perception.model import Interval
from mosaic_mcp.studio.timeline.edit import PlacedWord, Timed, clips_in, tracks_in
from mosaic_mcp.studio.timeline.model import Timeline


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """The union, in order, without overlaps."""
    union: list[Interval] = []
    for part in sorted(intervals, key=lambda i: (i.start, i.end)):
        if union and part.start <= union[-1].end:
            union[-1] = Interval(start=union[-1].start, end=max(union[-1].end, part.end))
        else:
            union.append(part)
    return union


def without(intervals: Iterable[Interval], holes: Iterable[Interval]) -> list[Interval]:
    """What is left of `intervals` outside `holes`, in order, without overlaps."""
    solid = merged(holes)
    first = 0
    left: list[Interval] = []
    for part in merged(intervals):
        start = part.start
        while first < len(solid) and solid[first].end <= start:
            first += 1
        for hole in islice(solid, first, None):
            if hole.start >= part.end:
                break
            if hole.start > start:
                left.append(Interval(start=start, end=hole.start))
            start = hole.end
        if start < part.end:
            left.append(Interval(start=start, end=part.end))
    return left


def spans_of(words: Iterable[PlacedWord]) -> list[Interval]:
    """When the words are said, in output time."""
    return [Interval(start=w.start, end=w.end) for w in words]


def touches(interval: Interval, others: Iterable[Interval]) -> bool:
    """True when `interval` shares time with one of `others`."""
    return any(o.start < interval.end and interval.start < o.end for o in others)


class Stretches:
    """Stretches of time in any order, put in order once to be asked many times."""

    def __init__(self, parts: Iterable[Timed]) -> None:
        ordered = sorted(parts, key=lambda part: part.start)
        self._starts = [part.start for part in ordered]
        self._reach = list(accumulate((part.end for part in ordered), max))
        """How far one of the first so many goes."""

    def touch(self, part: Timed) -> bool:
        """True when one of them shares time with `part`."""
        begun = bisect_left(self._starts, part.end)
        return begun > 0 and part.start < self._reach[begun - 1]

    def hold(self, time: Fraction) -> bool:
        """True when `time` is in one of them."""
        begun = bisect_right(self._starts, time)
        return begun > 0 and time < self._reach[begun - 1]


def on_frame(wanted: Fraction, low: Fraction, high: Fraction, rate: Fraction) -> Fraction:
    """The frame time nearest to `wanted` inside [low, high]; `wanted` where there is none.

    Rendering rounds every edge to a frame. Choosing the frame here keeps that rounding out of the
    words on both sides.
    """
    wanted = min(max(wanted, low), high)
    if not rate:
        return wanted
    frames = {floor(wanted * rate), ceil(wanted * rate), floor(high * rate), ceil(low * rate)}
    inside = [t for n in frames if low <= (t := n / rate) <= high]
    return min(inside, key=lambda t: abs(t - wanted), default=wanted)


@dataclass(frozen=True, slots=True)
class Pace:
    """How much silence to leave. Seconds."""

    longest_pause: Fraction
    """A pause this long or longer is shortened."""
    before: Fraction
    """Left ahead of a sound: the breath before a word."""
    after: Fraction
    """Left behind a sound: its decay."""


def tighten(
    sounds: Sequence[Interval],
    cuts: Sequence[Interval],
    total: Fraction,
    pace: Pace,
    rate: Fraction,
) -> list[Interval]:
    """The stretches of [0, total) to keep.

    `sounds` are kept whole. The silence between two of them is shortened when it is long, and
    always where it holds one of `cuts`, which go completely. Both are merged.
    """
    kept: list[Interval] = []
    start = Fraction(0)
    ends = [None, *(s.end for s in sounds)]
    starts = [*(s.start for s in sounds), None]
    for earlier, later in zip(ends, starts, strict=True):
        removed = _removal(earlier, later, cuts, total, pace, rate)
        if removed is None:
            continue
        if removed.start > start:
            kept.append(Interval(start=start, end=removed.start))
        start = removed.end
    if start < total:
        kept.append(Interval(start=start, end=total))
    return kept


def _removal(
    earlier: Fraction | None,
    later: Fraction | None,
    cuts: Sequence[Interval],
    total: Fraction,
    pace: Pace,
    rate: Fraction,
) -> Interval | None:
    """What to take out between a sound that ends at `earlier` and one that begins at `later`."""
    low = Fraction(0) if earlier is None else earlier
    high = total if later is None else later
    if high <= low:
        return None
    over = bisect_right(cuts, low, key=lambda c: c.end)
    inside = cuts[over : bisect_left(cuts, high, key=lambda c: c.start)]
    if not inside and high - low < pace.longest_pause:
        return None
    first = min((max(c.start, low) for c in inside), default=high)
    last = max((min(c.end, high) for c in inside), default=low)
    start = low if earlier is None else on_frame(low + pace.after, low, first, rate)
    end = high if later is None else on_frame(high - pace.before, last, high, rate)
    return Interval(start=start, end=end) if start < end else None


def keep(timeline: Timeline, spans: Iterable[Interval], tile: str) -> Timeline:
    """The timeline with only `spans` of its output time, in order, one after the other.

    Clips that change carry `tile`. A cut that leaves nothing is refused: nobody wants an empty
    video.
    """
    edges = [(span.start, span.end) for span in spans]
    untouched = set(timeline.clips)
    clips = tuple(
        clip if clip in untouched else clip.model_copy(update={"tile": tile})
        for shown in clips_in(timeline, edges)
        for clip in shown
    )
    if not clips:
        raise Unsupported(
            f"Nothing of {timeline.name} would be left: all that is said in it is to go.",
            remedy="Ask to remove less, or leave the tile out for this video.",
        )
    tracks = tracks_in(timeline, edges)
    return timeline.model_copy(update={"clips": clips, "tracks": tracks})
