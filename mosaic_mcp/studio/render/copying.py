"""Cutting without encoding: whole groups of pictures are copied, only their edges encoded anew.

Runs in the helper. A piece [first, end) of an H.264 source is copied from its first key frame to
its last; what lies before and after is decoded and encoded to the frame, several edges side by
side. All goes into one MPEG transport stream, which the caller puts beside its sound. Its first
picture carries the parameter sets of both encoders, so that the head of the file has them: Apple's
decoder reads them nowhere else.

Whoever wants the whole measured story: design.md, "What only cuts is not re-encoded".
"""

# PyAV's stubs leave the parameters of its generic classes open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# pyright: reportMissingTypeArgument=false

from __future__ import annotations

import bisect
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Self

import av
from av.bitstream import BitStreamFilterContext
from av.codec.context import Flags
from av.container import InputContainer, OutputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from mosaic_mcp.studio.perception.opening import opened, start_of
from mosaic_mcp.studio.render.parameter_sets import (
    free_id,
    parameter_sets,
    starts,
    with_start_codes,
)

LEAST_SHARE = 0.4
"""Below this share of copied frames, decoding and encoding everything in one go is as quick."""
LEAST_COPY = 15
"""Frames: a shorter copy is not worth two encoders."""
EDGES_DELAY = 2
"""Frames by which x264 shows a picture later than it is decoded at most: B-frames in a pyramid."""
IDR = 5
Pieces = Sequence[tuple[int, int]]


@dataclass(slots=True)
class Index:
    """Where each picture of a source is: numbers in order of showing, key frames among them."""

    frames: int
    keys: list[int]
    """Numbers of the pictures at which decoding may begin, and at the end `frames`."""
    delay: int
    """Frames by which pictures are shown later than they are decoded."""

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

    Answers `copied` and `encoded` frames, or `why` nothing was written. `options` are x264's,
    `at_once` is how many edges are encoded side by side.
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
        own = parameter_sets(stream.codec_context.extradata or b"")
        edge = _EdgeCoding(rate, argument["options"], free_id(own) or 0)
        total = sum(end - first for first, end in pieces)
        with (
            _Edges(path, index, edge, argument["at_once"]) as edges,
            av.open(argument["out"], "w", format="mpegts") as out,
        ):
            head = with_start_codes([*own, *edge.sets(stream.codec_context)])
            writer = _Writer(_Reader(container, stream, index, rate), out, head)
            try:
                for start, stop, encoded in edges.encode(pieces):
                    writer.copy(start, stop) if encoded is None else writer.put(encoded.result())
                    print(f"progress {writer.at / total:.4f}", file=sys.stderr, flush=True)
            except (FFmpegError, _Missing):  # FFmpeg's filters conceal what is damaged
                return {"why": "some of its pictures cannot be decoded"}
    return {"copied": writer.copied, "encoded": writer.at - writer.copied}


def _share(index: Index, pieces: Pieces) -> float:
    copied = sum(to - start for start, to in (index.inside(*piece) for piece in pieces))
    return copied / max(1, sum(end - first for first, end in pieces))


def _index(container: InputContainer, stream: VideoStream, rate: Fraction) -> Index | str:
    """The pictures of the source, or why its groups cannot be copied."""
    context = stream.codec_context
    if context.name != "h264" or context.pix_fmt != "yuv420p" or not context.extradata:
        return "the source is not H.264 in 4:2:0 of 8 bits"
    if (stream.sample_aspect_ratio or 1) != 1:
        return "its pixels are not square"
    if free_id(parameter_sets(context.extradata)) is None:
        return "its parameter sets leave no number free"
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
    delay = max(place - number for place, number in enumerate(numbers))
    return Index(len(numbers), [*keys, len(numbers)], max(delay, EDGES_DELAY))


def _is_idr(packet: Packet, extradata: bytes) -> bool:
    """True when the packet holds a picture that nothing before it is needed for."""
    data = bytes(packet)
    if extradata[0] != 1:  # no avcC: start codes, as in a transport stream
        units = [data[i + 3] & 31 for i in starts(data)]
        return IDR in units
    size, at = (extradata[4] & 3) + 1, 0
    while at + size < len(data):
        if data[at + size] & 31 == IDR:
            return True
        at += size + int.from_bytes(data[at : at + size], "big")
    return False


@dataclass(frozen=True, slots=True)
class _Shown:
    """A coded picture, and which in order of showing it is of its stretch."""

    data: bytes
    number: int
    key: bool


@dataclass(slots=True)
class _Reader:
    """A source that is open, and where its pictures are."""

    source: InputContainer
    stream: VideoStream
    index: Index
    rate: Fraction

    def frames(self, first: int, end: int) -> Iterator[VideoFrame]:
        """The pictures [first, end), decoded."""
        decoder = self.stream.codec_context
        self._seek(first)
        for packet in self.source.demux(self.stream):
            if packet.size:
                # Before the first that is wanted, only what others are made of is decoded.
                early = packet.pts is not None and self._number(packet.pts) < first
                decoder.skip_frame = "NONREF" if early else "DEFAULT"
            for frame in packet.decode():
                number = self._number(frame.pts)
                if number >= end:
                    return
                if number >= first:
                    yield frame

    def packets(self, first: int, end: int) -> Iterator[_Shown]:
        """The whole groups [first, end) as they are coded."""
        self._seek(first)
        # Start codes instead of lengths, and the parameter sets before each key frame.
        unwrap = BitStreamFilterContext("h264_mp4toannexb", self.stream)
        for packet in self.source.demux(self.stream):
            if packet.pts is None or not packet.size:
                continue
            number, key = self._number(packet.pts), packet.is_keyframe
            if number >= end and key:
                break
            if number >= first:
                for plain in unwrap.filter(packet):
                    yield _Shown(bytes(plain), number - first, key)

    def _seek(self, number: int) -> None:
        at = self.index.before(number) / self.rate + start_of(self.source)
        # A little later than the key frame: never the one before it by a rounding.
        at += Fraction(1, 4) / self.rate
        self.source.seek(int(at / Fraction(self.stream.time_base or 1)), stream=self.stream)

    def _number(self, pts: int | None) -> int:
        time = (pts or 0) * Fraction(self.stream.time_base or 1) - start_of(self.source)
        return round(time * self.rate)


