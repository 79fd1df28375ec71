"""Files on their way in: received or found on this machine, checked, then kept by content.

What a client sent waits in the storage until it is finalized, so that any studio that shares the
storage can do that. Equal contents share one file.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakValueDictionary

import anyio

from mosaic_mcp.contract.extensions import Asset
from mosaic_mcp.contract.uploads import AssetType
from mosaic_mcp.errors import Fault, InvalidRequest, MediaError, MosaicError, TooLarge
from mosaic_mcp.opening import take
from mosaic_mcp.studio.disk import no_space
from mosaic_mcp.studio.library import Library
from mosaic_mcp.studio.machine import Machine
from mosaic_mcp.studio.perception.probe import media_facts
from mosaic_mcp.studio.storage.folder import seal_of
from mosaic_mcp.studio.store.assets import Assets, unknown_upload
from mosaic_mcp.studio.timeline.model import Source
from mosaic_mcp.web.download import Room

MAX_BYTES: dict[AssetType, int] = {
    "video": 5 * 1024**3,
    "audio": 500 * 1024**2,
    "image": 50 * 1024**2,
}
"""Largest upload of each kind, bytes (docs.mosaic.so/api/asset-management/upload-flow)."""
MAX_DURATION_S = 5 * 3600
"""Longest video or sound: "Maximum duration: 5 hours"."""
SUFFIXES: dict[AssetType, tuple[str, ...]] = {
    "video": (".mp4", ".mov", ".avi", ".webm", ".mkv", ".m4v"),
    "audio": (".mp3", ".wav", ".m4a", ".flac", ".ogg", ".aac", ".opus"),
    "image": (".png", ".jpg", ".jpeg", ".gif", ".webp", ".cube"),
}
"""Names of the formats that the upload flow lists; the content decides, not the name. Colour
tables (.cube) are ours: the contract has no upload for them, they are handed over as images."""

Probe = Callable[[Path, str], Awaitable[Source]]
"""`(path, name) -> Source`; raises MediaError for what is not media."""


class Intake:
    """Turns files into assets."""

    def __init__(self, assets: Assets, library: Library, probe: Probe, machine: Machine) -> None:
        self._assets = assets
        self._machine = machine
        self._library = library
        self._probe = probe
        self._locks: WeakValueDictionary[str, anyio.Lock] = WeakValueDictionary()

    @property
    def room(self) -> Room:
        """What asks, for files on their way in, whether the disk of the data folder takes them."""
        return self._machine.check

    async def expect(self, owner: str, asset_type: AssetType) -> str:
        """An id for an upload, good for one hour; NoSpace on a disk that is full already."""
        self._machine.check(0, "uploads")
        for asset_id in await self._assets.forget_expired():
            await self._library.delete_upload(asset_id)
        return await self._assets.reserve(owner, asset_type)

    @asynccontextmanager
    async def begin(self, asset_id: str, size: int) -> AsyncGenerator[Path]:
        """Where to write the bytes of an awaited upload; what is not `received` is deleted.

        `size` is what is announced, 0 for unknown; NoSpace when there is no room for it.
        """
        if not await self._assets.awaited(asset_id):
            raise unknown_upload(asset_id)
        self._machine.check(size, "the upload")
        with self._library.job() as job:
            yield job / "upload"

    async def received(self, asset_id: str, part: Path, name: str) -> None:
        """Take `part`, the whole of what a client sent, as the upload's content."""
        await self._assets.rename(asset_id, name)
        await self._library.keep_upload(asset_id, part)

    async def finalize(self, owner: str, asset_type: AssetType, asset_id: str) -> None:
        """Check the uploaded file and keep it; a second call changes nothing.

        Raises NotFound (unknown or expired), InvalidRequest (not uploaded yet), MediaError (not
        that kind of media) or TooLarge; a refused file is deleted and may be sent again.
        """
        async with self._locks.setdefault(asset_id, anyio.Lock()):
            row = await self._assets.upload(owner, asset_type, asset_id)
            if row["status"] == "ready":
                return
            try:
                async with self._uploaded(asset_type, asset_id) as path:
                    kept = await self._keep(path, row["name"], asset_type)
            except InvalidRequest:
                raise
            except MosaicError as error:
                if not error.retryable:
                    await self._library.delete_upload(asset_id)
                raise
            await self._assets.ready(asset_id, kept.source, kept.key, kept.seal)
            await self._library.delete_upload(asset_id)

    @asynccontextmanager
    async def _uploaded(self, asset_type: AssetType, asset_id: str) -> AsyncGenerator[Path]:
        async with AsyncExitStack() as held:
            try:
                path = await held.enter_async_context(self._library.upload(asset_id))
            except FileNotFoundError as error:
                fault = Fault(
                    f"{asset_type}_id",
                    "the file was not uploaded yet.",
                    "POST it to upload_url with every entry of upload_fields first and `file` "
                    "last, then finalize.",
                )
                raise InvalidRequest([fault]) from error
            yield path

    async def take_file(self, owner: str, path: Path, asset_type: AssetType) -> Asset:
        """Take a file of this machine, at an absolute path without links.

        Raises MediaError for what is no such file.
        """
        with self._library.job() as job:
            # Looked at where nobody else can exchange it.
            taken = job / "file"
            try:
                await anyio.to_thread.run_sync(self._take, path, taken)
            except OSError as error:
                if full := no_space(error):
                    raise full from error
                raise MediaError(
                    f'"{path}" cannot be taken: {error.strerror}.',
                    remedy="Give the absolute path of a regular file, without links in it.",
                ) from error
            return await self.take(owner, taken, path.name, asset_type)

    async def look(self, path: Path) -> Source:
        """What a file of this machine is; it stays where it is, and nothing is kept of it."""
        return await self._probe(path, path.name)

    def _take(self, path: Path, taken: Path) -> None:
        """Link or copy it; NoSpace before a byte of a copy is written that does not fit."""
        file = path.stat()
        if file.st_dev != taken.parent.stat().st_dev:
            self._machine.check(file.st_size, path.name)
        take(path, taken)

    async def take(self, owner: str, path: Path, name: str, asset_type: AssetType) -> Asset:
        """Take a file out of a job's folder; equal content of the same name is one asset."""
        kept = await self._keep(path, name, asset_type)
        source = kept.source
        asset_id = await self._assets.find(owner, asset_type, source.sha256, source.name)
        asset_id = asset_id or await self._assets.reserve(owner, asset_type)
        await self._assets.ready(asset_id, source, kept.key, kept.seal)
        return Asset(
            asset_type=asset_type,
            asset_id=asset_id,
            name=source.name,
            sha256=source.sha256,
            facts=media_facts(source, kept.size),
        )

    async def adopt(self, owner: str, path: Path, name: str, asset_type: AssetType) -> str:
        """Take a file that we made or fetched, out of its folder; the asset's id."""
        kept = await self._keep(path, name, asset_type)
        asset_id = await self._assets.reserve(owner, asset_type)
        await self._assets.ready(asset_id, kept.source, kept.key, kept.seal)
        return asset_id

    async def _keep(self, path: Path, name: str, asset_type: AssetType) -> _Kept:
        """Check the file and move it to what is kept."""
        seal, size = seal_of(path), path.stat().st_size
        source = await self._probe(path, name)
        _check(source, asset_type)
        _unchanged(path, seal, name)
        suffix = _suffix(name, asset_type)
        await self._assets.expect(self._library.source_key(source.sha256, suffix), seal)
        key, kept_seal = await self._library.keep_source(path, source.sha256, suffix)
        return _Kept(source, key, kept_seal, size)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A file that was checked: what it is, where, its seal, its bytes."""

    source: Source
    key: str
    seal: str | None
    size: int


def _unchanged(path: Path, seal: str, name: str) -> None:
    if seal_of(path) != seal:
        raise MediaError(
            f'"{name}" was changed while it was read.', remedy="Add it when it is complete."
        )


def _check(source: Source, asset_type: AssetType) -> None:
    if source.kind != asset_type and (source.kind, asset_type) != ("table", "image"):
        raise MediaError(
            f'"{source.name}" is {_a(source.kind)}, not {_a(asset_type)}.',
            remedy=f"Add it as {_a(source.kind)}.",
        )
    if source.duration > MAX_DURATION_S:
        raise TooLarge(
            f'"{source.name}" lasts {float(source.duration) / 3600:.1f} hours; the limit is 5.',
            remedy="Cut it into shorter files.",
        )


def _suffix(name: str, asset_type: AssetType) -> str:
    suffix = Path(name).suffix.lower()
    return suffix if suffix in SUFFIXES[asset_type] else SUFFIXES[asset_type][0]


def _a(kind: str) -> str:
    return f"an {kind} file" if kind in ("audio", "image") else f"a {kind}"
