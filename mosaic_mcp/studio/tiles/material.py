"""What a montage can show: stretches of the inputs without a cut in them, and how good they are.

A stretch lies in one clip and one shot. Windows are taken out of it one by one, so that nothing is
shown twice.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor

from mosaic_mcp.studio.perception.model import Face, Moment
from mosaic_mcp.studio.tiles.sight import intervals_of
from mosaic_mcp.studio.tiles.tile import TileContext
from mosaic_mcp.studio.timeline.model import Clip, Timeline

MARGIN = Fraction(1, 10)
"""Seconds kept away from a change of shot: it may be found a frame late, or be a dissolve."""
STEP = Fraction(1, 4)
"""Windows begin on a grid of so many seconds."""
NEAR = Fraction(1, 2)
"""Seconds from a moment in which its face was seen."""
SHARP, MOVING, FACES = 0.4, 0.4, 0.2
"""What sharpness, motion and a face count for, against the rest of the same input."""
TIRED = 0.25
"""What it costs to show the input that was shown just before, or its share more often."""
BACKWARDS = 0.1
"""What it costs to show an earlier moment of an input after a later one."""


@dataclass(slots=True)
class Stretch:
    """[start, end) of a clip's source in which the picture does not jump."""

    input: int
    clip: Clip
    start: Fraction
    end: Fraction
    _worths: dict[Fraction, list[float]] = field(
        default_factory=dict[Fraction, list[float]], compare=False
    )

    def worths(self, length: Fraction, rated: Rated) -> list[float]:
        """What each of its windows of that length is worth, found out once."""
        if length not in self._worths:
            room = self.end - self.start - length
            windows = max(0, floor(room / STEP) + 1)
            self._worths[length] = rated.worths(self.start, length, windows)
        return self._worths[length]


@dataclass(frozen=True, slots=True)
class Window:
    """What is shown for a while."""

    input: int
    clip: Clip
    start: Fraction
    motion: float
    """0..1 among the moments of all inputs."""


@dataclass(slots=True)
class Material:
    """The inputs' stretches, and what of them was taken."""

    stretches: list[Stretch]
    rated: dict[str, Rated]
    inputs: int
    _taken: list[int] = field(default_factory=list[int])
    _last: dict[int, Fraction] = field(default_factory=dict[int, Fraction])

    @property
    def seconds(self) -> Fraction:
        """How much there is left."""
        return sum((s.end - s.start for s in self.stretches), Fraction(0))

    def take(self, length: Fraction, slots_left: int) -> Window | None:
        """The best window of that length that was not shown yet; None: there is none.

        `slots_left` with this one: every input is shown while there is room for it.
        """
        found = [best for stretch in self.stretches if (best := self._best(stretch, length))]
        unseen = set(range(self.inputs)) - set(self._taken)
        if len(unseen) >= slots_left:
            found = [one for one in found if one[1].input in unseen] or found
        if not found:
            return None
        _, stretch, start = max(found, key=lambda one: one[0])
        self._cut_out(stretch, start, start + length)
        self._taken.append(stretch.input)
        self._last[stretch.input] = start
        motion = self.rated[stretch.clip.source].motion(start, start + length)
        return Window(stretch.input, stretch.clip, start, motion)

    def _best(self, stretch: Stretch, length: Fraction) -> tuple[float, Stretch, Fraction] | None:
        """What the first of a stretch's best windows is worth now, and where it begins."""
        worths = stretch.worths(length, self.rated[stretch.clip.source])
        if not worths:
            return None
        if self._taken:
            share = self._taken.count(stretch.input) / len(self._taken)
            tired = TIRED * (share * self.inputs / 2 + (self._taken[-1] == stretch.input))
            worths = [worth - tired for worth in worths]
        last = self._last.get(stretch.input, stretch.start)
        before = max(0, ceil((last - stretch.start) / STEP))
        worths = [worth - BACKWARDS for worth in worths[:before]] + worths[before:]
        best = max(worths)
        return best, stretch, stretch.start + worths.index(best) * STEP

    def _cut_out(self, stretch: Stretch, start: Fraction, end: Fraction) -> None:
        self.stretches.remove(stretch)
        for a, b in ((stretch.start, start), (end, stretch.end)):
            if b > a:
                self.stretches.append(Stretch(stretch.input, stretch.clip, a, b))


