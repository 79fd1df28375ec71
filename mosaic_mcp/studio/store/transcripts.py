"""Transcripts that callers brought for their videos. The newest one of a video counts."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import sqlalchemy as sa

from mosaic_mcp.contract.extensions import BringTranscript
from mosaic_mcp.errors import NotFound
from mosaic_mcp.studio.store.database import Store
from mosaic_mcp.studio.store.tables import assets, transcripts


class Transcripts:
    """The words that users brought, as they brought them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def bring(self, owner: str, asset_id: str, brought: BringTranscript) -> str:
        """Keep a transcript for a ready video and let its source refer to it; the id."""
        transcript_id = str(uuid4())
        own = sa.and_(assets.c.id == asset_id, assets.c.owner == owner, assets.c.status == "ready")

        def change(connection: sa.Connection) -> None:
            source = connection.execute(sa.select(assets.c.source).where(own)).scalar_one_or_none()
            if source is None:
                raise NotFound(
                    f"There is no uploaded video {asset_id!r}.",
                    remedy="Upload the video and finalize it first.",
                )
            connection.execute(
                transcripts.insert().values(
                    id=transcript_id,
                    owner=owner,
                    asset_id=asset_id,
                    language=brought.language,
                    format=brought.format,
                    text=brought.text,
                    created_at=datetime.now(UTC).isoformat(),
                )
            )
            connection.execute(
                assets.update().where(own).values(source={**source, "transcript": transcript_id})
            )

        await self._store.write(change)
        return transcript_id

    async def get(self, transcript_id: str) -> BringTranscript | None:
        """A transcript by the id that a source carries."""
        query = sa.select(transcripts.c.format, transcripts.c.text, transcripts.c.language).where(
            transcripts.c.id == transcript_id
        )
        row = await self._store.read(lambda c: c.execute(query).mappings().one_or_none())
        return None if row is None else BringTranscript.model_validate(dict(row))
