"""Every face in a picture. Runs in the helper.

OpenCV's Haar cascades: frontal upright faces, and profiles where no frontal one is found. They are
in the package itself; newer detectors need weights that nobody ships.
"""

from __future__ import annotations

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
