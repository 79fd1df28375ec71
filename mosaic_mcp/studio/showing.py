"""What browsers and players are told of a file: its type, and the name to save it under."""

from __future__ import annotations

import re
from urllib.parse import quote

_TYPES = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".webm": "video/webm",
    ".mkv": "video/x-matroska",
    ".avi": "video/x-msvideo",
    ".mp3": "audio/mpeg",
    ".wav": "audio/wav",
    ".m4a": "audio/mp4",
    ".flac": "audio/flac",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".aac": "audio/aac",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".zip": "application/zip",
    ".srt": "application/x-subrip",
    ".vtt": "text/vtt",
    ".txt": "text/plain; charset=utf-8",
    ".json": "application/json",
}
"""Types by our own table: the system's differs from machine to machine."""


def media_type(suffix: str) -> str:
    """The media type of a file with this suffix (".mp4")."""
    return _TYPES.get(suffix, "application/octet-stream")


def disposition(suffix: str) -> str:
    """`inline` for what browsers show, `attachment` for what they save."""
    shown = media_type(suffix).startswith(("video/", "audio/", "image/"))
    return "inline" if shown else "attachment"


def content_disposition(name: str, suffix: str) -> str:
    """The header's value (RFC 6266): ASCII, whatever the name."""
    file = safe_name(name, suffix)
    quoted = quote(file)
    said = f'filename="{file}"' if quoted == file else f"filename*=utf-8''{quoted}"
    return f"{disposition(suffix)}; {said}"


def safe_name(name: str, suffix: str) -> str:
    """`name` as a file name on every system, with the suffix of the content."""
    stem = name[: -len(suffix)] if name.lower().endswith(suffix) else name
    stem = re.sub(r'[\x00-\x1f\x7f<>:"/\\|?*]+', "_", stem).strip(" ._")[:120]
    return f"{stem or 'file'}{suffix}"
