"""Who the key belongs to (docs.mosaic.so/api/introduction)."""

from __future__ import annotations

from datetime import datetime

from mosaic_mcp.contract.base import Response


class WhoAmI(Response):
    """The answer of GET /whoami."""

    organization_id: str
    organization_name: str | None = None
    organization_slug: str | None = None
    created_at: datetime | None = None
    last_used_at: datetime | None = None
