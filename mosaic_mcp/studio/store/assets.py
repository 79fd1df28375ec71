"""Uploaded and local files as assets: reserved, received, probed once, then kept by content.

uploads/<asset_id>            what a client sent, until it is finalized
assets/ab/<sha256>.<ext>      what was finalized; equal contents share one file
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio.to_thread
import sqlalchemy as sa

from mosaic_mcp.contract.extensions import Asset, MediaFacts
from mosaic_mcp.contract.uploads import AssetType
from mosaic_mcp.errors import Fault, InvalidRequest, MediaError, MosaicError, NotFound, TooLarge
from mosaic_mcp.studio.library import Library
from mosaic_mcp.studio.signing import UPLOAD_S
from mosaic_mcp.studio.store.database import Store
from mosaic_mcp.studio.store.tables import assets
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


class Assets:
    """Files that callers handed over; an id of another owner is unknown."""

    def __init__(self, store: Store, library: Library, probe: Probe) -> None:
        self._store = store
        self._library = library
        self._probe = probe

    async def reserve(self, owner: str, asset_type: AssetType) -> str:
        """An id for an upload, good for one hour."""
        await self._forget_expired()
        now, asset_id = dt.datetime.now(dt.UTC), str(uuid4())
        row = {
            "id": asset_id,
            "owner": owner,
            "asset_type": asset_type,
            "status": "awaiting_upload",
            "name": asset_type,
            "created_at": now.isoformat(),
            "expires_at": (now + dt.timedelta(seconds=UPLOAD_S)).isoformat(),
        }
        await self._store.write(lambda c: c.execute(assets.insert().values(row)))
        return asset_id

    def upload(self, asset_id: str) -> Path:
        """Where the bytes of an upload wait to be finalized."""
        return self._library.home / "uploads" / asset_id

    async def expect(self, asset_id: str) -> None:
        """Raise NotFound unless this upload is awaited."""
        row = await self._row(None, asset_id)
        if row is None or row["status"] != "awaiting_upload" or _expired(row):
            raise _unknown_upload(asset_id)

    async def awaited(self) -> bool:
        """True while a client may still send or finalize an upload."""
        query = sa.select(assets.c.id).where(
            assets.c.status == "awaiting_upload", assets.c.expires_at > _now()
        )
        return await self._store.read(lambda c: c.execute(query.limit(1)).first()) is not None

    async def received(self, asset_id: str, part: Path, name: str) -> None:
        """Take `part`, the whole of what a client sent, as the upload's content."""
        changed = await self._store.write(
            lambda c: (
                c.execute(
                    assets.update()
                    .where(assets.c.id == asset_id, assets.c.status == "awaiting_upload")
                    .values(name=name)
                ).rowcount
            )
        )
        if not changed:
            raise _unknown_upload(asset_id)
        part.replace(self.upload(asset_id))

    async def finalize(self, owner: str, asset_type: AssetType, asset_id: str) -> None:
        """Probe the uploaded file and keep it; a second call changes nothing.

        Raises NotFound (unknown or expired), InvalidRequest (not uploaded yet), MediaError (not
        that kind of media) or TooLarge; a refused file is deleted and may be sent again.
        """
        row = await self._row(owner, asset_id)
        if row is None or row["asset_type"] != asset_type:
            raise _unknown_upload(asset_id)
        if row["status"] == "ready":
            return
        if _expired(row):
            raise _unknown_upload(asset_id)
        upload = self.upload(asset_id)
        if not upload.exists():
            fault = Fault(
                f"{asset_type}_id",
                "the file was not uploaded yet.",
                "POST it to upload_url with every entry of upload_fields first and `file` last, "
                "then finalize.",
            )
            raise InvalidRequest([fault])
        try:
            source = await self._checked(upload, row["name"], asset_type)
        except MosaicError:
            upload.unlink(missing_ok=True)
            raise
        kept = self._library.asset(source.sha256, _suffix(row["name"], asset_type))
        kept.parent.mkdir(parents=True, exist_ok=True)
        upload.replace(kept)
        await self._ready(asset_id, source, kept)

    async def take_file(self, owner: str, path: Path, asset_type: AssetType) -> Asset:
        """Take a file of this machine; the same content under the same name is one asset."""
        source = await self._checked(path, path.name, asset_type)
        known = (
            sa.select(assets.c.id)
            .where(
                assets.c.owner == owner,
                assets.c.sha256 == source.sha256,
                assets.c.asset_type == asset_type,
                assets.c.name == source.name,
                assets.c.status == "ready",
            )
            .limit(1)
        )
        asset_id = await self._store.read(lambda c: c.execute(known).scalar_one_or_none())
        if asset_id is None:
            kept = self._library.asset(source.sha256, _suffix(path.name, asset_type))
            await anyio.to_thread.run_sync(_share, path, kept)
            asset_id = await self.reserve(owner, asset_type)
            await self._ready(asset_id, source, kept)
        return Asset(
            asset_type=asset_type,
            asset_id=asset_id,
            name=source.name,
            sha256=source.sha256,
            facts=facts(source, path.stat().st_size),
        )

    async def file(self, owner: str | None, asset_id: str) -> tuple[Source, Path]:
        """A ready asset: what it is and where. `owner` None skips the check: a signed link."""
        row = await self._row(owner, asset_id)
        if row is None or row["status"] != "ready":
            raise NotFound(
                f"There is no uploaded file {asset_id!r}.",
                remedy="Upload it and finalize the upload, or check the id.",
            )
        path = self._library.home / row["file"]
        if not path.exists():
            raise MediaError(
                f'The file of "{row["name"]}" is no longer in the data folder.',
                remedy="Upload it again.",
            )
        # A hard link shares its content with the user's own file, which may be written to later.
        if path.stat().st_mtime > dt.datetime.fromisoformat(row["created_at"]).timestamp():
            raise MediaError(
                f'"{row["name"]}" was changed on disk since it was added.',
                remedy="Add the file again to use its new content.",
            )
        return Source.model_validate(row["source"]), path

    async def _row(self, owner: str | None, asset_id: str) -> dict[str, Any] | None:
        query = sa.select(assets).where(assets.c.id == asset_id)
        if owner is not None:
            query = query.where(assets.c.owner == owner)
        row = await self._store.read(lambda c: c.execute(query).mappings().one_or_none())
        return None if row is None else dict(row)

    async def _checked(self, path: Path, name: str, asset_type: AssetType) -> Source:
        source = await self._probe(path, name)
        if source.kind != asset_type:
            raise MediaError(
                f'"{name}" is {_a(source.kind)}, not {_a(asset_type)}.',
                remedy=f"Upload it with /uploads/{source.kind}/get_upload_url.",
            )
        if source.duration > MAX_DURATION_S:
            raise TooLarge(
                f'"{name}" lasts {float(source.duration) / 3600:.1f} hours; the limit is 5.',
                remedy="Cut it into shorter files.",
            )
        return source

    async def _ready(self, asset_id: str, source: Source, file: Path) -> None:
        values = {
            "status": "ready",
            "name": source.name,
            "sha256": source.sha256,
            "source": source.model_dump(mode="json"),
            "file": file.relative_to(self._library.home).as_posix(),
            "created_at": _now(),
            "expires_at": None,
        }
        await self._store.write(
            lambda c: c.execute(assets.update().where(assets.c.id == asset_id).values(values))
        )

    async def _forget_expired(self) -> None:
        old = sa.and_(
            assets.c.status == "awaiting_upload",
            assets.c.expires_at < _now(),
        )

        def forget(connection: sa.Connection) -> list[str]:
            ids = list(connection.execute(sa.select(assets.c.id).where(old)).scalars())
            connection.execute(assets.delete().where(assets.c.id.in_(ids)))
            return ids

        for asset_id in await self._store.write(forget):
            self.upload(asset_id).unlink(missing_ok=True)


