"""Keeping an output: from a path or a signed link into a folder of the user's."""

from __future__ import annotations

import re
import shutil
import uuid
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import parse_qs, urlsplit

import anyio
import anyio.to_thread
import httpx

from mosaic_mcp.client.transport import read_body
from mosaic_mcp.errors import EngineUnavailable, MediaError, NotFound, TooLarge
from mosaic_mcp.opening import Folder, held
from mosaic_mcp.web.addresses import IPAddress, ProxiedTransport, public

if TYPE_CHECKING:
    from mosaic_mcp.client.api import MosaicClient

Renew = Callable[[], Awaitable[str]]
"""A fresh link to the same file."""

MAX_FILE = 20 * 1024**3
"""Bytes of a download that we keep."""
MAX_REDIRECTS = 5
TRIES = 3
"""A broken download goes on where it broke off, so trying again at once costs little."""
_TIMEOUT = httpx.Timeout(30.0, read=120.0)
_EXPIRED = {400, 401, 403, 404, 410}
"""What stores answer to a signed link that has ended."""
_CONTENT_RANGE = re.compile(r"bytes (?P<start>\d+)-\d+/(?P<total>\d+)")
_RESERVED = re.compile(r"^(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
_MAX_NAME = 180
"""Bytes of a name; file systems take 255, and numbers may be added."""


@dataclass(frozen=True, slots=True)
class Within:
    """Where links may lead: to `allowed` addresses, and to the engine that gives them."""

    engine: str | None = None
    allowed: Callable[[IPAddress], bool] = public


PUBLIC = Within()


def safe_name(name: str) -> str:
    """A file name from a name: no separators, hidden or reserved characters, no device names."""
    text = "".join(c if c.isprintable() else "-" for c in name)
    text = re.sub(r'[<>:"/\\|?*]+', "-", text).strip(" .-") or "video"
    if _RESERVED.match(text):
        text = f"_{text}"
    suffix = Path(text).suffix if len(Path(text).suffix) <= 10 else ""
    stem = text.removesuffix(suffix).encode()[: _MAX_NAME - len(suffix.encode())]
    return stem.decode("utf-8", "ignore") + suffix


def expiry(url: str) -> str | None:
    """When a signed link ends (ISO 8601), read from the link; None when it does not say.

    Understands our `exp`, and the date and length that Google and Amazon write into theirs.
    """
    query = parse_qs(urlsplit(url).query)
    try:
        if "exp" in query:
            return datetime.fromtimestamp(int(query["exp"][0]), UTC).isoformat()
        by = "X-Amz" if "X-Amz-Date" in query else "X-Goog"
        made = datetime.strptime(query[f"{by}-Date"][0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        return (made + timedelta(seconds=int(query[f"{by}-Expires"][0]))).isoformat()
    except (KeyError, ValueError, OverflowError, OSError):
        return None


async def save_output(
    client: MosaicClient, run_id: str, output_id: str, folder: Path, name: str
) -> Path:
    """Save a finished video of a run; a link that has ended meanwhile is read again."""

    async def link() -> str:
        run = await client.get_run(run_id)
        for output in run.outputs:
            if output.id == output_id:
                return client.reach(output.video_url)
        raise NotFound(
            f"Run {run_id} has no output {output_id!r}.",
            remedy=f"list_outputs(run_id='{run_id}') gives the ids.",
        )

    return await save_file(await link(), folder, name, renew=link, within=client.within)


async def save_texts(client: MosaicClient, output_id: str, video: Path) -> dict[str, str]:
    """Save what is said in an output beside its saved video: format -> path, where it is known."""
    studio = await client.studio()
    if studio is None:
        return {}
    saved: dict[str, str] = {}
    for suffix, at in (await studio.render(output_id)).texts.items():
        source = client.reach(at) if at.startswith(("http://", "https://")) else at
        name = f"{video.stem}.{suffix}"
        saved[suffix] = str(await save_file(source, video.parent, name, within=client.within))
    return saved


async def save_timeline(client: MosaicClient, source: str, video: Path) -> Path:
    """Save an output's timeline, a path or a signed link, beside its saved video."""
    name = f"{video.stem}.timeline.zip"
    if source.startswith(("http://", "https://")):
        source = client.reach(source)
    return await save_file(source, video.parent, name, within=client.within)


async def save_file(
    source: str,
    folder: Path,
    name: str,
    *,
    renew: Renew | None = None,
    within: Within = PUBLIC,
) -> Path:
    """Copy `source` (a path of this machine or a link) to `folder`, complete or not at all.

    A different file of that name is kept: the new one gets a number. An equal one is the answer.
    A link, and what it redirects to, has to lead `within` what may be reached.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with held(folder) as there, _part(there) as partial:
            if source.startswith(("http://", "https://")):
                await _Download(source, partial, renew, within).run()
            elif not await anyio.Path(source).is_file():
                raise MediaError(
                    f"{name} is not on this machine any more.",
                    remedy="Call list_outputs again; a run that was deleted has to be run again.",
                )
            else:
                await anyio.to_thread.run_sync(partial.copy, Path(source))
            return folder / await anyio.to_thread.run_sync(partial.publish, safe_name(name))
    except OSError as error:
        raise MediaError(
            f"{name} could not be written to {folder}: {error.strerror}.",
            remedy="Give another folder with save_to, or free some space.",
        ) from error


@dataclass(slots=True)
class _Part:
    """A file that is being written into a folder, under a name that nobody sees yet."""

    folder: Folder
    name: str
    file: BinaryIO

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self.file.tell()

    def restart(self) -> None:
        """Forget what was written."""
        self.file.seek(0)
        self.file.truncate()

    def copy(self, source: Path) -> None:
        """Fill it with the content of a file."""
        with source.open("rb") as file:
            shutil.copyfileobj(file, self.file, 1 << 20)

    def publish(self, name: str) -> str:
        """Give the complete file its name, or a numbered one where another file has that; the name.

        Where an equal file has it already, that one is the answer.
        """
        self.file.close()
        stem, suffix = Path(name).stem, Path(name).suffix
        number = 1
        while True:
            wanted = f"{stem} ({number}){suffix}" if number > 1 else name
            try:
                # Takes the name, so that nobody else gets it meanwhile.
                self.folder.open(wanted, "xb").close()
            except FileExistsError:
                if self._equals(wanted):
                    return wanted
                number += 1
            else:
                self.folder.rename(self.name, wanted)
                return wanted

    def _equals(self, other: str) -> bool:
        try:
            with self.folder.read(self.name) as ours, self.folder.read(other) as theirs:
                while (piece := ours.read(1 << 16)) == theirs.read(1 << 16):
                    if not piece:
                        return True
        except OSError:  # a folder, a link or a device has that name
            return False
        return False


@contextmanager
def _part(folder: Folder) -> Generator[_Part]:
    name = f".{uuid.uuid4().hex}.part"
    try:
        with folder.open(name, "xb") as file:
            yield _Part(folder, name, file)
    finally:
        folder.remove(name)


async def fetch_picture(url: str, *, within: Within = PUBLIC) -> tuple[bytes, str]:
    """A small picture behind a signed link, and its media type."""
    try:
        async with _http(within) as http:
            answer = await http.send(http.build_request("GET", url), stream=True)
            content = await read_body(answer)
    except httpx.RequestError as error:
        raise EngineUnavailable(
            "The picture's server does not answer.", remedy="Try again in a moment."
        ) from error
    kind = answer.headers.get("content-type", "").partition(";")[0]
    if not answer.is_success or not kind.startswith("image/"):
        raise EngineUnavailable(
            f"The picture cannot be had (status {answer.status_code}, {kind or 'no type'}).",
            remedy="Links end: list_outputs signs them afresh.",
        )
    return content, kind


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes from the middle of a file, and how many the whole file has."""

    content: bytes
    total: int


async def fetch_part(url: str, start: int, size: int, *, within: Within = PUBLIC) -> Part:
    """At most `size` bytes from byte `start` of the file behind a signed link."""
    headers = {"range": f"bytes={start}-{start + size - 1}"}
    try:
        async with _http(within) as http, http.stream("GET", url, headers=headers) as answer:
            place = _CONTENT_RANGE.fullmatch(answer.headers.get("content-range", ""))
            if answer.status_code != 206 or place is None or int(place["start"]) != start:
                raise EngineUnavailable(
                    f"That part of the file cannot be had (status {answer.status_code}).",
                    remedy="Links end: list_outputs signs them afresh.",
                )
            content = bytearray()
            async for piece in answer.aiter_bytes():
                content += piece
                if len(content) > size:
                    raise EngineUnavailable("The file's server sent more than was asked for.")
    except httpx.RequestError as error:
        raise EngineUnavailable(
            "The file's server does not answer.", remedy="Try again in a moment."
        ) from error
    return Part(bytes(content), int(place["total"]))


def _http(within: Within) -> httpx.AsyncClient:
    """For stores: they get no key of ours, so redirects are followed, though not into private
    networks: an engine's answer must not make us read what only this machine reaches."""
    return httpx.AsyncClient(
        timeout=_TIMEOUT,
        follow_redirects=True,
        max_redirects=MAX_REDIRECTS,
        transport=ProxiedTransport(within.allowed, trusted=within.engine),
        # A coded body could not be continued in its middle.
        headers={"accept-encoding": "identity"},
    )


@dataclass(slots=True)
class _Download:
    """A download that goes on where it broke off, under a fresh link where it has to."""

    url: str
    partial: _Part
    renew: Renew | None
    within: Within
    etag: str | None = None
    """The version of which `partial` is the beginning; None while there is none to go on from."""

    async def run(self) -> None:
        async with _http(self.within) as http:
            left = TRIES
            while True:
                left -= 1
                try:
                    async with http.stream("GET", self.url, headers=self._range()) as answer:
                        if answer.is_success and self._fits(answer):
                            await self._write(answer)
                            return
                except httpx.RequestError as error:
                    if not left:
                        raise EngineUnavailable(
                            "The download broke off.", remedy="Call again; no half file is left."
                        ) from error
                    continue
                await self._refused(answer.status_code, left)

    def _range(self) -> dict[str, str]:
        """Headers that ask for what is missing, if the file is still the same."""
        if self.etag is None:
            return {}
        return {"range": f"bytes={self.partial.size}-", "if-range": self.etag}

    def _fits(self, answer: httpx.Response) -> bool:
        """True for the whole file, and for the part that begins where ours ends."""
        if answer.status_code != 206:
            return True
        begins = f"bytes {self.partial.size}-"
        return self.etag is not None and answer.headers.get("content-range", "").startswith(begins)

    async def _write(self, answer: httpx.Response) -> None:
        if answer.status_code != 206:
            self.partial.restart()
            tag = answer.headers.get("etag", "")
            self.etag = tag if tag.startswith('"') else None  # a weak one cannot be continued
        async for piece in answer.aiter_bytes():
            await anyio.to_thread.run_sync(self.partial.file.write, piece)
            if self.partial.size > MAX_FILE:
                raise TooLarge(
                    f"The file is larger than {MAX_FILE // 1024**3} GB.",
                    remedy="Download it with another program.",
                )

    async def _refused(self, status: int, left: int) -> None:
        """Prepare for another try, with a fresh link for one that has ended; or give up."""
        if status in (206, 416):
            self.etag = None  # the store cannot go on from what we have: start over
        if left and status in _EXPIRED and self.renew is not None:
            self.url = await self.renew()
        elif not left or status in _EXPIRED:
            raise EngineUnavailable(
                f"The file's link answers with status {status}.",
                remedy="Links end after 7 days: call list_outputs again for a fresh one.",
            )
