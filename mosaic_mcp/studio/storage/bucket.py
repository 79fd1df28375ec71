"""Kept files in a bucket: S3, or what speaks its language, through obstore.

Keys and endpoint come from the usual `AWS_*` variables, or from the machine's role; they are never
told, and neither is what the store says of a signature (it repeats the session token). Nothing half
written can be seen: an upload exists when its last byte was taken. A published folder counts from
when its mark does, which is written last and only once.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import anyio
import anyio.to_thread

from mosaic_mcp.errors import MediaError, Unsupported
from mosaic_mcp.studio.showing import content_disposition, disposition, media_type
from mosaic_mcp.studio.storage.copies import Copies
from mosaic_mcp.studio.storage.folder import seal_of
from mosaic_mcp.studio.storage.refusals import refusal

try:
    import obstore
    from obstore.exceptions import AlreadyExistsError, BaseError
    from obstore.store import S3Store
except ImportError as error:
    raise Unsupported(
        "Files in a bucket need the extra `cluster`, which is not installed.",
        remedy='pip install "mosaic-mcp[studio,cluster]", or unset MOSAIC_STUDIO_STORAGE.',
    ) from error

if TYPE_CHECKING:
    from obstore import ObjectMeta

    from mosaic_mcp.studio.storage import Method, Stored

PART_BYTES = 8 * 1024**2
"""Larger files go in parts of this size; so many bytes of one are in memory, times PARTS."""
PARTS = 4
LAYOUT = "mosaic-studio.json"
"""An object that the first studio leaves: it shows that the bucket can be written and read."""
PATIENCE_S = 40
"""How long a request is tried again before whoever asked is told."""


class Bucket:
    """A storage of objects below `prefix`; those in use are copied to this machine."""

    def __init__(self, bucket: str, prefix: str, copies: Copies) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._copies = copies
        with self._told():
            self._store = self._open(PATIENCE_S)
        self._locks: WeakValueDictionary[str, anyio.Lock] = WeakValueDictionary()

    def __repr__(self) -> str:
        return f"Bucket({self._bucket!r}, {self._prefix!r})"

    def _open(self, patience_s: float) -> S3Store:
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
        return S3Store(
            self._bucket,
            prefix=self._prefix or None,
            client_options={
                "allow_http": endpoint.startswith("http://"),
                # Of a whole file; that nothing comes at all is noticed sooner.
                "timeout": timedelta(hours=6),
                "read_timeout": timedelta(seconds=30),
            },
            retry_config={
                "max_retries": 10,
                "retry_timeout": timedelta(seconds=patience_s),
                "backoff": {"max_backoff": timedelta(seconds=5)},
            },
        )

    async def check(self) -> None:
        """Write, read and list, and say what does not work."""
        store = self._open(4)
        with self._told():
            with contextlib.suppress(AlreadyExistsError):
                await obstore.put_async(store, LAYOUT, b'{"layout": 1}', mode="create")
            await obstore.get_async(store, LAYOUT)
            async for _ in _pages(store, "renders"):
                break

    async def put(self, path: Path, key: str, *, sha256: str | None = None) -> None:
        """Upload the file, unless an object of that content is there."""
        seal = await anyio.to_thread.run_sync(seal_of, path)
        facts = await anyio.Path(path).stat()
        if sha256 is None or await self.size(key) != facts.st_size:
            await self._upload(path, key, {}, sha256)
        # It will be worked with here, most likely.
        await anyio.to_thread.run_sync(self._copies.add, key, path, seal)

    async def publish(self, folder: Path, key: str, mark: str, name: str) -> None:
        """Upload the files, the mark last.

        Whoever made them before us and lost its right to (a machine that was frozen) is found out
        by the mark; what it left half done is written over.
        """
        if await self.size(f"{key}/{mark}") is not None:
            return
        for path in sorted(await anyio.to_thread.run_sync(list, folder.iterdir())):
            if path.name != mark:
                shown = {"Content-Disposition": content_disposition(name, path.suffix)}
                await self._upload(path, f"{key}/{path.name}", shown)
                await anyio.to_thread.run_sync(self._copies.add, f"{key}/{path.name}", path)
        await self.write(f"{key}/{mark}", await anyio.Path(folder / mark).read_bytes())

    async def write(self, key: str, content: bytes) -> None:
        """Create a small object."""
        with self._told(), contextlib.suppress(AlreadyExistsError):
            await obstore.put_async(
                self._store, key, content, attributes=_attributes(key), mode="create"
            )

    async def _upload(
        self, path: Path, key: str, shown: dict[str, str], sha256: str | None = None
    ) -> None:
        attributes = {**_attributes(key), **shown}
        with self._told():
            if (await anyio.Path(path).stat()).st_size <= PART_BYTES:
                content = b"".join([piece async for piece in _pieces(path, sha256)])
                await obstore.put_async(self._store, key, content, attributes=attributes)
            else:
                # When reading raises, nothing was uploaded.
                await obstore.put_async(
                    self._store,
                    key,
                    _pieces(path, sha256),
                    attributes=attributes,
                    chunk_size=PART_BYTES,
                    max_concurrency=PARTS,
                )

    @asynccontextmanager
    async def file(self, key: str, sha256: str | None = None) -> AsyncGenerator[Path]:
        """A copy on this machine."""
        async with self._locks.setdefault(key, anyio.Lock()):
            held = await anyio.to_thread.run_sync(self._copies.hold, key)
            if held is None:
                held = await self._fetch(key, sha256)
        try:
            yield held
        finally:
            held.unlink(missing_ok=True)

    async def _fetch(self, key: str, sha256: str | None) -> Path:
        held = self._copies.temporary(Path(key).suffix)
        try:
            with self._told():
                answer = await obstore.get_async(self._store, key)
                digest = hashlib.sha256()
                async with await anyio.open_file(held, "wb") as file:
                    async for piece in answer.stream(min_chunk_size=PART_BYTES):
                        digest.update(piece)
                        await file.write(piece)
            if sha256 is not None and digest.hexdigest() != sha256:
                raise MediaError(
                    "The storage's copy of a source is damaged.", remedy="Add the file again."
                )
            await anyio.to_thread.run_sync(self._copies.add, key, held)
        except BaseException:
            held.unlink(missing_ok=True)
            raise
        return held

    def here(self, key: str) -> None:  # noqa: ARG002
        """Objects have no path."""
        return

    def link(self, key: str, seconds: float, method: Method = "GET") -> str:
        """A presigned link straight to the store."""
        with self._told():
            return obstore.sign(self._store, method, key, timedelta(seconds=seconds))

    async def size(self, key: str) -> int | None:
        """The object's bytes; None when there is none."""
        with self._told(), contextlib.suppress(FileNotFoundError):
            return (await obstore.head_async(self._store, key))["size"]
        return None

    async def find(self, stem: str) -> str | None:
        """The key that is `stem` and a suffix: that of a copy, or the first after it in order."""
        copied = await anyio.to_thread.run_sync(self._copies.find, stem)
        if copied is not None:
            return copied
        folder = stem.rpartition("/")[0]
        with self._told():
            async for page in _pages(self._store, folder, after=stem):
                found = page[0]["path"]
                return found if found.startswith(f"{stem}.") else None
        return None

    async def list(self, prefix: str, *, unfinished: bool = False) -> AsyncIterator[Stored]:
        """The objects below `prefix`; what was never finished, the store alone can see."""
        from mosaic_mcp.studio.storage import Stored

        if unfinished:
            return
        with self._told():
            async for page in _pages(self._store, prefix):
                for meta in page:
                    at = meta["last_modified"]
                    yield Stored(meta["path"], meta["size"], modified=at, placed=at)

    async def delete(self, keys: Sequence[str]) -> None:
        """Delete the objects, one after the other, and our copies of them."""
        for key in keys:
            await anyio.to_thread.run_sync(self._copies.drop, key)
            with self._told(), contextlib.suppress(FileNotFoundError):
                await obstore.delete_async(self._store, key)

    @contextlib.contextmanager
    def _told(self) -> Generator[None]:
        """Failures of the store as ours; FileNotFoundError and AlreadyExistsError pass."""
        try:
            yield
        except AlreadyExistsError:
            raise
        except FileNotFoundError as error:
            if "NoSuchBucket" in str(error):
                raise refusal(error, self._bucket) from None
            raise FileNotFoundError("no such object") from None
        except (BaseError, PermissionError, TimeoutError) as error:
            # Not chained: its text may hold what must not be told.
            raise refusal(error, self._bucket) from None


def _pages(
    store: S3Store, prefix: str, after: str | None = None
) -> AsyncIterator[Sequence[ObjectMeta]]:
    # Its overloads name a library that we do not have.
    return obstore.list(store, prefix, offset=after)  # pyright: ignore[reportUnknownMemberType]


def _attributes(key: str) -> dict[Any, str]:
    suffix = Path(key).suffix
    return {"Content-Type": media_type(suffix), "Content-Disposition": disposition(suffix)}


async def _pieces(path: Path, sha256: str | None) -> AsyncGenerator[bytes]:
    """The file's bytes; raises MediaError at their end when they are not those of `sha256`."""
    digest = hashlib.sha256()
    async with await anyio.open_file(path, "rb") as file:
        while piece := await file.read(PART_BYTES):
            digest.update(piece)
            yield piece
    if sha256 is not None and digest.hexdigest() != sha256:
        raise MediaError(
            f"{path.name} was changed while it was read.", remedy="Add it when it is complete."
        )
