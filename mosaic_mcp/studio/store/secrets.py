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


async def signing_key(store: Store) -> bytes:
    """The key that signs links, made by the first process that asks for it."""
    query = sa.select(secrets.c.value).where(secrets.c.id == SIGNING)
    known = await store.read(lambda c: c.execute(query).scalar())
    if known is None:
        made = {"id": SIGNING, "owner": LOCAL_OWNER, "value": random.token_bytes(32).hex()}
        with suppress(IntegrityError):  # another process was faster
            await store.write(lambda c: c.execute(secrets.insert().values(made)))
        known = await store.read(lambda c: c.execute(query).scalar_one())
    return bytes.fromhex(known)
