"""Who the key belongs to."""

from __future__ import annotations

from uuid import NAMESPACE_URL, uuid5

from fastapi import APIRouter

from mosaic_mcp.contract.account import WhoAmI
from mosaic_mcp.studio.routes.dependencies import CallerDep

router = APIRouter(tags=["account"])


def organization_id(owner: str) -> str:
    """The same for an owner in every studio."""
    return str(uuid5(NAMESPACE_URL, f"mosaic-studio:owner:{owner}"))


@router.get("/whoami")
async def who_am_i(caller: CallerDep) -> WhoAmI:
    """The owner that the key stands for; a studio has no organizations beyond that."""
    return WhoAmI(
        organization_id=organization_id(caller.owner),
        organization_name=caller.owner,
        organization_slug=caller.owner,
    )
