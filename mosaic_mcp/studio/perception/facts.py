"""What a file is: kind, length, size, rates, and whether it is whole. Runs in the helper."""

from __future__ import annotations

import hashlib
import itertools
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from mosaic_mcp.errors import MediaError
from mosaic_mcp.studio.perception.opening import opened, start_of
from mosaic_mcp.studio.perception.tables import is_table, read_table
from mosaic_mcp.studio.reach import MAX_PIXELS
from mosaic_mcp.studio.timeline.timecode import LABEL, Numbering

MAX_RATE = 1000
MAX_DURATION_S = 24 * 3600
_SILENT = {"audio_channels": 0, "audio_rate": 0, "audio_codec": None}
BASES = (24, 25, 30, 48, 50, 60)
"""Numbers a second that timecode tracks run at."""
IMAGES = {"png_pipe", "jpeg_pipe", "webp_pipe", "gif"}


def examine(argument: dict[str, Any]) -> dict[str, Any]:
    """Facts of `path`, with the hash of every byte. Times are fractions as text."""
    path = argument["path"]
    digest = _sha256(path)
    if is_table(path):
        read_table(path)
        return {**_SILENT, "sha256": digest, "kind": "table", "duration": "0"}
    with opened(path) as container:
        facts = _audio(container)
        video = next((s for s in container.streams.video if not _cover(s)), None)
        kind = "video" if video is not None else "audio"
        if video is not None:
            facts |= _video(container, video)
            if set(container.format.name.split(",")) & IMAGES:
                kind = "image"
        elif not facts["audio_channels"]:
            raise MediaError("It has neither picture nor sound.", remedy="Give another file.")
    duration = Fraction(facts.pop("video_end", "0")) or Fraction(facts["audio_end"])
    if kind == "audio":
        duration = Fraction(facts["audio_end"])
    if duration > MAX_DURATION_S:
        raise MediaError("It lasts more than 24 hours.", remedy="Cut it into parts.")
    facts.pop("audio_end")
    return {
        **facts,
        "sha256": digest,
        "kind": kind,
        "duration": "0" if kind == "image" else str(duration),
        "size": Path(path).stat().st_size,
    }


def _sha256(path: str) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _cover(stream: VideoStream) -> bool:
    """True for the picture on a record's sleeve."""
    return bool(stream.disposition & Disposition.attached_pic)


def _audio(container: InputContainer) -> dict[str, Any]:
    if not container.streams.audio:
        return {**_SILENT, "audio_end": "0"}
    stream = container.streams.audio[0]
    length = Fraction(stream.duration or 0) * (stream.time_base or 0)
    if not length and container.duration:
        length = Fraction(container.duration, 1_000_000)
    return {
        "audio_channels": stream.channels,
        "audio_rate": stream.rate,
        "audio_codec": stream.codec_context.name,
        "audio_end": str(length),
        "unheard": [
            f"{number} {other.metadata.get('title', '')[:40]}".strip()
            for number, other in enumerate(container.streams.audio[1:], 2)
        ],
    }


def _video(container: InputContainer, stream: VideoStream) -> dict[str, Any]:
    width, height = stream.codec_context.width, stream.codec_context.height
    if width * height > MAX_PIXELS:
        raise MediaError(
            f"Its picture has {width}x{height} pixels; 67 million are the most we read.",
            remedy="Make it smaller.",
        )
    rate = Fraction(stream.average_rate or stream.base_rate or 0)
    if rate > MAX_RATE:
        raise MediaError(f"It has {float(rate):.0f} frames a second.", remedy="Convert it first.")
    end, variable, measured = _packets(container, stream)
    rotation, shown = _first_frame(container, stream)
    aspect = Fraction(stream.sample_aspect_ratio or 1) or Fraction(1)
    if aspect != 1:
        shown = (round(shown[0] * aspect), shown[1])
    if rotation in (90, 270):
        shown = (shown[1], shown[0])
    return {
        "width": shown[0],
        "height": shown[1],
        "rotation": rotation,
        "frame_rate": str(measured if variable and measured else rate),
        "variable_frame_rate": variable,
        "video_codec": stream.codec_context.name,
        "video_end": str(end),
        "timecode": _timecode(container, stream, max(1, round(rate))),
    }


def _timecode(container: InputContainer, stream: VideoStream, own: int) -> dict[str, Any] | None:
    """The label of the first picture and its numbers a second, as the file states them.

    It is in a track of its own (QuickTime), or a tag of the picture or the file; Matroska's are in
    capitals. `own` is the picture's rate, rounded.
    """
    told = {
        key.lower(): value
        for tags in (container.metadata, stream.metadata)
        for key, value in tags.items()
    }
    label = told.get("timecode", "")
    if not LABEL.fullmatch(label):
        return None
    number = _track_number(container)
    bases = (base for base in (own, *BASES) if Numbering(base, ";" in label).frame(label) == number)
    base = next(bases, own)
    # No camera writes a number that its seconds do not have.
    return {"label": label, "base": base} if int(re.split(r"[:;.]", label)[-1]) < base else None


def _track_number(container: InputContainer) -> int | None:
    """The frame number in a timecode track: with its label it tells the numbers a second, which a
    camera may have chosen for itself (30 for 60 pictures)."""
    for stream in container.streams.data:
        if "timecode" in stream.metadata:
            container.seek(0)
            packet = next(iter(container.demux(stream)), None)
            number = bytes(packet) if packet is not None else b""
            return int.from_bytes(number, "big") if len(number) == 4 else None
    return None


def _packets(container: InputContainer, stream: VideoStream) -> tuple[Fraction, bool, Fraction]:
    """When the picture ends, whether its rate varies, and its usual rate: from the packets.

    The usual rate is that of half of the pictures or the average, whichever is higher: where the
    picture stands still for long, the average would be too low for the parts that move.

    Raises MediaError when the packets end well before the header says: the file is cut off.
    """
    times: list[int] = []
    last = 0
    for packet in container.demux(stream):
        if packet.pts is not None and packet.size:
            times.append(packet.pts)
            last = max(last, packet.pts + (packet.duration or 0))
    if not times:
        raise MediaError("It holds no picture.", remedy="The file is cut off; get it again.")
    base = stream.time_base or Fraction(1)
    end = last * base - start_of(container)
    declared = Fraction(stream.duration or 0) * base
    if not declared and container.duration:
        declared = Fraction(container.duration, 1_000_000)
    if declared - end > max(Fraction(1), declared / 50):
        raise MediaError(
            f"It is cut off: of {float(declared):.1f} s only {float(end):.1f} s are there.",
            remedy="The download or copy broke off; get the file again.",
        )
    times.sort()
    gaps = sorted(b - a for a, b in itertools.pairwise(times) if b > a)
    variable = bool(gaps) and gaps[-len(gaps) // 50 - 1] > gaps[len(gaps) // 2] * Fraction(3, 2)
    span = (times[-1] - times[0]) * base
    average = (len(times) - 1) / span if span else Fraction(0)
    usual = max(average, 1 / (gaps[len(gaps) // 2] * base)) if gaps else average
    if len(times) == 1:
        end = end or Fraction(1, 25)
    return end, variable, usual.limit_denominator(1001)


def _first_frame(container: InputContainer, stream: VideoStream) -> tuple[int, tuple[int, int]]:
    """Degrees clockwise that players turn the picture, and its stored size."""
    container.seek(0)
    for frame in container.decode(stream):
        # PyAV tells the display matrix' angle, which is counter-clockwise.
        return -frame.rotation % 360, (frame.width, frame.height)
    raise MediaError("Its picture cannot be decoded.", remedy="Export the file again.")
