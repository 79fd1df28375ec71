"""Who the key belongs to."""

from __future__ import annotations

from uuid import NAMESPACE_URL, uuid5

from fastapi import APIRouter

from mosaic_mcp.contract.account import WhoAmI
from mosaic_mcp.studio.routes.dependencies import CallerDep

router = APIRouter(tags=["account"])


@router.get("/whoami")
async def who_am_i(caller: CallerDep) -> WhoAmI:
    """The owner that the key stands for; a studio has no organizations beyond that."""
    return WhoAmI(
        organization_id=str(uuid5(NAMESPACE_URL, f"mosaic-studio:owner:{caller.owner}")),
        organization_name=caller.owner,
        organization_slug=caller.owner,
    )
