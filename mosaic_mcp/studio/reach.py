"""What media may be and reach: the one place for FFmpeg's command line and for PyAV."""

from __future__ import annotations

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
