"""Pictures of a video at some moments, small and gray, decoded as little as can be. Helper only."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, cast

import cv2
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from mosaic_mcp.studio.perception.opening import opened, start_of

Gray = NDArray[np.uint8]
Span = tuple[Fraction, Fraction]
EVERY = Fraction(9, 20)
"""Seconds. A face that moves is looked for this often: it walks less than the crop's rest zone
meanwhile."""
NEAR = Fraction(3, 5)
"""Seconds. Pictures that are closer show any movement."""
CLOSE_S = Fraction(1, 5)
"""Key frames closer than this are not decoded."""
BACK = Fraction(1)
"""Seconds that a seek goes back first when it ended behind the key frame it was meant for: more
than frames are decoded ahead, less than there mostly is between key frames."""
WIDE = 480
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
    gray: Gray | None
    """None where nobody looks for faces: too soon after the sample before."""


@dataclass(slots=True)
class Film:
    """A picture that is open; times are those of the source, from 0."""

    container: InputContainer
    stream: VideoStream
    base: Fraction
    begin: Fraction

    def key_frames(self, span: Span) -> tuple[list[Sample], list[Packet]]:
        """The key frames from the one before a span to the one behind it, and what packets say.

        None are closer than CLOSE_S.
        """
        self.stream.codec_context.skip_frame = "NONKEY"
        keys: list[Sample] = []
        packets: list[Packet] = []
        fed: Fraction | None = None
        source = self._packets(span[0])
        for packet in source:
            time = self._when(packet.pts)
            if time is not None and packet.size:
                packets.append(Packet(time, packet.size, packet.is_keyframe))
                # Where every frame is a key frame, most need not be decoded.
                if not packet.is_keyframe or (fed is not None and time - fed < CLOSE_S):
                    continue
                fed = time
            keys += [self._sample(frame, faces=True) for frame in packet.decode()]
            if fed is not None and fed >= span[1]:
                # What the decoder still holds; it decodes nothing more until the next seek.
                keys += [self._sample(frame, faces=True) for frame in _rest(self.stream)]
                packets += self._shown_before(fed, source)
                break
        # Of open groups the decoder gives the last key frame first where it got nothing between.
        return sorted(keys, key=lambda key: key.time), packets

    def _shown_before(self, key: Fraction, source: Iterable[Any]) -> Iterator[Packet]:
        """The packets that follow a key frame's, of frames that are shown before it (open GOP)."""
        for packet in source:
            time = self._when(packet.pts)
            if time is None or not packet.size:
                continue
            if time > key:
                return
            yield Packet(time, packet.size, packet.is_keyframe)

    def samples(self, span: Span, *, exact: Sequence[Span] = ()) -> Iterator[Sample]:
        """The reference frames of a span that begins with a key frame; its end is inside.

        Within one of `exact`, in order, it is all frames, which takes twice the time. Those EVERY
        apart inside the span, and not near its end, are there for faces too.
        """
        last = span[0]
        context = self.stream.codec_context
        for packet in self._packets(span[0]):
            time = self._when(packet.pts)
            # The frames that others refer to come before these, whatever their time.
            every = bool(exact) and (time is None or _among(exact, time))
            context.skip_frame = "DEFAULT" if every else "NONREF"
            for frame in packet.decode():
                time = self._time(frame)
                if time < span[0]:  # what leads to it
                    continue
                if time > span[1]:
                    return
                faces = time >= last + EVERY and span[1] - last > NEAR and time < span[1]
                last = time if faces else last
                yield self._sample(frame, faces=faces)

    def _packets(self, begin: Fraction) -> Iterator[Any]:
        """The packets from the last key frame on that is not behind a moment, to the end.

        Where a file has no list of its key frames (MPEG-TS) a seek goes by when they are decoded,
        and ends behind one that is shown later: then it goes further back.
        """
        back = Fraction(0)
        while True:
            self._seek(begin - back)
            packets = self.container.demux(self.stream)
            first = next((p for p in packets if p.is_keyframe and p.pts is not None), None)
            time = self._when(first.pts) if first else None
            if first and time is not None and (time <= begin or back > begin):
                yield first
                yield from packets
                return
            if back > begin:
                return
            back = max(2 * back, BACK)

    def _seek(self, wanted: Fraction) -> None:
        try:
            self.container.seek(int((wanted + self.begin) / self.base), stream=self.stream)
        except FFmpegError:
            if wanted >= 0:
                raise
            self._seek(Fraction(0))  # AVI has no moments before its begin

    def _when(self, pts: int | None) -> Fraction | None:
        return None if pts is None else pts * self.base - self.begin

    def _time(self, frame: VideoFrame) -> Fraction:
        return (frame.pts or 0) * self.base - self.begin

    def _sample(self, frame: VideoFrame, *, faces: bool) -> Sample:
        luma = _luma(frame)
        return Sample(self._time(frame), _tiny(luma), _gray(luma) if faces else None)