def facts(source: Source, size_bytes: int) -> MediaFacts:
    """What the API says about a file."""
    return MediaFacts(
        duration_s=float(source.duration),
        width=source.width,
        height=source.height,
        frame_rate=str(source.frame_rate),
        size_bytes=size_bytes,
        variable_frame_rate=source.variable_frame_rate,
        rotation=source.rotation,
    )


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat()


def _expired(row: Mapping[str, Any]) -> bool:
    return row["expires_at"] <= _now()


def _suffix(name: str, asset_type: AssetType) -> str:
    suffix = Path(name).suffix.lower()
    return suffix if suffix in SUFFIXES[asset_type] else SUFFIXES[asset_type][0]


def _share(path: Path, kept: Path) -> None:
    """Make `kept` the same content as `path`: a hard link where the disks allow, else a copy."""
    if kept.exists():
        return
    kept.parent.mkdir(parents=True, exist_ok=True)
    part = kept.with_name(f"{uuid4()}.part")
    try:
        try:
            os.link(path, part)
        except OSError:
            shutil.copyfile(path, part)
        part.replace(kept)
    finally:
        part.unlink(missing_ok=True)


def _a(kind: str) -> str:
    return f"an {kind} file" if kind in ("audio", "image") else f"a {kind}"


def _unknown_upload(asset_id: str) -> NotFound:
    return NotFound(
        f"There is no upload {asset_id!r}, or it has expired.",
        remedy="Call get_upload_url for a new one; an upload is good for one hour.",
    )
