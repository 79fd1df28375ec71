"""Pure edits of a timeline, and the mapping between source time and output time.

Output time starts at 0 with the first clip; clips follow each other without gaps. A moment of a
source may appear several times in the output, or never.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import accumulate
from typing import Protocol, TypeVar

from mosaic_mcp.studio.perception.model import SpokenWord
from mosaic_mcp.studio.timeline.model import Clip, Part, Seconds, Source, Timeline, Track
from mosaic_mcp.studio.timeline.model import Span as SourceSpan

MAX_RATE = 60
"""Frames per second of a canvas: sources above are shown at half their rate."""
Span = tuple[Fraction, Fraction]


class PlacedWord(Part):
    """A word in output time, and where it comes from."""

    text: str
    start: Seconds
    end: Seconds
    confidence: float = 1.0
    filler: bool = False
    speaker: str | None = None
    source: str
    clip: int
    """Index of the clip that says it."""


def from_source(
    source: Source,
    *,
    tile: str,
    name: str | None = None,
    start: Fraction | None = None,
    end: Fraction | None = None,
) -> Timeline:
    """One clip of a source: all of it, or [start, end) of its time."""
    begin = max(Fraction(0), start or Fraction(0))
    stop = source.duration if end is None else min(end, source.duration)
    clip = Clip(source=source.sha256, start=begin, end=max(begin, stop), tile=tile)
    timeline = Timeline(
        name=name or source.name,
        width=even(source.width) or 1280,
        height=even(source.height) or 720,
        frame_rate=canvas_rate(source),
        sources={source.sha256: source},
        clips=(clip,),
    )
    return snap(timeline)


def canvas_rate(source: Source) -> Fraction:
    """The constant rate that a source is shown at: its own, halved while above 60."""
    rate = source.frame_rate
    if rate <= 0:
        return Fraction(30)
    if source.variable_frame_rate:
        # A measured rate is an odd number; the next common one keeps every frame.
        common = [Fraction(r) for r in ("24", "25", "30", "50", "60")]
        rate = next((r for r in common if r >= rate - Fraction(1, 2)), Fraction(60))
    while rate > MAX_RATE:
        rate /= 2
    return rate.limit_denominator(1001)


def even(pixels: int) -> int:
    """The nearest even number below: 4:2:0 pictures have even sides."""
    return pixels - pixels % 2


def snap(timeline: Timeline) -> Timeline:
    """Every clip a whole number of canvas frames long, so that sound and picture end together.

    Only ends move, by less than a frame; what becomes shorter than a frame is dropped.
    """
    rate = timeline.frame_rate
    clips: list[Clip] = []
    for clip in timeline.clips:
        length = timeline.sources[clip.source].duration
        # A length in milliseconds (Matroska) may miss its last whole frame by a rounding.
        longest = int((length - clip.start + Fraction(9, 10_000)) * rate)
        frames = min(round(clip.duration * rate), longest)
        if frames > 0:
            clips.append(clip.model_copy(update={"end": clip.start + frames / rate}))
    return timeline.model_copy(update={"clips": tuple(clips)})


def at_rate(timeline: Timeline, rate: Fraction) -> Timeline:
    """The timeline at another frame rate; tracks stay with the pictures that they lie over."""
    if timeline.frame_rate == rate:
        return timeline
    old, new = offsets(timeline), [Fraction(0)]
    other = timeline.model_copy(update={"frame_rate": rate})
    for clip in timeline.clips:
        new.append(new[-1] + snap(other.model_copy(update={"clips": (clip,)})).duration)

    def there(time: Fraction) -> Fraction:
        index = min(bisect.bisect_right(old, time), len(old) - 1) - 1
        return min(new[index] + time - old[index], new[-1])

    tracks = [
        track.model_copy(
            update={"at": there(track.at), "until": track.until and there(track.until)}
        )
        for track in timeline.tracks
    ]
    return snap(other).model_copy(update={"tracks": tuple(tracks)})


def offsets(timeline: Timeline) -> list[Fraction]:
    """Where each clip begins in the output, and at the end the whole duration."""
    at = Fraction(0)
    starts = [at]
    for clip in timeline.clips:
        at += clip.duration
        starts.append(at)
    return starts


def trim(timeline: Timeline, start: Fraction, end: Fraction) -> Timeline:
    """[start, end) of the output."""
    [clips] = clips_in(timeline, [(start, end)])
    tracks = tracks_in(timeline, [(start, end)])
    return timeline.model_copy(update={"clips": clips, "tracks": tracks})


def clips_in(timeline: Timeline, spans: Iterable[Span]) -> Iterator[tuple[Clip, ...]]:
    """What each of these spans of the output shows."""
    starts = offsets(timeline)
    for start, end in spans:
        first = max(bisect.bisect_right(starts, start) - 1, 0)
        last = bisect.bisect_left(starts, end)
        places = zip(timeline.clips[first:last], starts[first:last], strict=False)
        yield tuple(part for clip, at in places if (part := _part(clip, start - at, end - at)))


def _part(clip: Clip, start: Fraction, end: Fraction) -> Clip | None:
    """The clip from `start` to `end`, counted from its beginning; None: nothing of it."""
    start, end = max(start, Fraction(0)), min(end, clip.duration)
    if start >= end:
        return None
    return clip.model_copy(update={"start": clip.start + start, "end": clip.start + end})


def tracks_in(timeline: Timeline, spans: Sequence[Span]) -> tuple[Track, ...]:
    """The tracks for an output of these spans of the timeline's, which are in order.

    A voice is cut with the picture that it speaks over. Music goes on over cuts, from where the
    first span has it; a loop begins there.
    """
    starts = list(accumulate((end - start for start, end in spans), initial=Fraction(0)))
    tracks: list[Track] = []
    for track in timeline.tracks:
        if track.kind == "voice" and not track.loop:
            tracks += _spoken_in(track, timeline, spans, starts)
            continue

        def kept(time: Fraction) -> Fraction:
            return sum((max(min(time, b) - a, Fraction(0)) for a, b in spans), Fraction(0))

        at, over = kept(track.at), kept(track_end(track, timeline))
        if at < over:
            skipped = max(spans[0][0] - track.at, Fraction(0)) if not track.loop else Fraction(0)
            until = None if track.until is None else over
            change = {"at": at, "until": until, "start": track.start + skipped}
            tracks.append(track.model_copy(update=change))
    return tuple(tracks)


def _spoken_in(
    track: Track, timeline: Timeline, spans: Sequence[Span], starts: Sequence[Fraction]
) -> Iterator[Track]:
    over = track_end(track, timeline)
    for (start, end), at in zip(spans, starts, strict=False):
        first, last = max(start, track.at), min(end, over)
        if first < last:
            change: dict[str, Fraction | None] = {
                "at": at + first - start,
                "start": track.start + first - track.at,
                "until": None,
            }
            if last < over or track.until is not None:
                change["end"] = track.start + last - track.at
            yield track.model_copy(update=change)


def track_end(track: Track, timeline: Timeline) -> Fraction:
    """Where in the output a track ends."""
    ends = [timeline.duration]
    if track.until is not None:
        ends.append(track.until)
    if not track.loop:
        end = timeline.sources[track.source].duration if track.end is None else track.end
        ends.append(track.at + end - track.start)
    return min(ends)


def later(track: Track, seconds: Fraction) -> Track:
    """The track so much later in the output."""
    until = None if track.until is None else track.until + seconds
    return track.model_copy(update={"at": track.at + seconds, "until": until})


def to_output(timeline: Timeline, source: str, time: Fraction) -> list[Fraction]:
    """Every moment of the output that shows `time` of the source."""
    return [
        at + time - clip.start
        for clip, at in zip(timeline.clips, offsets(timeline), strict=False)
        if clip.source == source and clip.start <= time < clip.end
    ]


def to_source(timeline: Timeline, time: Fraction) -> tuple[int, Fraction] | None:
    """The clip's index and the source time at a moment of the output; None outside."""
    starts = offsets(timeline)
    index = bisect.bisect_right(starts, time) - 1
    if index < 0 or index >= len(timeline.clips):
        return None
    return index, timeline.clips[index].start + time - starts[index]


