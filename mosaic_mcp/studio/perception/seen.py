"""What was seen of a source so far: looked at in stretches, where somebody asked to know.

An hour of talk from which five minutes are taken needs not be looked at as a whole. A source is
divided into steps of ten seconds; neighbouring steps that nobody asked for yet are looked at in one
go, and kept under the numbers of the first and the last.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise

from mosaic_mcp.studio.perception.model import Interval
from mosaic_mcp.studio.timeline.model import Part, Seconds

STEP_S = 10
VERSION = 4
"""Part of the names: a better algorithm does not read an older one's answers."""


Box = tuple[float, float, float, float]
"""Centre x, centre y, width, height, in fractions of the picture."""


class Faces(Part):
    """Every face at a moment."""

    time: Seconds
    boxes: tuple[Box, ...]


class Seen(Part):
    """What a stretch, or several, show: when shots begin inside, and faces at many moments."""

    shots: tuple[Seconds, ...] = ()
    faces: tuple[Faces, ...] = ()

    def only(self, steps: Iterable[int]) -> Seen:
        """Of these steps alone."""
        wanted = set(steps)
        return Seen(
            shots=tuple(at for at in self.shots if at // STEP_S in wanted),
            faces=tuple(moment for moment in self.faces if moment.time // STEP_S in wanted),
        )


def joined(parts: Sequence[Seen]) -> Seen:
    """All that some stretches show, in order of time; they may overlap."""
    faces = {moment.time: moment for part in parts for moment in part.faces}
    return Seen(
        shots=tuple(sorted({at for part in parts for at in part.shots})),
        faces=tuple(faces[time] for time in sorted(faces)),
    )


def steps_of(duration: Fraction, within: Sequence[Interval] | None) -> set[int]:
    """The numbers of the steps that intervals touch; without them all of the source's."""
    last = max(0, -(-duration // STEP_S) - 1)
    if within is None:
        return set(range(last + 1))
    touched = (
        range(max(0, int(i.start // STEP_S)), min(last, int(-(-i.end // STEP_S) - 1)) + 1)
        for i in within
    )
    return {step for steps in touched for step in steps}


def runs_of(steps: Iterable[int]) -> list[range]:
    """Steps that follow each other, together."""
    ordered = sorted(steps)
    breaks = [n for n, (a, b) in enumerate(pairwise(ordered), 1) if b != a + 1]
    return [
        range(ordered[begin], ordered[end - 1] + 1)
        for begin, end in pairwise([0, *breaks, len(ordered)])
        if end > begin
    ]


def name_of(run: range) -> str:
    """What a stretch is kept under."""
    return f"look-{VERSION}-{run[0]}-{run[-1]}"


def run_named(name: str) -> range | None:
    """The stretch that is kept under a name; None when it is no stretch of ours."""
    found = re.fullmatch(rf"look-{VERSION}-(\d+)-(\d+)", name)
    return range(int(found[1]), int(found[2]) + 1) if found else None


def span_of(run: range) -> tuple[str, str]:
    """Begin and end of a stretch in seconds, as the helper takes them."""
    return str(run[0] * STEP_S), str((run[-1] + 1) * STEP_S)
