"""What a montage can show: stretches of the inputs without a cut in them, and how good they are.

A stretch lies in one clip and one shot. Windows are taken out of it one by one, so that nothing is
shown twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

from mosaic_mcp.studio.perception.model import Face, Moment
from mosaic_mcp.studio.tiles.tile import TileContext
from mosaic_mcp.studio.timeline.model import Clip, Source, Timeline

MARGIN = Fraction(1, 10)
"""Seconds kept away from a change of shot: it may be found a frame late, or be a dissolve."""
STEP = Fraction(1, 4)
"""Windows begin on a grid of so many seconds."""
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


@dataclass(frozen=True, slots=True)
class Window:
    """What is shown for a while."""

    input: int
    clip: Clip
    start: Fraction
    motion: float
    """0..1 among the moments of its source."""


@dataclass(slots=True)
class Footage:
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
        found = [
            (self._worth(stretch, start, length), stretch, start)
            for stretch in self.stretches
            for start in _starts(stretch, length)
        ]
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

    def _worth(self, stretch: Stretch, start: Fraction, length: Fraction) -> float:
        worth = self.rated[stretch.clip.source].worth(start, start + length)
        if self._taken:
            share = self._taken.count(stretch.input) / len(self._taken)
            worth -= TIRED * (share * self.inputs / 2 + (self._taken[-1] == stretch.input))
        if start < self._last.get(stretch.input, start):
            worth -= BACKWARDS
        return worth

    def _cut_out(self, stretch: Stretch, start: Fraction, end: Fraction) -> None:
        self.stretches.remove(stretch)
        for a, b in ((stretch.start, start), (end, stretch.end)):
            if b > a:
                self.stretches.append(Stretch(stretch.input, stretch.clip, a, b))


class Rated:
    """How good the moments of a source are, among themselves."""

    def __init__(self, moments: Sequence[Moment], faces: Sequence[Face]) -> None:
        self._times = [moment.time for moment in moments]
        self._motion = _ranks([moment.motion for moment in moments])
        sharp = _ranks([moment.sharpness for moment in moments])
        near = Fraction(1, 2)
        seen = [float(any(abs(f.time - at) <= near for f in faces)) for at in self._times]
        self._worth = [
            SHARP * s + MOVING * m + FACES * f
            for s, m, f in zip(sharp, self._motion, seen, strict=True)
        ]

    def worth(self, start: Fraction, end: Fraction) -> float:
        """Mean of the moments between two times."""
        return self._mean(self._worth, start, end)

    def motion(self, start: Fraction, end: Fraction) -> float:
        """The same of motion alone."""
        return self._mean(self._motion, start, end)

    def _mean(self, values: Sequence[float], start: Fraction, end: Fraction) -> float:
        inside = [v for at, v in zip(self._times, values, strict=True) if start <= at < end]
        return sum(inside) / len(inside) if inside else 0.5


async def footage(inputs: Sequence[Timeline], context: TileContext) -> Footage:
    """Look at everything that the inputs show."""
    rated: dict[str, Rated] = {}
    shots: dict[str, list[Fraction]] = {}
    stretches: list[Stretch] = []
    for number, timeline in enumerate(inputs):
        for clip in timeline.clips:
            source = timeline.sources[clip.source]
            if source.sha256 not in rated:
                await context.report(0.1 + 0.6 * number / len(inputs), f"looking at {source.name}")
                rated[source.sha256], shots[source.sha256] = await _seen(source, context)
            stretches += _stretches(number, clip, shots[clip.source])
    return Footage(stretches, rated, len(inputs))


async def _seen(source: Source, context: TileContext) -> tuple[Rated, list[Fraction]]:
    moments = await context.perception.moments(source)
    faces = await context.perception.faces(source)
    return Rated(moments, faces), list(await context.perception.shots(source))


def _stretches(number: int, clip: Clip, shots: Sequence[Fraction]) -> Iterator[Stretch]:
    """The clip between the changes of shot in it, and away from them."""
    inside = [at for at in shots if clip.start < at < clip.end]
    for a, b in pairwise([clip.start, *inside, clip.end]):
        start = a + MARGIN if a in inside else a
        end = b - MARGIN if b in inside else b
        if end > start:
            yield Stretch(number, clip, start, end)


def _starts(stretch: Stretch, length: Fraction) -> Iterator[Fraction]:
    start = stretch.start
    while start + length <= stretch.end:
        yield start
        start += STEP


def _ranks(values: Sequence[float]) -> list[float]:
    """Each value's place among all, 0..1."""
    order = sorted(values)
    last = max(len(values) - 1, 1)
    places = {value: place / last for place, value in enumerate(order)}
    return [places[value] for value in values]
