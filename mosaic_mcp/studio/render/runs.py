"""Clips as frames: which frames of which source, in which order.

Everything is counted in frames of the canvas' rate: a source is first shown at that rate, then
frame n of it is the picture at n / rate seconds. Rising pieces of one source become one *run*,
decoded once and picked from; a jump back, far ahead, or to another source begins the next run.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from mosaic_mcp.studio.timeline.edit import snap
from mosaic_mcp.studio.timeline.model import Clip, Timeline

FAR = Fraction(20)
"""Seconds of skipped source above which opening the file again beats decoding through."""


@dataclass(frozen=True, slots=True)
class Run:
    """Frames of one source in rising order: spans of (first, last) frame numbers."""

    source: str
    spans: tuple[tuple[int, int], ...]

    @property
    def frames(self) -> int:
        """How many frames the run shows."""
        return sum(last - first + 1 for first, last in self.spans)

    @property
    def first(self) -> int:
        """Number of its first frame in the source."""
        return self.spans[0][0]

    @property
    def last(self) -> int:
        """Number of its last frame in the source."""
        return self.spans[-1][1]


def settled(timeline: Timeline) -> Timeline:
    """The timeline as it is rendered: clips that continue each other joined, whole frames each."""
    clips: list[Clip] = []
    for clip in timeline.clips:
        before = clips[-1] if clips else None
        if before and before.source == clip.source and before.end == clip.start:
            clips[-1] = before.model_copy(update={"end": clip.end})
        else:
            clips.append(clip)
    return snap(timeline.model_copy(update={"clips": tuple(clips)}))


def runs(timeline: Timeline) -> list[Run]:
    """The runs of a settled timeline; together they have its frames."""
    found: list[Run] = []
    for clip in timeline.clips:
        first, last = _span(clip, timeline.frame_rate)
        before = found[-1] if found and found[-1].source == clip.source else None
        if before and first == before.last:
            # Two ends rounded to one frame: the second clip begins with the next.
            first, last = first + 1, last + 1
        if before and before.last < first < before.last + FAR * timeline.frame_rate:
            spans = before.spans
            if first == before.last + 1:
                spans = (*spans[:-1], (spans[-1][0], last))
            else:
                spans = (*spans, (first, last))
            found[-1] = Run(clip.source, spans)
        else:
            found.append(Run(clip.source, ((first, last),)))
    return found


def _span(clip: Clip, rate: Fraction) -> tuple[int, int]:
    """First and last frame of a clip: the first is the one nearest to its start."""
    first = max(0, math.ceil(clip.start * rate - Fraction(1, 2)))
    return first, first + round(clip.duration * rate) - 1
