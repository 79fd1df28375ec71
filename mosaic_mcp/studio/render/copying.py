"""Cutting without encoding: whole groups of pictures are copied, only their edges encoded anew.

Runs in the helper. A piece [first, end) of an H.264 source is copied from its first key frame to
its last; what lies before and after is decoded and encoded to the frame. All goes into one MPEG
transport stream, in which parameter sets may change; the caller puts it beside its sound.

Whoever wants the whole measured story: design.md, "What only cuts is not re-encoded".
"""

# PyAV's stubs leave the parameters of its generic classes open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# pyright: reportMissingTypeArgument=false

from __future__ import annotations

import bisect
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from mosaic_mcp.studio.perception.opening import opened, start_of

LEAST_SHARE = 0.4
"""Below this share of copied frames, decoding and encoding everything in one go is as quick."""
LEAST_COPY = 15
"""Frames: a shorter copy is not worth two encoders."""
DELAY = 16
"""Frames by which everything is shown later than it is decoded: H.264 reorders no more."""
IDR = 5
Pieces = Sequence[tuple[int, int]]


@dataclass(slots=True)
class Index:
    """Where each picture of a source is: numbers in order of showing, key frames among them."""

    frames: int
    keys: list[int]
    """Numbers of the pictures at which decoding may begin, and at the end `frames`."""

    def inside(self, first: int, end: int) -> tuple[int, int]:
        """The whole groups within [first, end): [from, to), empty when there are none."""
        begin = self.keys[bisect.bisect_left(self.keys, first)]
        stop = self.keys[bisect.bisect_right(self.keys, end) - 1]
        return (begin, stop) if stop - begin >= LEAST_COPY else (first, first)

    def before(self, number: int) -> int:
        """The key frame at or before a picture."""
        return self.keys[bisect.bisect_right(self.keys, number) - 1]


def smart_cut(argument: dict[str, Any]) -> dict[str, Any]:
    """Write the `pieces` (first and end frame) of `path` at `rate` to `out`.

    Answers `copied` and `encoded` frames, or `why` nothing was written. `options` are x264's.
    """
    path, rate = argument["path"], Fraction(argument["rate"])
    pieces = [(int(first), int(end)) for first, end in argument["pieces"]]
    with opened(path) as container:
        stream = container.streams.video[0]
        index = _index(container, stream, rate)
        if isinstance(index, str):
            return {"why": index}
        if pieces[-1][1] > index.frames or max(end for _, end in pieces) > index.frames:
            return {"why": "the source ends before the last cut"}
        share = _share(index, pieces)
        if share < LEAST_SHARE:
            return {"why": f"only {share:.0%} of the frames lie in whole groups of pictures"}
        with av.open(argument["out"], "w", format="mpegts") as out:
            cutter = _Cutter(container, stream, index, rate, argument["options"], out)
            total = sum(end - first for first, end in pieces)
            for first, end in pieces:
                cutter.piece(first, end)
                print(f"progress {cutter.at / total:.4f}", file=sys.stderr, flush=True)
    return {"copied": cutter.copied, "encoded": cutter.at - cutter.copied}


def _share(index: Index, pieces: Pieces) -> float:
    copied = sum(to - start for start, to in (index.inside(*piece) for piece in pieces))
    return copied / max(1, sum(end - first for first, end in pieces))


def _index(container: InputContainer, stream: VideoStream, rate: Fraction) -> Index | str:
    """The pictures of the source, or why its groups cannot be copied."""
    context = stream.codec_context
    if context.name != "h264" or context.pix_fmt != "yuv420p" or not context.extradata:
        return "the source is not H.264 in 4:2:0 of 8 bits"
    begin, base = start_of(container), Fraction(stream.time_base or 1)
    numbers: list[int] = []
    keys: list[int] = []
    for packet in container.demux(stream):
        if packet.pts is None or not packet.size:
            continue
        at = (packet.pts * base - begin) * rate
        number = round(at)
        if abs(at - number) > Fraction(1, 4) or packet.is_discard:
            return "its pictures are not evenly spaced"
        if packet.is_keyframe:
            if not _is_idr(packet, context.extradata):
                return "its groups of pictures are open"
            keys.append(number)
        elif not keys or number < keys[-1]:
            return "its groups of pictures are open"
        numbers.append(number)
    if sorted(numbers) != list(range(len(numbers))) or not keys:
        return "its pictures are not evenly spaced"
    return Index(len(numbers), [*keys, len(numbers)])


