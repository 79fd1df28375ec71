"""What one string names: a file, an address, a YouTube video, an upload, a render, a Mimir item.

Told apart by its form alone, without looking at the disk or asking the engine. A bare id may be
an upload or a render; the engine is asked which (`lookup.py`).
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from mosaic_mcp.contract.youtube import youtube_id
from mosaic_mcp.errors import Fault, InvalidRequest

Kind = Literal["file", "url", "youtube", "id", "video", "render", "run", "mimir"]

_PREFIXES: dict[str, Kind] = {
    "video": "video",
    "upload": "video",
    "render": "render",
    "output": "render",
    "run": "run",
    "mimir": "mimir",
}
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_YOUTUBE_HOSTS = ("youtube.com", "youtu.be", "youtube-nocookie.com")
_QUOTES = "\"'`“”‘’"


@dataclass(frozen=True, slots=True)
class Source:
    """A kind and what identifies it: a path, a URL or an id."""

    kind: Kind
    value: str


def is_uuid(text: str) -> bool:
    """True for the form that every id of the contract has."""
    return _UUID.fullmatch(text) is not None


def parse_source(said: str, where: str = "video") -> Source:
    """The source that a string names; raises InvalidRequest when it can be none."""
    text = said.strip().strip(_QUOTES).strip()
    if not text:
        raise _refusal(where, "is empty.", "Give a path, an address or an id.")
    prefix, colon, rest = text.partition(":")
    if colon and (kind := _PREFIXES.get(prefix.casefold())):
        rest = rest.strip()
        if not _ID.fullmatch(rest):
            raise _refusal(where, f"{text!r} has no id after {prefix}:.", "Copy the id whole.")
        return Source(kind, rest)
    if is_uuid(text):
        return Source("id", text.lower())
    if scheme := _SCHEME.match(text):
        return _address(text, scheme[1].casefold(), where)
    if _youtube_host(f"https://{text}"):
        return _address(f"https://{text}", "https", where)
    if _DRIVE.match(text) and sys.platform != "win32":
        raise _refusal(
            where,
            f"{text!r} is a Windows path, and this server does not run on Windows.",
            "Give the path as this machine sees it.",
        )
    return Source("file", text)


def _address(url: str, scheme: str, where: str) -> Source:
    if scheme == "file":
        return Source("file", _path_of(url, where))
    if scheme not in ("http", "https"):
        raise _refusal(
            where,
            f"{scheme}:// addresses cannot be read.",
            "Give an http or https address, or download the file and give its path.",
        )
    if _youtube_host(url):
        video = youtube_id(url)
        if video is None:
            raise _refusal(
                where,
                f"{url!r} is a YouTube page, but not one video.",
                "Open the video itself and copy its address (…/watch?v=…).",
            )
        return Source("youtube", f"https://www.youtube.com/watch?v={video}")
    if any(c.isspace() for c in url) or not _host(url):
        raise _refusal(where, f"{url!r} is not a complete address.", "Copy it whole.")
    return Source("url", url)


def _path_of(url: str, where: str) -> str:
    """The path of a file:// URL; those of other machines are refused."""
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost"):
        raise _refusal(
            where, f"{url!r} is a file of another machine.", "Give the path of a file on this one."
        )
    # A "#" or "?" in a file URL that nobody escaped belongs to the file's name.
    path = url.split("://", 1)[1].removeprefix(parts.netloc)
    return url2pathname(path) if sys.platform == "win32" else unquote(path)


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def _youtube_host(url: str) -> bool:
    host = _host(url)
    return any(host == known or host.endswith(f".{known}") for known in _YOUTUBE_HOSTS)


def _refusal(where: str, what: str, remedy: str) -> InvalidRequest:
    return InvalidRequest([Fault(where, what, remedy)])
