"""What FFmpeg says about a source before it decodes it: colours, scan, duration.

The timeline's `Source` says what people see (size, rate); this is what the graph must undo.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from mosaic_mcp.studio.render.ffmpeg import Limits, media_input, run_ffmpeg

HDR_TRANSFERS = ("smpte2084", "arib-std-b67")
"""PQ and HLG."""

_MATRICES = ("bt709", "smpte170m", "bt470bg", "bt2020nc", "bt2020c", "fcc", "smpte240m")
_SEEKABLE = (b"ftyp", b"\x1aE\xdf\xa3")


@dataclass(frozen=True, slots=True)
class Facts:
    """How a source's pictures are stored."""

    matrix: str = "bt709"
    """Of the YCbCr values; what is untagged counts as players count it: HD bt709, SD smpte170m."""
    full_range: bool = False
    hdr: bool = False
    interlaced: bool = False
    duration: Fraction = Fraction(0)
    seekable: bool = False
    """The container has an index, so that a seek lands on or before the asked time."""


async def read_facts(ffmpeg: Path, name: str, *, cwd: Path) -> Facts:
    """Facts of the file `name` in the folder `cwd`."""
    args = [*media_input(name), "-c", "copy", "-t", "0", "-f", "null", "-"]
    ended = await run_ffmpeg(
        ffmpeg, args, cwd=cwd, what="a first look", level="info", limits=Limits(seconds=60)
    )
    head = (cwd / name).open("rb")
    with head:
        start = head.read(8)
    return parse_facts(ended.log, seekable=any(mark in start for mark in _SEEKABLE))


def parse_facts(log: str, *, seekable: bool = False) -> Facts:
    """Facts from FFmpeg's description of its input."""
    found = re.search(r"Duration: (\d+):(\d+):(\d+\.\d+)", log)
    duration = Fraction(0)
    if found:
        hours, minutes, seconds = found.groups()
        duration = int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)
    stream = re.search(r"Stream #0:\d+.*?: Video: (.*)", log)
    if stream is None:
        return Facts(duration=duration, seekable=seekable)
    line = stream.group(1)
    # As in "yuv420p10le(tv, bt2020nc/bt2020/arib-std-b67, progressive), 1920x1080 [SAR 1:1".
    tags = re.search(r"\b(?:yuv|gray|gbr|rgb|bgr|nv|p0|pal)\w*\(([^)]*)\)", line)
    notes = tags.group(1) if tags else ""
    size = re.search(r" (\d{2,5})x(\d{2,5})\b", line)
    untagged = "bt709" if size and int(size.group(2)) >= 720 else "smpte170m"
    return Facts(
        matrix=next((m for m in _MATRICES if re.search(rf"\b{m}\b", notes)), untagged),
        full_range="yuvj" in line or bool(re.search(r"\bpc\b", notes)),
        hdr=any(t in notes for t in HDR_TRANSFERS),
        interlaced=bool(re.search(r"\b(top|bottom) (first|coded first)", notes)),
        duration=duration,
        seekable=seekable,
    )
