"""What media may be and reach: the one place for FFmpeg's command line and for PyAV."""

from __future__ import annotations

from pathlib import Path

FORMATS = (
    "mov,matroska,avi,mpegts,mpeg,flv,asf,ogg,wav,aiff,mp3,flac,aac,gif,"
    "png_pipe,jpeg_pipe,webp_pipe"
)
"""Containers that we read. Not among them: playlists and manifests (HLS, DASH, concat, SDP, IMF),
which name other files and addresses that FFmpeg would open; image2, which reads all files that fit
a name such as `%d.png`; subtitles and SVG."""

PROTOCOLS = "file"
MAX_PIXELS = 8192 * 8192
MAX_STREAMS = 32
_PICTURES = {b"\xff\xd8\xff": "jpeg_pipe", b"\x89PN": "png_pipe", b"WEBP": "webp_pipe"}
"""By what the files of pictures begin with, or have behind their length."""


def told_format(path: Path) -> str | None:
    """The format to name when a file is opened; None: FFmpeg finds it.

    A picture whose name ends as pictures' names do is mostly taken for a series of them (image2),
    which is refused.
    """
    with path.open("rb") as file:
        head = file.read(12)
    return next((name for mark, name in _PICTURES.items() if mark in (head[:3], head[8:])), None)
