"""Files on their way in: received or found on this machine, checked, then kept by content.

| folder | what is in it |
| --- | --- |
| uploads/<asset_id> | what a client sent, until it is finalized |
| assets/ab/<sha256>.<ext> | what was checked; equal contents share one file |
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4
from weakref import WeakValueDictionary

import anyio
import anyio.to_thread

from mosaic_mcp.contract.extensions import Asset
from mosaic_mcp.contract.uploads import AssetType
from mosaic_mcp.errors import Fault, InvalidRequest, MediaError, MosaicError, TooLarge
from mosaic_mcp.opening import take
from mosaic_mcp.studio.disk import no_space
from mosaic_mcp.studio.library import Library
from mosaic_mcp.studio.perception.probe import media_facts
from mosaic_mcp.studio.store.assets import Assets, seal_of, unknown_upload
from mosaic_mcp.studio.timeline.model import Source

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
    "image": (".png", ".jpg", ".jpeg", ".gif", ".webp"),
}
"""Names of the formats that the upload flow lists; the content decides, not the name."""

Probe = Callable[[Path, str], Awaitable[Source]]
"""`(path, name) -> Source`; raises MediaError for what is not media."""


class Intake:
    """Turns files into assets."""

    def __init__(self, assets: Assets, library: Library, probe: Probe) -> None:
        self._assets = assets
        self._library = library
        self._probe = probe
        self._locks: WeakValueDictionary[str, anyio.Lock] = WeakValueDictionary()

    async def expect(self, owner: str, asset_type: AssetType) -> str:
        """An id for an upload, good for one hour."""
        for asset_id in await self._assets.forget_expired():
            self._upload(asset_id).unlink(missing_ok=True)
        return await self._assets.reserve(owner, asset_type)

    @asynccontextmanager
    async def begin(self, asset_id: str) -> AsyncGenerator[Path]:
        """Where to write the bytes of an awaited upload; what is not `received` is deleted."""
        if not await self._assets.awaited(asset_id):
            raise unknown_upload(asset_id)
        part = self._upload(f"{asset_id}.{uuid4()}.part")
        part.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield part
        finally:
            part.unlink(missing_ok=True)

    async def received(self, asset_id: str, part: Path, name: str) -> None:
        """Take `part`, the whole of what a client sent, as the upload's content."""
        await self._assets.rename(asset_id, name)
        part.replace(self._upload(asset_id))

    async def finalize(self, owner: str, asset_type: AssetType, asset_id: str) -> None:
        """Check the uploaded file and keep it; a second call changes nothing.

        Raises NotFound (unknown or expired), InvalidRequest (not uploaded yet), MediaError (not
        that kind of media) or TooLarge; a refused file is deleted and may be sent again.
        """
        async with self._locks.setdefault(asset_id, anyio.Lock()):
            row = await self._assets.upload(owner, asset_type, asset_id)
            if row["status"] == "ready":
                return
            upload = self._upload(asset_id)
            if not upload.exists():
                fault = Fault(
                    f"{asset_type}_id",
                    "the file was not uploaded yet.",
                    "POST it to upload_url with every entry of upload_fields first and `file` "
                    "last, then finalize.",
                )
                raise InvalidRequest([fault])
            try:
                source, kept, seal = await self._keep(upload, row["name"], asset_type)
            except MosaicError:
                upload.unlink(missing_ok=True)
                raise
            await self._assets.ready(asset_id, source, kept, seal)

    async def take_file(self, owner: str, path: Path, asset_type: AssetType) -> Asset:
        """Take a file of this machine, at an absolute path without links.

        Raises MediaError for what is no such file.
        """
        with self._library.job() as job:
            # Looked at where nobody else can exchange it.
            taken = job / "file"
            try:
                await anyio.to_thread.run_sync(take, path, taken)
            except OSError as error:
                if full := no_space(error):
                    raise full from error
                raise MediaError(
                    f'"{path}" cannot be taken: {error.strerror}.',
                    remedy="Give the absolute path of a regular file, without links in it.",
                ) from error
            return await self.take(owner, taken, path.name, asset_type)

    async def take(self, owner: str, path: Path, name: str, asset_type: AssetType) -> Asset:
        """Take a file out of a job's folder; equal content of the same name is one asset."""
        source, kept, seal = await self._keep(path, name, asset_type)
        asset_id = await self._assets.find(owner, asset_type, source.sha256, source.name)
        asset_id = asset_id or await self._assets.reserve(owner, asset_type)
        await self._assets.ready(asset_id, source, kept, seal)
        return Asset(
            asset_type=asset_type,
            asset_id=asset_id,
            name=source.name,
            sha256=source.sha256,
            facts=media_facts(source, kept.stat().st_size),
        )

    async def adopt(self, owner: str, path: Path, name: str, asset_type: AssetType) -> str:
        """Take a file that we made or fetched, out of its folder; the asset's id."""
        source, kept, seal = await self._keep(path, name, asset_type)
        asset_id = await self._assets.reserve(owner, asset_type)
        await self._assets.ready(asset_id, source, kept, seal)
        return asset_id

    def _upload(self, name: str) -> Path:
        return self._library.home / "uploads" / name

    async def _keep(self, path: Path, name: str, asset_type: AssetType) -> tuple[Source, Path, str]:
        """Check the file and place it in the library: what it is, where it is now, its seal."""
        seal = seal_of(path)
        source = await self._probe(path, name)
        _check(source, asset_type)
        if seal_of(path) != seal:
            raise MediaError(
                f'"{name}" was changed while it was read.', remedy="Add it when it is complete."
            )
        kept = self._library.asset(source.sha256, _suffix(name, asset_type))
        kept.parent.mkdir(parents=True, exist_ok=True)
        await anyio.to_thread.run_sync(path.replace, kept)
        return source, kept, seal


def _check(source: Source, asset_type: AssetType) -> None:
    if source.kind != asset_type:
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
