"""Which engine: the hosted API with a key, the user's own studio without."""

from __future__ import annotations

from mosaic_mcp.client.api import MosaicClient
from mosaic_mcp.client.ledger import Ledger
from mosaic_mcp.client.studio import ensure_studio, running_studio
from mosaic_mcp.contract.extensions import LINKS_HEADER, OWNER_HEADER
from mosaic_mcp.errors import EngineUnavailable
from mosaic_mcp.logs import keep_secret
from mosaic_mcp.settings import Settings


async def connect(settings: Settings) -> MosaicClient:
    """A client of the engine that the settings name; starts the studio when it is that one."""
    ledger = Ledger(settings.ledger)
    if settings.api_key is not None:
        return MosaicClient(
            settings.api_url, settings.api_key, ledger=ledger, private_urls=settings.private_urls
        )
    found = await ensure_studio(settings)
    keep_secret(found.token)

    async def alive() -> bool:
        now = await running_studio(settings)
        return now is not None and (now.pid, now.port) == (found.pid, found.port)

    client = MosaicClient(
        found.url,
        found.token,
        ledger=ledger,
        alive=alive,
        private_urls=settings.private_urls,
        headers=acting_headers(settings),
    )
    if settings.owner is not None:
        await _check_owner(client, settings.owner)
    return client


def acting_headers(settings: Settings) -> dict[str, str]:
    """What tells the studio whom we act for; nothing when that is the user of this machine."""
    if settings.owner is None:
        return {}
    links = {LINKS_HEADER: settings.public_url} if settings.public_url else {}
    return {OWNER_HEADER: settings.owner, **links}


async def _check_owner(client: MosaicClient, owner: str) -> None:
    """A studio that knows nothing of owners would show everybody what its user has."""
    known = (await client.whoami()).organization_name
    if known != owner:
        await client.aclose()
        raise EngineUnavailable(
            "The running studio cannot tell the callers of this server apart.",
            remedy="End it: the next call starts one of this version.",
        )
