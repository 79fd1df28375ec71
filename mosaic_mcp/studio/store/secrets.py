"""Secrets that all processes on one database share."""

from __future__ import annotations

import secrets as random
from contextlib import suppress

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from mosaic_mcp.contract.extensions import LOCAL_OWNER
from mosaic_mcp.studio.store.database import Store
from mosaic_mcp.studio.store.tables import secrets

SIGNING = "signing"
DATABASE = "database"


async def signing_key(store: Store) -> bytes:
    """The key that signs links, made by the first process that asks for it."""
    return bytes.fromhex(await _made_once(store, SIGNING, 32))


async def database_id(store: Store) -> str:
    """By what this database is told from others that were ever used with the same storage."""
    return await _made_once(store, DATABASE, 8)


async def _made_once(store: Store, name: str, size: int) -> str:
    """The hexadecimal digits of so many random bytes, the same ones for whoever asks."""
    query = sa.select(secrets.c.value).where(secrets.c.id == name)
    known = await store.read(lambda c: c.execute(query).scalar())
    if known is None:
        made = {"id": name, "owner": LOCAL_OWNER, "value": random.token_bytes(size).hex()}
        with suppress(IntegrityError):  # another process was faster
            await store.write(lambda c: c.execute(secrets.insert().values(made)))
        known = await store.read(lambda c: c.execute(query).scalar_one())
    return str(known)