def _is_idr(packet: Packet, extradata: bytes) -> bool:
    """True when the packet holds a picture that nothing before it is needed for."""
    data = bytes(packet)
    if extradata[0] != 1:  # no avcC: start codes, as in a transport stream
        units = [data[i + 3] & 31 for i in _starts(data)]
        return IDR in units
    size, at = (extradata[4] & 3) + 1, 0
    while at + size < len(data):
        if data[at + size] & 31 == IDR:
            return True
        at += size + int.from_bytes(data[at : at + size], "big")
    return False


def _starts(data: bytes) -> Iterator[int]:
    at = data.find(b"\0\0\1")
    while 0 <= at < len(data) - 3:
        yield at
        at = data.find(b"\0\0\1", at + 3)


@dataclass(slots=True)
class _Cutter:
    """Writes pieces one after the other; `at` frames are written, `copied` of them as they were."""

    source: InputContainer
    stream: VideoStream
    index: Index
    rate: Fraction
    options: dict[str, str]
    out: OutputContainer
    at: int = 0
    copied: int = 0
    _sent: int = 0
    _track: VideoStream | None = field(default=None)

    def piece(self, first: int, end: int) -> None:
        """Pictures [first, end)."""
        start, stop = self.index.inside(first, end)
        self._encode(first, start)
        self._copy(start, stop)
        self._encode(stop if stop > start else first, end)

    def _encode(self, first: int, end: int) -> None:
        if first >= end:
            return
        encoder = self._encoder()
        for number, frame in enumerate(self._frames(first, end)):
            frame.pts, frame.time_base, frame.pict_type = number, 1 / self.rate, PictureType.NONE
            self._put_all(encoder.encode(frame))
        self._put_all(encoder.encode(None))
        self.at += end - first

    def _encoder(self) -> VideoCodecContext:
        own = self.stream.codec_context
        encoder = av.CodecContext.create("libx264", "w")
        encoder.width, encoder.height, encoder.pix_fmt = own.width, own.height, "yuv420p"
        encoder.time_base, encoder.framerate = 1 / self.rate, self.rate
        encoder.colorspace = encoder.color_primaries = encoder.color_trc = 1  # bt709
        encoder.color_range = 1
        encoder.options = {**self.options, "x264-params": "keyint=infinite:open-gop=0"}
        encoder.thread_type = "AUTO"
        return encoder

    def _frames(self, first: int, end: int) -> Iterator[VideoFrame]:
        self._seek(first)
        for frame in self.source.decode(self.stream):
            number = self._number(frame.pts)
            if number >= end:
                return
            if number >= first:
                yield frame

    def _copy(self, first: int, end: int) -> None:
        if first >= end:
            return
        self._seek(first)
        # Start codes instead of lengths, and the parameter sets before each key frame.
        unwrap = BitStreamFilterContext("h264_mp4toannexb", self.stream)
        for packet in self.source.demux(self.stream):
            if packet.pts is None or not packet.size:
                continue
            number = self._number(packet.pts)
            if number >= end and packet.is_keyframe:
                break
            if number >= first:
                key = packet.is_keyframe
                for plain in unwrap.filter(packet):
                    self._put(bytes(plain), number - first, key=key)
        self.at += end - first
        self.copied += end - first

    def _seek(self, number: int) -> None:
        at = self.index.before(number) / self.rate + start_of(self.source)
        # A little later than the key frame: never the one before it by a rounding.
        at += Fraction(1, 4) / self.rate
        self.source.seek(int(at / Fraction(self.stream.time_base or 1)), stream=self.stream)

    def _number(self, pts: int | None) -> int:
        time = (pts or 0) * Fraction(self.stream.time_base or 1) - start_of(self.source)
        return round(time * self.rate)

    def _put_all(self, packets: Sequence[Packet]) -> None:
        for packet in packets:
            self._put(bytes(packet), packet.pts or 0, key=packet.is_keyframe)

    def _put(self, data: bytes, number: int, *, key: bool) -> None:
        """Write a picture that is shown as the `number`-th of what is being written."""
        packet = Packet(data)
        packet.stream, packet.time_base = self._written(), 1 / self.rate
        packet.pts, packet.dts = self.at + number + DELAY, self._sent
        packet.is_keyframe = key
        self.out.mux(packet)
        self._sent += 1

    def _written(self) -> VideoStream:
        if self._track is None:
            own = self.stream.codec_context
            track = self.out.add_stream("libx264", rate=self.rate)
            track.width, track.height, track.pix_fmt = own.width, own.height, "yuv420p"
            track.time_base = Fraction(1, 90_000)
            self._track = track
        return self._track
