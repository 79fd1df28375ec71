"""Triggers of an owner's agents: kept and listed. The studio watches no channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from mosaic_mcp.contract.triggers import ChannelDetail, FilterOptions, Trigger
from mosaic_mcp.errors import NotFound
from mosaic_mcp.studio.runs.states import now
from mosaic_mcp.studio.store.database import Store
from mosaic_mcp.studio.store.tables import triggers

NOTE = (
    "The local studio keeps triggers but does not watch YouTube: no run is started by them. "
    "Run the agent with the address of a video, or use the hosted engine."
)


class Triggers:
    """Reads and changes triggers; one of another owner is unknown."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def of_agent(self, owner: str, agent_id: str) -> list[Trigger]:
        """The triggers of an agent, oldest first."""
        rows = await self._store.read(lambda c: _rows(c, owner, agent_id))
        return [_shown(row) for row in rows]

    async def check(self, owner: str, trigger_id: str) -> None:
        """Raise NotFound for a trigger that this owner does not have."""
        own = sa.select(triggers.c.id).where(triggers.c.id == trigger_id, triggers.c.owner == owner)
        if await self._store.read(lambda c: c.execute(own).first()) is None:
            raise NotFound(
                f"There is no trigger {trigger_id!r}.",
                remedy="GET /agent/{agent_id}/triggers lists those of an agent.",
            )

    async def add(
        self,
        owner: str,
        agent_id: str,
        channels: Sequence[str],
        filter_options: FilterOptions | None,
        callback: Mapping[str, str | None],
    ) -> None:
        """Add channels to the agent's trigger with these very filter options, or to a new one.

        They leave other triggers, and one that is empty is deleted. `callback` has
        `callback_url` where it is to be changed.
        """
        wanted = filter_options.model_dump(exclude_none=True) if filter_options else None

        def change(connection: sa.Connection) -> None:
            rows = _rows(connection, owner, agent_id)
            same = next((row for row in rows if row["filter_options"] == wanted), None)
            others = [row for row in rows if row is not same]
            _take(connection, others, channels)
            if same is None:
                row = {
                    "id": str(uuid4()),
                    "owner": owner,
                    "agent_id": agent_id,
                    "channels": list(dict.fromkeys(channels)),
                    "filter_options": wanted,
                    "callback_url": None,
                    "created_at": now(),
                    **callback,
                }
                connection.execute(triggers.insert().values(row))
                return
            both = list(dict.fromkeys([*same["channels"], *channels]))
            _update(connection, same, channels=both, **callback)

        await self._store.write(change)

    async def remove(self, owner: str, agent_id: str, channels: Sequence[str]) -> list[str]:
        """Take channels out of the agent's triggers; those that were there."""

        def change(connection: sa.Connection) -> list[str]:
            rows = _rows(connection, owner, agent_id)
            there = {channel for row in rows for channel in row["channels"]}
            _take(connection, rows, channels)
            return [channel for channel in dict.fromkeys(channels) if channel in there]

        return await self._store.write(change)


def _rows(connection: sa.Connection, owner: str, agent_id: str) -> list[Mapping[str, Any]]:
    query = (
        sa.select(triggers)
        .where(triggers.c.owner == owner, triggers.c.agent_id == agent_id)
        .order_by(triggers.c.created_at, triggers.c.id)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def _take(
    connection: sa.Connection, rows: Sequence[Mapping[str, Any]], channels: Sequence[str]
) -> None:
    """Take the channels out of these triggers; what is empty then is deleted."""
    for row in rows:
        left = [channel for channel in row["channels"] if channel not in channels]
        if not left:
            connection.execute(triggers.delete().where(triggers.c.id == row["id"]))
        elif left != row["channels"]:
            _update(connection, row, channels=left)


def _update(connection: sa.Connection, row: Mapping[str, Any], **values: Any) -> None:
    connection.execute(triggers.update().where(triggers.c.id == row["id"]).values(**values))


def details(channels: Sequence[str]) -> tuple[ChannelDetail, ...]:
    """What is known of channels: their id or their handle."""
    return tuple(
        ChannelDetail(channel_id=c, channel_handle=c if c.startswith("@") else None)
        for c in channels
    )


def _shown(row: Mapping[str, Any]) -> Trigger:
    return Trigger(
        id=row["id"],
        youtube_channels=tuple(row["channels"]),
        youtube_channel_details=details(row["channels"]),
        callback_url=row["callback_url"],
        filter_options=row["filter_options"],
        note=NOTE,
    )
