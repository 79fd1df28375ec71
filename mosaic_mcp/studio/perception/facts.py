"""What a file is: kind, length, size, rates, and whether it is whole. Runs in the helper."""

from __future__ import annotations

import hashlib
import itertools
from fractions import Fraction
from pathlib import Path
from typing import Any

from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from mosaic_mcp.errors import MediaError
from mosaic_mcp.studio.perception.opening import opened, start_of
from mosaic_mcp.studio.perception.tables import check_table, is_table
from mosaic_mcp.studio.reach import MAX_PIXELS

MAX_RATE = 1000
MAX_DURATION_S = 24 * 3600
_SILENT = {"audio_channels": 0, "audio_rate": 0, "audio_codec": None}
IMAGES = {"png_pipe", "jpeg_pipe", "webp_pipe", "gif"}


def examine(argument: dict[str, Any]) -> dict[str, Any]:
    """Facts of `path`, with the hash of every byte. Times are fractions as text."""
    path = argument["path"]
    digest = _sha256(path)
    if is_table(path):
        check_table(path)
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
    }


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
