"""Keeping an output: from a path or a signed link into a folder of the user's."""

from __future__ import annotations

import re
import shutil
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import anyio.to_thread
import httpx

from mosaic_mcp.errors import EngineUnavailable, MediaError

_RESERVED = re.compile(r"^(con|prn|aux|nul|com\d|lpt\d)(\..*)?$", re.IGNORECASE)
MAX_PICTURE = 8 * 1024 * 1024


def safe_name(name: str) -> str:
    """A file name from a name: no separators, control or reserved characters, no device names."""
    text = re.sub(r'[\x00-\x1f<>:"/\\|?*]+', "-", name).strip(" .-") or "video"
    if _RESERVED.match(text):
        text = f"_{text}"
    stem, dot, suffix = text.rpartition(".")
    return f"{stem[:100]}{dot}{suffix}" if dot else text[:100]


def expiry(url: str) -> str | None:
    """When a signed link ends (ISO 8601), read from the link; None when it does not say.

    Understands our `exp` and Google's X-Goog-Date with X-Goog-Expires.
    """
    query = parse_qs(urlsplit(url).query)
    try:
        if "exp" in query:
            return datetime.fromtimestamp(int(query["exp"][0]), UTC).isoformat()
        made = datetime.strptime(query["X-Goog-Date"][0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        return (made + timedelta(seconds=int(query["X-Goog-Expires"][0]))).isoformat()
    except (KeyError, ValueError, OverflowError):
        return None


async def save_file(source: str, folder: Path, name: str) -> Path:
    """Copy `source` (a path of this machine or a link) to `folder`, complete or not at all.

    A file of that name that is there already is kept: the new one gets a number.
    """
    return await anyio.to_thread.run_sync(_save, source, folder, safe_name(name))


async def fetch_picture(url: str) -> tuple[bytes, str]:
    """A small picture behind a signed link, and its media type."""
    async with httpx.AsyncClient(timeout=30, follow_redirects=True) as http:
        try:
            answer = await http.get(url)
        except httpx.TransportError as error:
            raise EngineUnavailable("The picture's server does not answer.") from error
    if not answer.is_success or len(answer.content) > MAX_PICTURE:
        raise EngineUnavailable(
            f"The picture cannot be had (status {answer.status_code}).",
            remedy="Links end: list_outputs signs them afresh.",
        )
    return answer.content, answer.headers.get("content-type", "image/jpeg").split(";")[0]


def _save(source: str, folder: Path, name: str) -> Path:
    part = folder / f".{uuid.uuid4().hex}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if source.startswith(("http://", "https://")):
            _download(source, part)
        else:
            shutil.copyfile(source, part)
        final = _free(folder, name)
        part.replace(final)
    except OSError as error:
        raise MediaError(
            f"{name} could not be written to {folder}: {error.strerror}.",
            remedy="Give another folder with save_to, or free some space.",
        ) from error
    finally:
        part.unlink(missing_ok=True)
    return final


def _download(url: str, part: Path) -> None:
    try:
        with (
            httpx.Client(timeout=httpx.Timeout(30, read=120), follow_redirects=True) as http,
            http.stream("GET", url) as answer,
            part.open("wb") as file,
        ):
            if not answer.is_success:
                raise EngineUnavailable(
                    f"The video's link answers with status {answer.status_code}.",
                    remedy="Links end after 7 days: call list_outputs again for a fresh one.",
                )
            for chunk in answer.iter_bytes(1 << 20):
                file.write(chunk)
    except httpx.TransportError as error:
        raise EngineUnavailable(
            "The download broke off.", remedy="Call again; nothing half-done is left."
        ) from error


def _free(folder: Path, name: str) -> Path:
    """A path in `folder` that nothing has."""
    path = folder / name
    number = 2
    while path.exists():
        path = folder / f"{Path(name).stem} ({number}){Path(name).suffix}"
        number += 1
    return path
