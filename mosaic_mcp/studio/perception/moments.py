"""How a picture moves and how sharp it is, some times a second. Runs in the helper."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mosaic_mcp.studio.perception.opening import opened, start_of

EVERY = Fraction(1, 4)
"""Seconds between two looks, at least."""
SIZE = (160, 90)
CUT = 24.0
"""A mean change between two looks above this is another shot, not motion."""


def moments(argument: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """`moments`: time, motion and sharpness; for the file at `path`."""
    found: list[dict[str, Any]] = []
    before: tuple[Fraction, NDArray[np.float32]] | None = None
    with opened(argument["path"]) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        stream.codec_context.skip_frame = "NONREF"
        begin = start_of(container)
        for frame in container.decode(stream):
            time = Fraction(frame.pts or 0) * Fraction(frame.time_base or 1) - begin
            if before is not None and time - before[0] < EVERY:
                continue
            picture = frame.reformat(*SIZE, "gray").to_ndarray().astype(np.float32)
            motion = _motion(before, time, picture)
            if motion is None:  # the first of a shot moves as the second does
                found.append({"time": str(time), "motion": None, "sharpness": _sharp(picture)})
            else:
                for earlier in reversed(found):
                    if earlier["motion"] is not None:
                        break
                    earlier["motion"] = motion
                found.append({"time": str(time), "motion": motion, "sharpness": _sharp(picture)})
            before = (time, picture)
    for moment in found:
        moment["motion"] = moment["motion"] or 0.0
    return {"moments": found}


def _motion(
    before: tuple[Fraction, NDArray[np.float32]] | None,
    time: Fraction,
    picture: NDArray[np.float32],
) -> float | None:
    """Change a second since the look before; None at the beginning of a shot."""
    if before is None or time <= before[0]:
        return None
    change = float(np.abs(picture - before[1]).mean())
    return None if change > CUT else round(change / float(time - before[0]), 3)


def _sharp(picture: NDArray[np.float32]) -> float:
    return round(float((cv2.Laplacian(picture, cv2.CV_32F) ** 2).mean()), 3)
