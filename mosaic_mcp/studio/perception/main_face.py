"""Which of the faces that are seen is the speaker's."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from mosaic_mcp.studio.perception.model import Face
from mosaic_mcp.studio.perception.seen import Box, Faces

NEAR_S = 3.5
"""A face that no neighbour within this time confirms is taken for a mistake. Key frames may stand
nearly so far apart."""


def main_face(seen: Sequence[Faces], cuts: Sequence[Fraction]) -> tuple[Face, ...]:
    """The speaker's face at each moment that shows it; both are in order.

    Within a shot the face nearest to the one before goes on; a shot begins with the largest. What
    appears once and nowhere near in time is dropped.
    """
    chosen: list[tuple[Fraction, Box]] = []
    last: Box | None = None
    passed = 0
    for moment in seen:
        while passed < len(cuts) and cuts[passed] <= moment.time:
            passed, last = passed + 1, None
        if moment.boxes:
            last = _follow(moment.boxes, last)
            chosen.append((moment.time, last))
    return tuple(
        Face(time=time, x=box[0], y=box[1], width=box[2], height=box[3])
        for index, (time, box) in enumerate(chosen)
        if len(seen) == 1 or _confirmed(chosen, index)
    )


def _follow(boxes: Sequence[Box], last: Box | None) -> Box:
    if last is None:
        return max(boxes, key=lambda b: b[2])
    before = last
    # Size counts as well: a small false face beside the speaker must not win by distance alone.
    return min(
        boxes,
        key=lambda b: abs(b[0] - before[0]) + abs(b[1] - before[1]) + 2 * abs(b[2] - before[2]),
    )


def _confirmed(chosen: Sequence[tuple[Fraction, Box]], index: int) -> bool:
    time, box = chosen[index]
    for other, (at, neighbour) in enumerate(chosen[max(0, index - 3) : index + 4]):
        if other + max(0, index - 3) == index or abs(at - time) > NEAR_S:
            continue
        close = abs(neighbour[0] - box[0]) < 0.25 and abs(neighbour[1] - box[1]) < 0.2
        if close and 0.5 < neighbour[2] / box[2] < 2:
            return True
    return False
