"""Which addresses are YouTube videos. Recognition only; nothing is fetched."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

_ID = re.compile(r"^[A-Za-z0-9_-]{11}$")
# The seed's examples use VIDEO_ID, VIDEO_ONE and VIDEO_TWO where a real id stands.
_PLACEHOLDER = re.compile(r"^VIDEO_(ID|ONE|TWO)$")
_HOSTS = {"youtube.com", "www.youtube.com", "m.youtube.com", "music.youtube.com"}
_IN_PATH = ("shorts", "live", "embed", "v")


def youtube_id(url: str) -> str | None:
    """The video id in a YouTube address (with or without https://), or None."""
    text = url.strip()
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
    except ValueError:
        return None
    if parts.scheme not in ("http", "https"):
        return None
    host = (parts.hostname or "").lower()
    segments = [s for s in parts.path.split("/") if s]
    found = ""
    if host in ("youtu.be", "www.youtu.be") and segments:
        found = segments[0]
    elif host in _HOSTS or host == "www.youtube-nocookie.com":
        if segments[:1] == ["watch"]:
            found = parse_qs(parts.query).get("v", [""])[0]
        elif len(segments) > 1 and segments[0] in _IN_PATH:
            found = segments[1]
    return found if _ID.match(found) or _PLACEHOLDER.match(found) else None
