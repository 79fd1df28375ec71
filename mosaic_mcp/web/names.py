"""What a downloaded file is called: for people only, never part of a path of ours."""

from __future__ import annotations

import re
from email.message import Message
from pathlib import PureWindowsPath
from urllib.parse import unquote, urlsplit

MAX_CHARS = 120


def name_of(url: str, disposition: str = "") -> str:
    """The name in a Content-Disposition header (RFC 6266), else the end of the address."""
    header = Message()
    header["Content-Disposition"] = disposition or "attachment"
    name = header.get_filename() or unquote(urlsplit(url).path.rstrip("/"))
    # Both kinds of slash separate on Windows paths; some servers send whole paths.
    name = PureWindowsPath(name).name
    return plain(name) or "video"


def plain(text: str) -> str:
    """One line of printable text, not too long."""
    text = "".join(c if c.isprintable() else " " for c in text)
    text = re.sub(r"\s+", " ", text).strip()
    if len(text) <= MAX_CHARS:
        return text
    stem, dot, suffix = text.rpartition(".")
    if not dot or len(suffix) > 5:
        return text[:MAX_CHARS]
    return f"{stem[: MAX_CHARS - len(suffix) - 1]}.{suffix}"