@contextmanager
def film(path: str, threads: int) -> Generator[Film]:
    """The picture of a file, decoded without smoothing: nobody looks at it but us."""
    with opened(path) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        context = stream.codec_context
        context.thread_count = threads
        context.options = {**context.options, "skip_loop_filter": "all"}
        yield Film(container, stream, Fraction(stream.time_base or 1), start_of(container))


def spaced(samples: Iterable[Sample]) -> Iterator[Sample]:
    """Samples that are EVERY seconds apart."""
    after: Fraction | None = None
    for sample in samples:
        if after is None or sample.time - after >= EVERY:
            after = sample.time
            yield sample


def turned(gray: Gray, rotation: int) -> Gray:
    """As players turn it."""
    turns = {
        90: cv2.ROTATE_90_CLOCKWISE,
        180: cv2.ROTATE_180,
        270: cv2.ROTATE_90_COUNTERCLOCKWISE,
    }
    return cast(Gray, cv2.rotate(gray, turns[rotation]) if rotation in turns else gray)


def _among(spans: Sequence[Span], time: Fraction) -> bool:
    """True inside one of the spans, which are in order of their begins and of their ends."""
    begun = bisect_right(spans, time, key=lambda span: span[0])
    return begun > 0 and time <= spans[begun - 1][1]


def _rest(stream: VideoStream) -> list[VideoFrame]:
    # PyAV types a part of this as unknown.
    return cast(Any, stream).decode(None)


def _luma(frame: VideoFrame) -> Gray:
    """The brightness of a picture, as it is stored; large ones of other kinds are WIDE wide."""
    if frame.format.name not in _LUMA_FIRST:
        height = _height(frame.width, frame.height)
        shrunk = frame.reformat(WIDE, height, "gray", interpolation="AREA")
        return shrunk.to_ndarray().astype(np.uint8)
    # The first plane is the brightness: no conversion, and no copy of the large picture.
    plane = frame.planes[0]
    rows = np.frombuffer(cast(Any, plane), np.uint8).reshape(-1, plane.line_size)
    return rows[: frame.height, : frame.width]


def _height(width: int, height: int) -> int:
    return max(2, round(WIDE * height / width))


def _gray(luma: Gray) -> Gray:
    """The picture WIDE pixels wide."""
    size = (WIDE, _height(luma.shape[1], luma.shape[0]))
    return cast(Gray, cv2.resize(luma, size, interpolation=cv2.INTER_AREA))


def _tiny(luma: Gray) -> NDArray[np.int16]:
    # Of a large picture some points are enough: a hundred and more for each of these.
    step = max(1, luma.shape[1] // WIDE)
    points = np.ascontiguousarray(luma[::step, ::step])
    return cv2.resize(points, (64, 36), interpolation=cv2.INTER_AREA).astype(np.int16)
