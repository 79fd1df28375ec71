"""Shots and faces from the key frames, and from more where they do not tell enough.

Key frames are cheap: nothing else is decoded for them. A cut shows as a jump between two of them,
or as an inter frame that takes far more bytes than those after it; it is then found to the frame.
A face that moved from one key frame to the next, or was lost, is followed in between.
"""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, cast

import cv2
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from mosaic_mcp.errors import MediaError
from mosaic_mcp.studio.perception.faces import Box, Found, find_faces, main_face
from mosaic_mcp.studio.perception.opening import opened, start_of

Gray = NDArray[np.uint8]
Span = tuple[Fraction, Fraction]
FOLLOW_EVERY_S = 0.45
"""A moving face is looked for this often: it walks less than the crop's rest zone meanwhile."""
CLOSE_S = Fraction(1, 5)
"""Key frames closer than this are not decoded."""
NEAR_S = 0.6
"""Key frames that are closer show any movement."""
FAR_S = 3.0
"""Between key frames further apart a face may go and come back: it is always followed."""
MOVED = 0.25
"""Of the face's width: less is swaying."""
WIDE = 480
JUMP = 12.0
"""Mean difference of two small pictures (0..255) that may be a cut."""
CHANGED, MUCH = 10, 0.35
"""At a cut a pixel changes by so much in at least this share of the picture. Measured: 0.73 and
more at cuts, 0.29 and less where a presenter walks."""
CUT = 8.0
"""The same between neighbouring frames at a cut."""
STANDS_OUT = 3.0
"""At a cut the picture changes so many times more than it usually does around it."""
FLASH_S = Fraction(1, 5)
BURST = 3.0
"""Times the usual size of the inter frames after it: it may show something new."""
BURST_AFTER = 12
"""Inter frames that say what is usual."""
_LUMA_FIRST = {"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12"}


@dataclass(slots=True)
class Packet:
    """What a packet says without being decoded: its time, its bytes, and whether it is a key."""

    time: Fraction
    size: int
    key: bool


@dataclass(slots=True)
class Sample:
    """A moment: the picture very small for shots, and small for faces."""

    time: Fraction
    tiny: NDArray[np.int16]
    gray: Gray


def look(argument: dict[str, Any]) -> dict[str, Any]:
    """`shots`: where each begins; `faces`: the main face at each moment. For the file at `path`."""
    path, rotation = argument["path"], int(argument.get("rotation", 0))
    keys, packets = _keys(path)
    if not keys:
        raise MediaError("Its picture cannot be decoded.", remedy="Export the file again.")
    end = max(packet.time for packet in packets)
    cuts = _cuts(path, [*(key.time for key in keys), end], keys, _bursts(packets))
    found = [Found(k.time, find_faces(_turned(k.gray, rotation))) for k in _spaced(keys)]
    with _opened(path) as (container, stream):
        for span in _to_follow(found, cuts, end):
            found += [
                Found(sample.time, find_faces(_turned(sample.gray, rotation)))
                for sample in _between(container, stream, span)
            ]
    found.sort(key=lambda moment: moment.time)
    return {"shots": ["0", *(str(cut) for cut in cuts)], "faces": main_face(found, cuts)}


@contextmanager
def _opened(path: str) -> Generator[tuple[InputContainer, VideoStream]]:
    """The file and its picture, decoded without smoothing: nobody looks at it but us."""
    with opened(path) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        context = stream.codec_context
        context.options = {**context.options, "skip_loop_filter": "all"}
        yield container, stream


def _sample(frame: VideoFrame, begin: Fraction) -> Sample:
    gray = _gray(frame)
    return Sample(_time(frame, begin), _tiny(gray), gray)


def _keys(path: str) -> tuple[list[Sample], list[Packet]]:
    """The key frames, none closer than CLOSE_S, and what all packets say."""
    keys: list[Sample] = []
    packets: list[Packet] = []
    with _opened(path) as (container, stream):
        stream.codec_context.skip_frame = "NONKEY"
        base, begin = Fraction(stream.time_base or 1), start_of(container)
        fed: Fraction | None = None
        for packet in container.demux(stream):
            time = packet.pts * base - begin if packet.pts is not None else None
            if time is not None and packet.size:
                packets.append(Packet(time, packet.size, packet.is_keyframe))
                # Where every frame is a key frame, most need not be decoded.
                if not packet.is_keyframe or (fed is not None and time - fed < CLOSE_S):
                    continue
                fed = time
            keys += [_sample(frame, begin) for frame in packet.decode()]
    return keys, packets


def _bursts(packets: list[Packet]) -> list[Fraction]:
    """When inter frames take far more bytes than those that follow them."""
    inter = [packet for packet in packets if not packet.key]
    if not inter:
        return []
    sizes = np.array([packet.size for packet in inter], np.float64)
    after = np.lib.stride_tricks.sliding_window_view(
        np.pad(sizes[1:], (0, BURST_AFTER), constant_values=sizes[-1]), BURST_AFTER
    )
    # Frames that nothing refers to are small: what is usual is what the larger ones have.
    usual = np.percentile(after, 75, axis=1)
    return [inter[n].time for n in np.flatnonzero(sizes > BURST * usual)]


def _spaced(keys: list[Sample]) -> Iterator[Sample]:
    last: Fraction | None = None
    for key in keys:
        if last is None or key.time - last >= FOLLOW_EVERY_S:
            last = key.time
            yield key


