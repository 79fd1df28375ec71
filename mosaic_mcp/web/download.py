"""Downloading a video from an http or https address into a file.

A broken connection goes on where it broke off (Range with If-Range, RFC 9110); a changed file
begins anew. What arrives is judged by the probe afterwards: here only web pages are turned away,
because the sentence for them should say so.
"""

from __future__ import annotations

import errno
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

import anyio
import anyio.to_thread
import httpx

from mosaic_mcp import __version__
from mosaic_mcp.errors import MediaError, NoSpace, SourceUnavailable, TooLarge
from mosaic_mcp.web.addresses import CheckedTransport, IPAddress, public
from mosaic_mcp.web.names import name_of

Progress = Callable[[int, int | None], Awaitable[None]]
"""`(bytes so far, bytes in all if known)`."""

Room = Callable[[int, str], None]
"""`(bytes, of what)`: raises NoSpace when so many more do not fit on the disk."""

REPORT_EVERY_S = 0.5
_WHOLE, _CONTINUED, _RANGE_REFUSED = 200, 206, 416


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a download may take. A file of 5 GB is the largest that the contract takes."""

    size: int = 5 * 1024**3
    seconds: float = 3 * 3600
    silence_s: float = 60
    """Seconds without a byte after which a connection counts as broken."""
    tries: int = 4
    """Connections in a row that may bring nothing."""
    pause_s: float = 1
    """Before the second try; doubled each time."""
    redirects: int = 5


def free_in(folder: Path) -> Room:
    """The room of a disk of which nothing has to stay free."""

    def check(need: int, _what: str) -> None:
        if need > shutil.disk_usage(folder).free:
            raise NoSpace

    return check


async def download(
    url: str,
    folder: Path,
    *,
    on_progress: Progress | None = None,
    limits: Limits = Limits(),
    allowed: Callable[[IPAddress], bool] = public,
    room: Room | None = None,
) -> tuple[Path, str]:
    """Fetch `url` into a new file in `folder`; the file, and what to call it.

    `room` is asked before it begins and at every block; without one only what is free counts.
    Raises SourceUnavailable (does not answer, 429, 5xx, broken off), MediaError (refused, a web
    page, too slow), TooLarge or NoSpace. Whatever happens short of success, also cancelling, no
    file is left.
    """
    if not _is_address(url):
        raise MediaError(
            f"{shown(url)} is not an http or https address.", remedy="Give one that is."
        )
    path = folder / "download"
    client = httpx.AsyncClient(
        transport=CheckedTransport(allowed),
        headers={"Accept-Encoding": "identity", "User-Agent": f"mosaic-mcp/{__version__}"},
        follow_redirects=True,
        max_redirects=limits.redirects,
        trust_env=False,
        timeout=httpx.Timeout(30, read=limits.silence_s),
    )
    try:
        with anyio.fail_after(limits.seconds):
            async with client:
                name = await _Download(
                    client, url, path, limits, on_progress, room or free_in(folder)
                ).run()
    except TimeoutError as error:
        path.unlink(missing_ok=True)
        raise MediaError(
            f"The download of {shown(url)} took more than {limits.seconds / 3600:.1f} hours.",
            remedy="Download it yourself and give the file.",
        ) from error
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path, name


def shown(url: str) -> str:
    """An address as we may repeat it: without a password, and without a query, which may hold
    keys."""
    if not _is_address(url):
        return repr(url.partition("?")[0].rpartition("@")[2][:80])
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"[:200]


def _is_address(url: str) -> bool:
    """True for what both the standard library and httpx take for an http or https address."""
    try:
        parsed, port = httpx.URL(url), urlsplit(url).port
    except (httpx.InvalidURL, ValueError):
        return False
    return parsed.scheme in ("http", "https") and bool(parsed.host) and port != 0


class _Download:
    """One file on its way, over as many connections as it takes."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        url: str,
        path: Path,
        limits: Limits,
        on_progress: Progress | None,
        room: Room,
    ) -> None:
        self._client = client
        self._url = url
        self._path = path
        self._limits = limits
        self._on_progress = on_progress
        self._room = room
        self._have = 0
        self._whole: int | None = None
        self._validator = ""
        self._told = -REPORT_EVERY_S

    async def run(self) -> str:
        """Download the file; its name."""
        idle = 0
        with self._path.open("xb") as file:
            while True:
                before = self._have
                try:
                    return await self._connection(file)
                except httpx.TooManyRedirects as error:
                    raise self._refused(
                        f"redirects more than {self._limits.redirects} times"
                    ) from error
                except httpx.UnsupportedProtocol as error:
                    raise self._refused("redirects to what is not http or https") from error
                except httpx.TransportError as error:
                    idle = 0 if self._have > before else idle + 1
                    if idle >= self._limits.tries:
                        raise self._unreachable(error) from error
                await anyio.sleep(self._limits.pause_s * 2 ** max(idle - 1, 0))

    async def _connection(self, file: BinaryIO) -> str:
        """Read what is missing over one connection."""
        headers: dict[str, str] = {}
        if self._have and self._validator:
            headers = {"Range": f"bytes={self._have}-", "If-Range": self._validator}
        async with self._client.stream("GET", self._url, headers=headers) as response:
            self._check(response)
            if response.status_code != _CONTINUED:
                # The whole file: the first time, or because it changed or cannot be continued.
                self._have = 0
                await anyio.to_thread.run_sync(file.truncate, 0)
                self._whole, self._validator = _whole(response), _validator(response)
            self._check_size(self._whole or 0)
            file.seek(self._have)
            async for block in response.aiter_bytes():
                if not self._have:
                    self._check_start(block)
                await self._write(file, block)
            await self._tell(at_once=True)
            return name_of(
                str(response.url.copy_with(query=None)),
                response.headers.get("content-disposition", ""),
            )

    async def _write(self, file: BinaryIO, block: bytes) -> None:
        self._check_size(self._have + len(block))
        try:
            await anyio.to_thread.run_sync(file.write, block)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise NoSpace from error
            raise
        self._have += len(block)
        await self._tell()

    async def _tell(self, *, at_once: bool = False) -> None:
        now = anyio.current_time()
        if self._on_progress and (at_once or now - self._told >= REPORT_EVERY_S):
            self._told = now
            await self._on_progress(self._have, self._whole)

    def _check(self, response: httpx.Response) -> None:
        """Turn answers away that are no file."""
        status = response.status_code
        if status in (401, 403):
            raise self._refused(f"may not be read (HTTP {status})", "Give a link that is open.")
        if status in (404, 410):
            raise self._refused(
                f"is not there (HTTP {status})", "Check the address; the link may have expired."
            )
        if status >= 500 or status == 429:
            if (asked := _retry_after_s(response.headers)) is not None:
                raise SourceUnavailable(
                    f"{shown(self._url)} answers HTTP {status} and asks to wait.",
                    remedy="Resume the run later.",
                    retry_after_s=asked,
                )
            raise httpx.RemoteProtocolError(f"the server answers HTTP {status}")
        continued = response.headers.get("content-range", "").startswith(f"bytes {self._have}-")
        if status == _RANGE_REFUSED or (status == _CONTINUED and not continued):
            # Its idea of what is missing is not ours: from the beginning then.
            self._have, self._validator = 0, ""
            raise httpx.RemoteProtocolError("the server cannot continue the download")
        if status not in (_WHOLE, _CONTINUED):
            raise self._refused(f"was refused (HTTP {status})")
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind in ("text/html", "application/xhtml+xml"):
            raise self._page()

    def _check_start(self, block: bytes) -> None:
        start = block[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
        if start.startswith((b"<!doctype html", b"<html")):
            raise self._page()

    def _check_size(self, size: int) -> None:
        if size > self._limits.size:
            raise TooLarge(
                f"{shown(self._url)} has more than {self._limits.size / 1024**3:.1f} GB, the most "
                "that is downloaded.",
                remedy="Give a smaller file, or a part of it.",
            )
        self._room(size - self._have, "the download")

    def _page(self) -> MediaError:
        return self._refused(
            "is a web page, not a video file",
            "Give the direct link to the file (often behind “Download”), or download it and give "
            "the file.",
        )

    def _refused(self, why: str, remedy: str = "Open it in a browser to see why.") -> MediaError:
        return MediaError(f"{shown(self._url)} {why}.", remedy=remedy)

    def _unreachable(self, error: httpx.TransportError) -> SourceUnavailable:
        if self._have:
            what = f"The download of {shown(self._url)} broke off after {self._have} bytes"
        else:
            what = f"{shown(self._url)} cannot be reached"
        reason = "no answer in time" if isinstance(error, httpx.TimeoutException) else str(error)
        return SourceUnavailable(
            f"{what}: {reason or type(error).__name__}.",
            remedy="Check the address and the connection, then resume the run.",
        )


def _whole(response: httpx.Response) -> int | None:
    """How many bytes the file has; None where that is not said."""
    length = response.headers.get("content-length", "")
    packed = "content-encoding" in response.headers
    return int(length) if length.isdigit() and not packed else None


def _retry_after_s(headers: httpx.Headers) -> float | None:
    """Retry-After in seconds, from either of its forms (RFC 9110 10.2.3)."""
    value = headers.get("retry-after", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None


def _validator(response: httpx.Response) -> str:
    """What proves that the rest belongs to the same file: a strong ETag, else its date.

    A packed answer cannot be continued: its bytes are not the file's.
    """
    if "content-encoding" in response.headers:
        return ""
    tag = response.headers.get("etag", "")
    if tag and not tag.startswith("W/"):
        return tag
    return response.headers.get("last-modified", "")