class Rated:
    """How good the moments of a source are, among those of all sources."""

    def __init__(
        self, moments: Sequence[Moment], faces: Sequence[Face], all_motion: Sequence[float]
    ) -> None:
        self._times = [moment.time for moment in moments]
        self._motion = _ranks([moment.motion for moment in moments], all_motion)
        sharpness = [moment.sharpness for moment in moments]
        # Sharp for what it is: a soft lens is not the fault of the moment.
        sharp = _ranks(sharpness, sorted(sharpness))
        times = sorted(face.time for face in faces)
        seen = [
            float(bisect_left(times, at - NEAR) < bisect_right(times, at + NEAR))
            for at in self._times
        ]
        self._worth = [
            SHARP * s + MOVING * m + FACES * f
            for s, m, f in zip(sharp, self._motion, seen, strict=True)
        ]

    def worths(self, start: Fraction, length: Fraction, windows: int) -> list[float]:
        """Of so many windows of that length, the first at `start`: what their moments are worth.

        That is their mean, 0..1.
        """
        firsts = self._places(start, windows)
        ends = self._places(start + length, windows)
        return [_mean(self._worth[a:b]) for a, b in zip(firsts, ends, strict=True)]

    def motion(self, start: Fraction, end: Fraction) -> float:
        """The mean of how the moments between two times move, 0..1."""
        first, last = bisect_left(self._times, start), bisect_left(self._times, end)
        return _mean(self._motion[first:last])

    def _places(self, start: Fraction, count: int) -> Iterator[int]:
        """How many moments are before each of so many times on the grid that begins at `start`."""
        times = self._times
        place = bisect_left(times, start)
        for step in range(count):
            at = start + step * STEP
            while place < len(times) and times[place] < at:
                place += 1
            yield place


async def look_at(inputs: Sequence[Timeline], context: TileContext) -> Material:
    """Look at everything that the inputs show."""
    moments: dict[str, Sequence[Moment]] = {}
    sources = {clip.source: t.sources[clip.source] for t in inputs for clip in t.clips}
    for number, (sha, source) in enumerate(sources.items()):
        await context.report(0.1 + 0.6 * number / len(sources), f"looking at {source.name}")
        moments[sha] = await context.perception.moments(source)
    motion = sorted(moment.motion for seen in moments.values() for moment in seen)
    rated = {
        sha: Rated(
            moments[sha],
            await context.perception.faces(source, intervals_of(sha, inputs)),
            motion,
        )
        for sha, source in sources.items()
    }
    shots = {
        sha: await context.perception.shots(source, intervals_of(sha, inputs))
        for sha, source in sources.items()
    }
    stretches = [
        stretch
        for number, timeline in enumerate(inputs)
        for clip in timeline.clips
        for stretch in _stretches(number, clip, shots[clip.source])
    ]
    return Material(stretches, rated, len(inputs))


def _stretches(number: int, clip: Clip, shots: Sequence[Fraction]) -> Iterator[Stretch]:
    """The clip between the changes of shot in it, and away from them."""
    inside = shots[bisect_right(shots, clip.start) : bisect_left(shots, clip.end)]
    for a, b in pairwise([clip.start, *inside, clip.end]):
        start = a + MARGIN if a > clip.start else a
        end = b - MARGIN if b < clip.end else b
        if end > start:
            yield Stretch(number, clip, start, end)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.5


def _ranks(values: Sequence[float], among: Sequence[float]) -> list[float]:
    """Each value's place in a sorted list, 0..1; equal ones stand in their middle."""
    double = 2 * max(len(among), 1)
    return [(bisect_left(among, v) + bisect_right(among, v)) / double for v in values]
