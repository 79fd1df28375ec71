"""Where kept files lie: in a folder of this machine (or one that machines share), or in a bucket.

Both know files by key: a relative path with slashes that `library.py` makes, the same in both. What
is kept is never changed, only kept once more or deleted.

| MOSAIC_STUDIO_STORAGE | what |
| --- | --- |
| not set | the data folder |
| /path or file:///path | that folder: the studios and workers of several machines may share it |
| s3://bucket/prefix | a bucket: S3, or what speaks its language (`AWS_*` variables) |
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol
from urllib.parse import unquote, urlsplit

from mosaic_mcp.errors import Fault, InvalidRequest
from mosaic_mcp.settings import Settings
from mosaic_mcp.studio.storage.folder import Folder

__all__ = ["Method", "Storage", "Stored", "open_storage"]

Method = Literal["GET", "HEAD"]


@dataclass(frozen=True, slots=True)
class Stored:
    """A file as a listing tells it."""

    key: str
    size: int
    """Bytes."""
    modified: datetime
    """When its content was written; of a file that was linked, perhaps long before it came here."""
    placed: datetime
    """When it got its key, or later."""
    inode: tuple[int, int] | None = None
    """Its content on disk, which other files may share; None: it is this one's alone."""
    names: int = 1
    """So many files share that content, here and elsewhere."""


class Storage(Protocol):
    """Files by key. What goes wrong on the way raises EngineUnavailable, which may be retried."""

    async def check(self) -> None:
        """Raise a MosaicError that says why this storage cannot be used, if so."""
        ...

    async def put(self, path: Path, key: str, *, sha256: str | None = None) -> None:
        """Keep the file `path`, which the caller needs no more.

        With `sha256` the key stands for that content: MediaError when the file changed since.
        """
        ...

    async def publish(self, folder: Path, key: str, mark: str, name: str) -> None:
        """Keep the files of `folder` below `key`; they count from when `mark`, one of them, does.

        Does nothing when `mark` is there already. People save them under `name`.
        """
        ...

    async def write(self, key: str, content: bytes) -> None:
        """Keep a small file; what is there already stays."""
        ...

    def file(self, key: str, sha256: str | None = None) -> AbstractAsyncContextManager[Path]:
        """The file on this machine, for reading, while the block runs; FileNotFoundError.

        With `sha256`, what is brought from elsewhere is checked against it.
        """
        ...

    def here(self, key: str) -> Path | None:
        """Its path for others on this machine; None in a storage that is elsewhere."""
        ...

    def link(self, key: str, seconds: float, method: Method = "GET") -> str | None:
        """A link to the file for whoever holds it; None where the studio has to serve it."""
        ...

    async def size(self, key: str) -> int | None:
        """Its bytes; None when there is no such file."""
        ...

    async def find(self, stem: str) -> str | None:
        """The key that is `stem` and a suffix."""
        ...

    def list(self, prefix: str, *, unfinished: bool = False) -> AsyncIterator[Stored]:
        """The files below the folder `prefix`.

        With `unfinished`, instead, what is just being put there, or was when its process died.
        """
        ...

    async def delete(self, keys: Sequence[str]) -> None:
        """Delete these files, in this order; those that are gone already do not matter."""
        ...


def open_storage(settings: Settings, work: Path) -> Storage:
    """The storage that the settings name; raises InvalidRequest or Unsupported.

    `work` is for the process' private folders, named `job-…`.
    """
    said = settings.studio_storage
    if said is None:
        return Folder(settings.home)
    if "://" not in said:
        return Folder(Path(said).expanduser().absolute())
    parts = urlsplit(said)
    if parts.scheme == "file" and parts.path:
        return Folder(Path(unquote(parts.path)))
    if parts.scheme == "s3" and parts.netloc and not (parts.query or parts.fragment):
        from mosaic_mcp.studio.storage.bucket import Bucket
        from mosaic_mcp.studio.storage.copies import Copies

        copies = Copies(
            settings.home / "cache" / "storage",
            work / "job-copies",
            int(settings.studio_cache_gb * 1e9),
        )
        return Bucket(parts.netloc, parts.path.strip("/"), copies)
    fault = Fault(
        "MOSAIC_STUDIO_STORAGE",
        "neither a folder nor s3://bucket/prefix.",
        "Leave it out to keep files in the data folder. Keys belong into AWS_ACCESS_KEY_ID and "
        "AWS_SECRET_ACCESS_KEY, other stores than AWS into AWS_ENDPOINT_URL.",
    )
    raise InvalidRequest([fault])
