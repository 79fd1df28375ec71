"""Files that attack whoever opens them, written into a folder."""

from __future__ import annotations

import struct
import subprocess
import zlib
from pathlib import Path

from tests.support.coded import FFMPEG, counted

HLS = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n"
DASH = """<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"
 mediaPresentationDuration="PT1S" profiles="urn:mpeg:dash:profile:isoff-main:2011"><Period>
<AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>{}</BaseURL>
</Representation></AdaptationSet></Period></MPD>"""
CONCAT = "ffconcat version 1.0\nfile {}\n"
SDP = "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na={}"
SVG = """<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"
 width="64" height="64"><image xlink:href="{}" width="64" height="64"/></svg>"""
SMIL = '<?xml version="1.0"?><smil><body><video src="{}"/></body></smil>'
ASX = '<asx version="3.0"><entry><ref href="{}"/></entry></asx>'
HTML = '<!doctype html><html><body><video src="{}"></video></body></html>'
ASS = "[Script Info]\n[Events]\nDialogue: 0,0:00:00.00,0:00:05.00,Default,,0,0,0,,{}\n"
SRT = "1\n00:00:00,000 --> 00:00:05,000\n{}\n"
IMF = """<?xml version="1.0"?><CompositionPlaylist xmlns="http://www.smpte-ra.org/schemas/2067-3/2016">
<Id>{}</Id></CompositionPlaylist>"""

REFERRING = {
    "hls": HLS,
    "dash": DASH,
    "ffconcat": CONCAT,
    "sdp": SDP,
    "svg": SVG,
    "smil": SMIL,
    "asx": ASX,
    "html": HTML,
    "ass": ASS,
    "srt": SRT,
    "imf": IMF,
}
"""Texts with a place for a path or an address; players of some kind open what stands there."""


def quicktime_alias(folder: Path) -> Path:
    """A movie without media data of its own that refers to another file."""
    target = counted(folder / "secret.mp4", 5)
    data = target.read_bytes()
    own = b"\0\0\0\x0curl \0\0\0\x01"
    assert data.count(own) == 1
    volume = b"Volume"
    path = volume + str(target).replace("/", ":").encode()
    alias = b"\0" * 10 + bytes([len(volume)]) + volume.ljust(27, b"\0") + b"\0" * 12
    alias += bytes([10]) + b"secret.mp4".ljust(63, b"\0") + b"\0" * 16 + b"\0\1\0\1" + b"\0" * 16
    alias += struct.pack(">HH", 2, len(path)) + path + b"\0" * (len(path) % 2) + b"\xff\xff\0\0"
    entry = struct.pack(">I", 12 + len(alias)) + b"alis\0\0\0\0" + alias
    grown = len(entry) - len(own)
    data = data.replace(own, entry)
    for box in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        at = data.index(box) - 4
        size = struct.unpack_from(">I", data, at)[0]
        data = data[:at] + struct.pack(">I", size + grown) + data[at + 4 :]
    # What the file itself has for pictures is nothing.
    start = data.index(b"mdat") + 4
    moov = data.index(b"moov") - 4
    end = moov if moov > start else len(data)
    data = data[:start] + b"\0" * (end - start) + data[end:]
    movie = folder / "alias.mov"
    movie.write_bytes(data)
    return movie


def png(width: int, height: int) -> bytes:
    """A PNG that promises a size and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99))


def made(path: Path, *arguments: str) -> Path:
    """A file by FFmpeg."""
    subprocess.run([FFMPEG, "-v", "error", "-y", *arguments, str(path)], check=True)
    return path


def many_streams(path: Path, count: int) -> Path:
    """A Matroska file with so many sound tracks."""
    maps = ("-map", "0:a") * count
    return made(path, "-f", "lavfi", "-i", "sine=d=0.1", *maps, "-c:a", "pcm_s16le")


def silent_hours(path: Path, hours: int) -> Path:
    """A WAV of silence that takes no room on the disk."""
    size = hours * 3600 * 16_000
    form = struct.pack("<HHIIHH", 1, 1, 8_000, 16_000, 2, 16)
    head = b"RIFF" + struct.pack("<I", size + 36) + b"WAVEfmt " + struct.pack("<I", 16) + form
    with path.open("wb") as file:
        file.write(head + b"data" + struct.pack("<I", size))
        file.truncate(44 + size)
    return path


def one_picture(path: Path, side: int) -> Path:
    """A video of one picture of `side` times `side` pixels, 3 bytes each when decoded."""
    shown = ("-f", "lavfi", "-i", f"testsrc2=s={side}x{side}", "-frames:v", "1")
    return made(path, *shown, "-c:v", "mjpeg", "-pix_fmt", "yuvj444p")
