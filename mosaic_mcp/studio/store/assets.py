"""Assets: rows of files that callers handed over. `intake.py` puts the files there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from mosaic_mcp.contract.uploads import AssetType
from mosaic_mcp.errors import NotFound
from mosaic_mcp.studio.library import EITHER, Library
from mosaic_mcp.studio.signing import UPLOAD_S
from mosaic_mcp.studio.store.database import Store
from mosaic_mcp.studio.store.tables import assets
from mosaic_mcp.studio.timeline.model import Source

_AWAITED = assets.c.status == "awaiting_upload"


class Assets:
    """Reads and changes assets; an id of another owner is as unknown as one that never was."""

    def __init__(self, store: Store, library: Library) -> None:
        self._store = store
        self._library = library

    async def reserve(self, owner: str, asset_type: AssetType) -> str:
        """An id for a file that is to come, good for one hour."""
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

    async def awaited(self, asset_id: str | None = None) -> bool:
        """True while this file, or any at all, may still come."""
        query = sa.select(assets.c.id).where(_AWAITED, assets.c.expires_at > _now()).limit(1)
        if asset_id is not None:
            query = query.where(assets.c.id == asset_id)
        return await self._store.read(lambda c: c.execute(query).first()) is not None

    async def rename(self, asset_id: str, name: str) -> None:
        """Remember what the client calls the file that it sent."""
        change = assets.update().where(assets.c.id == asset_id, _AWAITED).values(name=name)
        await self._store.write(lambda c: c.execute(change))

    async def forget_expired(self) -> list[str]:
        """Drop the rows of files that did not come in time; their ids."""
        old = sa.and_(_AWAITED, assets.c.expires_at <= _now())

        def forget(connection: sa.Connection) -> list[str]:
            ids = list(connection.execute(sa.select(assets.c.id).where(old)).scalars())
            connection.execute(assets.delete().where(old))
            return ids

        return await self._store.write(forget)

    async def upload(self, owner: str, asset_type: AssetType, asset_id: str) -> Mapping[str, Any]:
        """The row of an upload, `ready` or still awaited; NotFound when unknown or expired."""
        row = await self._row(owner, asset_id)
        if row is None or row["asset_type"] != asset_type:
            raise unknown_upload(asset_id)
        if row["status"] != "ready" and row["expires_at"] <= _now():
            raise unknown_upload(asset_id)
        return row

    async def expect(self, key: str, seal: str) -> None:
        """A file of the same content is about to take the place of the one at `key`.

        Until it is `ready` either counts: the studio may die in between.
        """
        other = sa.and_(assets.c.file == key, assets.c.seal != seal)
        change = assets.update().where(other).values(seal=assets.c.seal + EITHER + seal)
        await self._store.write(lambda c: c.execute(change))

    async def ready(self, asset_id: str, source: Source, key: str, seal: str | None) -> None:
        """The file is kept under `key`, perhaps again: a transcript that was brought for it stays.

        All assets of the same file get the new seal.
        """
        facts = source.model_dump(mode="json")
        values = {
            "status": "ready",
            "name": source.name,
            "sha256": source.sha256,
            "file": key,
            "expires_at": None,
        }

        def change(connection: sa.Connection) -> None:
            own = assets.c.id == asset_id
            before = connection.execute(sa.select(assets.c.source).where(own)).scalar_one_or_none()
            brought = Source.model_validate(before).transcript if before else None
            connection.execute(
                assets.update().where(own).values(**values, source={**facts, "transcript": brought})
            )
            connection.execute(assets.update().where(assets.c.file == key).values(seal=seal))

        await self._store.write(change)

    async def find(self, owner: str, asset_type: AssetType, sha256: str, name: str) -> str | None:
        """The ready asset with that content and name."""
        query = (
            sa.select(assets.c.id)
            .where(
                assets.c.owner == owner,
                assets.c.asset_type == asset_type,
                assets.c.sha256 == sha256,
                assets.c.name == name,
                assets.c.status == "ready",
            )
            .limit(1)
        )
        return await self._store.read(lambda c: c.execute(query).scalar_one_or_none())

    async def file(self, owner: str | None, asset_id: str) -> tuple[Source, str]:
        """A ready asset: what it is, and its key in the library.

        `owner` None skips the check: a signed link.
        """
        row = await self._row(owner, asset_id)
        if row is None or row["status"] != "ready":
            raise NotFound(
                f"There is no uploaded file {asset_id!r}.",
                remedy="Upload it and finalize the upload, or check the id.",
            )
        await self._library.check_source(row["file"], row["seal"], row["name"])
        return Source.model_validate(row["source"]), row["file"]

    async def _row(self, owner: str | None, asset_id: str) -> dict[str, Any] | None:
        query = sa.select(assets).where(assets.c.id == asset_id)
        if owner is not None:
            query = query.where(assets.c.owner == owner)
        row = await self._store.read(lambda c: c.execute(query).mappings().one_or_none())
        return None if row is None else dict(row)


def unknown_upload(asset_id: str) -> NotFound:
    """For an id that was never given out, or not in the last hour."""
    return NotFound(
        f"There is no upload {asset_id!r}, or it has expired.",
        remedy="Call get_upload_url for a new one; an upload is good for one hour.",
    )


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat()