def shown(timeline: Timeline, span: SourceSpan) -> list[Span]:
    """Where in the output a span of a source is shown; what continues is one."""
    found: list[Span] = []
    for clip, at in zip(timeline.clips, offsets(timeline), strict=False):
        first, last = max(span.start, clip.start), min(span.end, clip.end)
        if clip.source != span.source or first >= last:
            continue
        start, end = at + first - clip.start, at + last - clip.start
        if found and found[-1][1] == start:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def picture_of(timeline: Timeline) -> str | None:
    """The asset of the one still picture that the whole output shows; None when it shows more."""
    shown_ones = {timeline.sources[clip.source].picture for clip in timeline.clips}
    return shown_ones.pop() if len(shown_ones) == 1 else None


def placed_words(timeline: Timeline, words: Mapping[str, Sequence[SpokenWord]]) -> list[PlacedWord]:
    """The words that the clips of the output say, in its time and order."""
    return _as_words(timeline, placed(timeline, words))


def all_placed_words(
    timeline: Timeline, words: Mapping[str, Sequence[SpokenWord]]
) -> list[PlacedWord]:
    """The words that the output says, those of voices beside its clips among them."""
    return _as_words(timeline, all_placed(timeline, words))


def _as_words(
    timeline: Timeline, said: Iterable[tuple[SpokenWord, Fraction, Fraction, int]]
) -> list[PlacedWord]:
    sources = [each.source for each in (*timeline.clips, *timeline.tracks)]
    return [
        PlacedWord(
            text=word.text,
            start=start,
            end=end,
            confidence=word.confidence,
            filler=word.filler,
            speaker=word.speaker,
            source=sources[number],
            clip=number,
        )
        for word, start, end, number in said
    ]


