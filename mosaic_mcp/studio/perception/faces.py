"""Faces in a picture, and which of them is the speaker's. Runs in the helper.

OpenCV's Haar cascades: frontal upright faces, and profiles where no frontal one is found. They are
in the package itself; newer detectors need weights that nobody ships.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from threading import get_ident
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Box = tuple[float, float, float, float]
"""Centre x, centre y, width, height, in fractions of the picture."""
NEAR_S = 3.5
"""A face that no neighbour within this time confirms is taken for a mistake. Key frames may stand
nearly so far apart."""


@dataclass(slots=True)
class Found:
    """The faces at a moment."""

    time: Fraction
    boxes: list[Box]


@cache
def _cascade(name: str, _thread: int) -> Any:
    """A detector of a thread's own: it keeps what it works on in itself."""
    folder = Path(cv2.__file__).parent / "data"
    return cv2.CascadeClassifier(str(folder / name))


def find_faces(gray: NDArray[np.uint8]) -> list[Box]:
    """Every face in a gray picture."""
    height, width = gray.shape
    smallest = max(20, height // 14)
    thread = get_ident()
    boxes = _cascade("haarcascade_frontalface_alt2.xml", thread).detectMultiScale(
        gray, 1.15, 4, minSize=(smallest, smallest)
    )
    if not len(boxes):
        boxes = _cascade("haarcascade_profileface.xml", thread).detectMultiScale(
            gray, 1.15, 5, minSize=(smallest, smallest)
        )
    return [
        (
            float((x + w / 2) / width),
            float((y + h / 2) / height),
            float(w / width),
            float(h / height),
        )
        for x, y, w, h in boxes
    ]


def main_face(found: Sequence[Found], cuts: Sequence[Fraction]) -> list[dict[str, Any]]:
    """The speaker's face at each moment that shows it.

    Within a shot the face nearest to the one before goes on; a shot begins with the largest. What
    appears once and nowhere near in time is dropped.
    """
    chosen: list[tuple[Fraction, Box]] = []
    shot = -1
    last: Box | None = None
    for moment in found:
        now = sum(1 for cut in cuts if cut <= moment.time)
        if now != shot:
            shot, last = now, None
        if not moment.boxes:
            continue
        last = _follow(moment.boxes, last)
        chosen.append((moment.time, last))
    return [
        {"time": str(time), "x": box[0], "y": box[1], "width": box[2], "height": box[3]}
        for index, (time, box) in enumerate(chosen)
        if _confirmed(chosen, index)
    ]


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
    return len(chosen) == 1