def _to_follow(found: list[Found], cuts: list[Fraction], end: Fraction) -> Iterator[Span]:
    """The gaps between key frames in which a face may be elsewhere than at both ends."""
    shots = [Fraction(0), *cuts]
    for before, after in itertools.pairwise([*found, Found(end, found[-1].boxes)]):
        gap = after.time - before.time
        if gap <= NEAR_S:
            continue
        inside = any(before.time < cut < after.time for cut in shots)
        ends = after.time in shots
        if gap > FAR_S or inside or (not ends and _moved(before.boxes, after.boxes)):
            yield before.time, after.time


def _moved(before: list[Box], after: list[Box]) -> bool:
    """True unless the largest face stayed where it was, or there is none at both ends."""
    if not before or not after:
        return bool(before or after)
    one, other = (max(boxes, key=lambda box: box[2]) for boxes in (before, after))
    far = max(abs(one[0] - other[0]), abs(one[1] - other[1]))
    return far > MOVED * one[2] or not 0.7 < one[2] / other[2] < 1.4


def _between(container: InputContainer, stream: VideoStream, span: Span) -> Iterator[Sample]:
    """Reference frames inside a gap between key frames, FOLLOW_EVERY_S apart."""
    begin = start_of(container)
    stream.codec_context.skip_frame = "NONREF"
    container.seek(int((span[0] + begin) / Fraction(stream.time_base or 1)), stream=stream)
    last = span[0]
    for frame in container.decode(stream):
        time = _time(frame, begin)
        if time >= span[1]:
            return
        if time - last >= FOLLOW_EVERY_S:
            last = time
            yield _sample(frame, begin)


def _time(frame: VideoFrame, begin: Fraction) -> Fraction:
    return Fraction(frame.pts or 0) * Fraction(frame.time_base or 1) - begin


def _gray(frame: VideoFrame) -> Gray:
    """The picture WIDE pixels wide, as it is stored."""
    height = max(2, round(WIDE * frame.height / frame.width))
    if frame.format.name not in _LUMA_FIRST:
        shrunk = frame.reformat(WIDE, height, "gray", interpolation="AREA")
        return shrunk.to_ndarray().astype(np.uint8)
    # The first plane is the brightness: no conversion, and no copy of the large picture.
    plane = frame.planes[0]
    rows = np.frombuffer(cast(Any, plane), np.uint8).reshape(-1, plane.line_size)
    shown = rows[: frame.height, : frame.width]
    return cast(Gray, cv2.resize(shown, (WIDE, height), interpolation=cv2.INTER_AREA))


def _tiny(gray: Gray) -> NDArray[np.int16]:
    return cv2.resize(gray, (64, 36), interpolation=cv2.INTER_AREA).astype(np.int16)


def _turned(gray: Gray, rotation: int) -> Gray:
    """As players turn it."""
    turns = {
        90: cv2.ROTATE_90_CLOCKWISE,
        180: cv2.ROTATE_180,
        270: cv2.ROTATE_90_COUNTERCLOCKWISE,
    }
    return cast(Gray, cv2.rotate(gray, turns[rotation]) if rotation in turns else gray)


def _cuts(
    path: str, times: list[Fraction], keys: list[Sample], bursts: list[Fraction]
) -> list[Fraction]:
    """The exact time of every cut: each suspect gap is decoded frame by frame."""
    jumps = [_jump(a.tiny, b.tiny) for a, b in itertools.pairwise(keys)]
    suspects: list[tuple[Span, bool]] = []
    for span, jump in zip(itertools.pairwise(times), [*jumps, False], strict=True):
        inside = [time for time in bursts if span[0] < time < span[1]]
        if jump or inside:
            suspects.append((span if jump else (span[0], max(inside)), bool(inside)))
    cuts: list[Fraction] = []
    if not suspects:
        return cuts
    with _opened(path) as (container, stream):
        for span, exact in suspects:
            found = _cuts_in(container, stream, span, exact=exact)
            if not exact and found and found != [span[1]]:
                # Not at the key frame after all: at one of these, or at a frame just before.
                found = _cuts_in(container, stream, (span[0], found[-1]), exact=True)
            cuts += found
    return cuts


def _jump(one: NDArray[np.int16], other: NDArray[np.int16]) -> bool:
    """True where much of the picture is another one; somebody who moves changes less."""
    change = np.abs(one - other)
    return float(change.mean()) > JUMP and float((change > CHANGED).mean()) > MUCH


def _cuts_in(
    container: InputContainer, stream: VideoStream, span: Span, *, exact: bool
) -> list[Fraction]:
    """Frames in (start, end] that differ from the one before as those of another shot do.

    Unless `exact`, only reference frames are looked at, which takes half the time.
    """
    begin = start_of(container)
    stream.codec_context.skip_frame = "DEFAULT" if exact else "NONREF"
    container.seek(int((span[0] + begin) / Fraction(stream.time_base or 1)), stream=stream)
    before: NDArray[np.int16] | None = None
    changes: list[tuple[Fraction, float]] = []
    for frame in container.decode(stream):
        time = _time(frame, begin)
        if time > span[1]:
            break
        tiny = _tiny(_gray(frame))
        if before is not None and time > span[0]:
            changes.append((time, float(np.abs(tiny - before).mean())))
        before = tiny
    usual = float(np.median([change for _, change in changes])) if changes else 0.0
    sharp = [c for c in changes if c[1] > max(CUT, STANDS_OUT * usual)]
    # A flash is two jumps, and no two shots: the larger one is the cut.
    return [
        time
        for time, change in sharp
        if not any(0 < abs(at - time) < FLASH_S and more >= change for at, more in sharp)
    ]
