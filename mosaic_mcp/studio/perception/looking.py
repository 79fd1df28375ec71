"""Shots and faces from one pass over the picture. Runs in the helper.

Key frames alone are enough where they stand close; elsewhere frames in between are decoded too.
A cut shows as a jump between two samples and is then found to the frame.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, cast

import cv2
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from mosaic_mcp.studio.perception.faces import Found, find_faces, main_face
from mosaic_mcp.studio.perception.opening import opened, start_of

Gray = NDArray[np.uint8]
LOOK_EVERY_S = 0.45
"""Faces are looked for this often: a walking speaker moves less than the crop's rest zone."""
SPARSE_S = 0.6
"""Key frames further apart than this do not show how a speaker moves."""
WIDE = 480
JUMP = 12.0
"""Mean difference of two small pictures (0..255) that may be a cut."""
CUT = 8.0
"""The same between neighbouring frames at a cut."""


@dataclass(slots=True)
class Sample:
    """A moment: the picture very small for shots, and small for faces."""

    time: Fraction
    tiny: NDArray[np.int16]
    gray: Gray | None


def look(argument: dict[str, Any]) -> dict[str, Any]:
    """`shots`: where each begins; `faces`: the main face at each moment. For the file at `path`."""
    path, rotation = argument["path"], int(argument.get("rotation", 0))
    with opened(path) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        samples = list(_samples(container, stream, rotation, sparse=True))
    gaps = [b.time - a.time for a, b in itertools.pairwise(samples)]
    if len(samples) < 2 or max(gaps) > SPARSE_S:
        with opened(path) as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            samples = list(_samples(container, stream, rotation, sparse=False))
    cuts = _cuts(path, samples)
    found = [
        Found(s.time, boxes)
        for s in samples
        if s.gray is not None
        for boxes in [find_faces(s.gray)]
    ]
    return {
        "shots": ["0", *(str(cut) for cut in cuts)],
        "faces": main_face(found, cuts),
    }


def _samples(
    container: InputContainer, stream: VideoStream, rotation: int, *, sparse: bool
) -> Iterator[Sample]:
    """Key frames (`sparse`), or reference frames about five a second."""
    context = stream.codec_context
    context.skip_frame = "NONKEY" if sparse else "NONREF"
    begin = start_of(container)
    looked: Fraction | None = None
    kept: Fraction | None = None
    for frame in container.decode(stream):
        time = _time(frame, begin)
        if not sparse and kept is not None and time - kept < Fraction(1, 5):
            continue
        kept = time
        face = looked is None or float(time - looked) >= LOOK_EVERY_S
        if face:
            looked = time
        yield Sample(time, _tiny(frame), _gray(frame, rotation) if face else None)


def _time(frame: VideoFrame, begin: Fraction) -> Fraction:
    return Fraction(frame.pts or 0) * Fraction(frame.time_base or 1) - begin


def _tiny(frame: VideoFrame) -> NDArray[np.int16]:
    return frame.reformat(64, 36, "gray").to_ndarray().astype(np.int16)


def _gray(frame: VideoFrame, rotation: int) -> Gray:
    height = max(2, round(WIDE * frame.height / frame.width))
    picture = np.ascontiguousarray(frame.reformat(WIDE, height, "gray").to_ndarray())
    # PyAV gives the picture as stored; players turn it.
    turns = {
        90: cv2.ROTATE_90_CLOCKWISE,
        180: cv2.ROTATE_180,
        270: cv2.ROTATE_90_COUNTERCLOCKWISE,
    }
    return cast(Gray, cv2.rotate(picture, turns[rotation]) if rotation in turns else picture)


def _cuts(path: str, samples: list[Sample]) -> list[Fraction]:
    """The exact time of every cut: each suspect gap is decoded frame by frame."""
    suspects = [
        (a.time, b.time)
        for a, b in itertools.pairwise(samples)
        if np.abs(a.tiny - b.tiny).mean() > JUMP
    ]
    cuts: list[Fraction] = []
    if not suspects:
        return cuts
    with opened(path) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        for after, until in suspects:
            cut = _cut(container, stream, after, until)
            if cut is not None:
                cuts.append(cut)
    return sorted(set(cuts))


def _cut(
    container: InputContainer, stream: VideoStream, after: Fraction, until: Fraction
) -> Fraction | None:
    """The frame in (after, until] that differs most from the one before it, if it is a cut."""
    begin = start_of(container)
    base = Fraction(stream.time_base or 1)
    container.seek(int((after + begin) / base), stream=stream)
    before: NDArray[np.int16] | None = None
    best, found = CUT, None
    for frame in container.decode(stream):
        time = _time(frame, begin)
        if time > until:
            break
        tiny = _tiny(frame)
        if before is not None and time > after:
            change = float(np.abs(tiny - before).mean())
            if change > best:
                best, found = change, time
        before = tiny
    return found