class _Edges:
    """Encodes edges side by side, each with one thread and a reader of its own.

    That is quicker than one after the other with several: an edge is short, and its encoder and
    decoder begin and end with idle threads.
    """

    def __init__(self, path: str, index: Index, coding: _EdgeCoding, at_once: int) -> None:
        self._path, self._index, self._coding = path, index, coding
        self._pool = ThreadPoolExecutor(at_once, initializer=self._open)
        self._open_files = ExitStack()
        self._own = threading.local()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._open_files.close()

    def encode(self, pieces: Pieces) -> Iterator[tuple[int, int, Future[list[_Shown]] | None]]:
        """All stretches in order: those that are encoded with what will be made, others to copy."""
        plan: deque[tuple[int, int, Future[list[_Shown]] | None]] = deque()
        for first, end in pieces:
            start, stop = self._index.inside(first, end)
            if start == stop:
                plan.append((first, end, self._pool.submit(self._encode, first, end)))
                continue
            if first < start:
                plan.append((first, start, self._pool.submit(self._encode, first, start)))
            plan.append((start, stop, None))
            if stop < end:
                plan.append((stop, end, self._pool.submit(self._encode, stop, end)))
        while plan:  # what was written is let go
            yield plan.popleft()

    def _open(self) -> None:
        container = self._open_files.enter_context(opened(self._path))
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        self._own.reader = _Reader(container, stream, self._index, self._coding.rate)

    def _encode(self, first: int, end: int) -> list[_Shown]:
        reader: _Reader = self._own.reader
        encoder = self._coding.encoder(reader.stream.codec_context)
        packets: list[Packet] = []
        for number, frame in enumerate(reader.frames(first, end)):
            frame.pts, frame.time_base = number, 1 / self._coding.rate
            frame.pict_type = PictureType.NONE
            packets += encoder.encode(frame)
        packets += encoder.encode(None)
        if len(packets) != end - first:
            raise _Missing
        return [_Shown(bytes(p), p.pts or 0, p.is_keyframe) for p in packets]


class _Missing(Exception):
    """A picture of the source was not decoded."""


@dataclass(frozen=True, slots=True)
class _EdgeCoding:
    """How edges are encoded: x264's `options`, and the number of their parameter sets."""

    rate: Fraction
    options: dict[str, str]
    number: int

    def encoder(self, source: VideoCodecContext) -> VideoCodecContext:
        """A new encoder for pictures like those of `source`."""
        encoder = av.CodecContext.create("libx264", "w")
        encoder.width, encoder.height, encoder.pix_fmt = source.width, source.height, "yuv420p"
        encoder.time_base, encoder.framerate = 1 / self.rate, self.rate
        encoder.colorspace = encoder.color_primaries = encoder.color_trc = 1  # bt709
        encoder.color_range = 1
        own = f"keyint=infinite:open-gop=0:sps-id={self.number}"
        encoder.options = {**self.options, "x264-params": own}
        encoder.thread_count = 1
        return encoder

    def sets(self, source: VideoCodecContext) -> list[bytes]:
        """The parameter sets of every edge."""
        encoder = self.encoder(source)
        encoder.flags |= Flags.global_header
        encoder.open()
        return parameter_sets(encoder.extradata or b"")


@dataclass(slots=True)
class _Writer:
    """Writes stretches one after the other; `at` frames are written, `copied` of them copies."""

    reader: _Reader
    out: OutputContainer
    head: bytes
    """What the first picture has before it."""
    at: int = 0
    copied: int = 0
    _sent: int = 0
    _track: VideoStream | None = field(default=None)

    def copy(self, first: int, end: int) -> None:
        """The whole groups [first, end) of the source, as they are."""
        for shown in self.reader.packets(first, end):
            self._put(shown)
        self.at += end - first
        self.copied += end - first

    def put(self, stretch: Sequence[_Shown]) -> None:
        """Pictures that were encoded."""
        for shown in stretch:
            self._put(shown)
        self.at += len(stretch)

    def _put(self, shown: _Shown) -> None:
        packet = Packet(shown.data if self._sent else self.head + shown.data)
        packet.stream, packet.time_base = self._written(), 1 / self.reader.rate
        packet.pts, packet.dts = self.at + shown.number + self.reader.index.delay, self._sent
        packet.is_keyframe = shown.key
        self.out.mux(packet)
        self._sent += 1

    def _written(self) -> VideoStream:
        if self._track is None:
            own = self.reader.stream.codec_context
            track = self.out.add_stream("libx264", rate=self.reader.rate)
            track.width, track.height, track.pix_fmt = own.width, own.height, "yuv420p"
            track.time_base = Fraction(1, 90_000)
            self._track = track
        return self._track
