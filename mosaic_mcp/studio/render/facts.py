"""What FFmpeg says about a source before it decodes it: colours, scan, index.

The timeline's `Source` says what people see (size, rate); this is what the graph must undo.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from mosaic_mcp.studio.render.ffmpeg import Limits, guarded_input, run_ffmpeg
from mosaic_mcp.studio.timeline.model import Source

HDR_TRANSFERS = ("smpte2084", "arib-std-b67")
"""PQ and HLG."""

_MATRICES = {
    "bt709": "bt709",
    "smpte170m": "smpte170m",
    "bt470bg": "smpte170m",
    "bt2020nc": "bt2020",
    "bt2020c": "bt2020",
    "fcc": "fcc",
    "smpte240m": "smpte240m",
}
"""Names in a stream's description, and what `scale` calls them."""
_SEEKABLE = (b"ftyp", b"\x1aE\xdf\xa3")


@dataclass(frozen=True, slots=True)
class Facts:
    """How a source's pictures are stored."""

    matrix: str = "bt709"
    """Of the YCbCr values; what is untagged counts as players count it: HD bt709, SD smpte170m."""
    full_range: bool = False
    hdr: bool = False
    interlaced: bool = False
    seekable: bool = False
    """The container has an index, so that a seek lands on or before the asked time."""

    @property
    def whole_pictures(self) -> tuple[str, ...]:
        """Filters that make whole pictures of half ones."""
        return ("bwdif=mode=send_frame:deint=interlaced",) if self.interlaced else ()

    @property
    def to_bt709(self) -> str:
        """Options of FFmpeg's `scale` that bring the values to bt709, video range.

        They cost nothing where the values are that already. HDR is tone-mapped to it before.
        """
        matrix, full_range = ("bt709", False) if self.hdr else (self.matrix, self.full_range)
        span = "pc" if full_range else "tv"
        return f"in_color_matrix={matrix}:out_color_matrix=bt709:in_range={span}:out_range=tv"


def square(source: Source) -> tuple[str, ...]:
    """Filters that bring pictures to square pixels, as the source is shown; most are already."""
    return (f"scale={source.width}:{source.height}", "setsar=1")


async def read_facts(ffmpeg: Path, name: str, *, cwd: Path) -> Facts:
    """Facts of the file `name` in the folder `cwd`."""
    args = [*guarded_input(name), "-map", "0:v?", "-map", "0:a?", "-c", "copy", "-t", "0"]
    ended = await run_ffmpeg(ffmpeg, [*args, "-f", "null", "-"], cwd=cwd, limits=Limits(wall_s=60))
    with (cwd / name).open("rb") as file:
        start = file.read(8)
    return parse_facts(ended.log, seekable=any(mark in start for mark in _SEEKABLE))


def parse_facts(log: str, *, seekable: bool = False) -> Facts:
    """Facts from FFmpeg's description of its input."""
    stream = re.search(r"Stream #0:\d+.*?: Video: (.*)", log)
    if stream is None:
        return Facts(seekable=seekable)
    line = stream.group(1)
    # As in "yuv420p10le(tv, bt2020nc/bt2020/arib-std-b67, progressive), 1920x1080 [SAR 1:1".
    tags = re.search(r"\b(?:yuv|gray|gbr|rgb|bgr|nv|p0|pal)\w*\(([^)]*)\)", line)
    notes = tags.group(1) if tags else ""
    size = re.search(r" (\d{2,5})x(\d{2,5})\b", line)
    untagged = "bt709" if size and int(size.group(2)) >= 720 else "smpte170m"
    return Facts(
        matrix=_matrix(notes) or untagged,
        full_range="yuvj" in line or bool(re.search(r"\bpc\b", notes)),
        hdr=any(t in notes for t in HDR_TRANSFERS),
        interlaced=bool(re.search(r"\b(top|bottom) (first|coded first)", notes)),
        seekable=seekable,
    )


def _matrix(notes: str) -> str | None:
    """As in "tv, smpte170m/bt709/bt709": matrix, primaries and transfer, or one name for all."""
    said = (note.partition("/")[0] for note in notes.split(", "))
    return next((_MATRICES[name] for name in said if name in _MATRICES), None)