class Timed(Protocol):
    """What has a place in a source."""

    @property
    def start(self) -> Fraction: ...
    @property
    def end(self) -> Fraction: ...


TimedT = TypeVar("TimedT", bound=Timed)


def placed(
    timeline: Timeline, words: Mapping[str, Sequence[TimedT]]
) -> Iterator[tuple[TimedT, Fraction, Fraction, int]]:
    """The words that the output says: each with its start and end there, and its clip's index.

    `words` are in order, by source. A word belongs to a clip that shows its middle and is not
    muted; what the clip cuts off is cut off its time.
    """
    middles = _middles(words)
    for index, (clip, at) in enumerate(zip(timeline.clips, offsets(timeline), strict=False)):
        said = () if clip.muted else words.get(clip.source, ())
        first = bisect.bisect_left(middles.get(clip.source, []), clip.start)
        last = bisect.bisect_left(middles.get(clip.source, []), clip.end)
        for word in said[first:last]:
            start = at + max(word.start, clip.start) - clip.start
            yield word, start, at + min(word.end, clip.end) - clip.start, index


def all_placed(
    timeline: Timeline, words: Mapping[str, Sequence[TimedT]]
) -> list[tuple[TimedT, Fraction, Fraction, int]]:
    """The same with the words of voices beside the clips, in their order.

    Where a voice says some, those of the clips under it are left out. Tracks are counted on behind
    the clips.
    """
    voices = [
        (number, track, track_end(track, timeline))
        for number, track in enumerate(timeline.tracks, len(timeline.clips))
        if track.kind == "voice" and track.source in words
    ]
    middles = _middles({track.source: words[track.source] for _, track, _ in voices})
    said: list[tuple[TimedT, Fraction, Fraction, int]] = []
    for number, track, end in voices:
        shift, known = track.at - track.start, middles[track.source]
        first = bisect.bisect_left(known, track.at - shift)
        last = bisect.bisect_left(known, end - shift)
        said += [
            (word, max(word.start + shift, track.at), min(word.end + shift, end), number)
            for word in words[track.source][first:last]
        ]
    begins = sorted(track.at for _, track, _ in voices)
    ends = sorted(end for _, _, end in voices)
    for word, start, end, clip in placed(timeline, words):
        middle = (start + end) / 2
        # As many voices have ended as have begun: none speaks.
        if bisect.bisect_right(begins, middle) == bisect.bisect_right(ends, middle):
            said.append((word, start, end, clip))
    return sorted(said, key=lambda each: each[1])


def _middles(words: Mapping[str, Sequence[TimedT]]) -> dict[str, list[Fraction]]:
    return {s: [(w.start + w.end) / 2 for w in said] for s, said in words.items()}
