"""Credits and plans (docs.mosaic.so/api/credits/, docs.mosaic.so/api/plan/).

Nothing here takes money: the quota is the studio's own, and without one nothing is limited.
"""

from __future__ import annotations

from fastapi import APIRouter

from mosaic_mcp.contract.credits import (
    Credits,
    CreditSettings,
    CreditSettingsSaved,
    CreditUsage,
    Plan,
    PlanList,
    PlanUpgraded,
    UpgradePlan,
)
from mosaic_mcp.studio.routes.account import organization_id
from mosaic_mcp.studio.routes.dependencies import CallerDep, StudioDep

router = APIRouter(tags=["credits"])


@router.get("/credits")
async def get_credits(studio: StudioDep, caller: CallerDep) -> Credits:
    """What is left, the plan, its month, and automatic top-ups."""
    return await studio.accounts.credits(caller.owner, organization_id(caller.owner))


@router.get("/credits/usage")
async def get_usage(studio: StudioDep, caller: CallerDep) -> CreditUsage:
    """What used the credits, by tile and day."""
    return await studio.accounts.usage(caller.owner, organization_id(caller.owner))


@router.post("/credits/settings")
async def set_credits(
    body: CreditSettings, studio: StudioDep, caller: CallerDep
) -> CreditSettingsSaved:
    """Turn automatic top-ups on or off; 403 without a plan."""
    saved = await studio.accounts.set_topup(caller.owner, body.auto_topup)
    return CreditSettingsSaved(auto_topup=saved)


@router.get("/plan")
async def get_plan(studio: StudioDep, caller: CallerDep) -> Plan:
    """The plan and what was used of its credits."""
    return await studio.accounts.plan(caller.owner, organization_id(caller.owner))


@router.get("/plan/list")
async def list_plans(studio: StudioDep, caller: CallerDep) -> PlanList:
    """The plans that can be chosen; none where nothing is limited."""
    limited = studio.accounts.starting(caller.owner) is not None
    quota = studio.accounts.quota
    return PlanList(plans=quota.offers() if limited and quota else ())


@router.post("/plan/upgrade")
async def upgrade_plan(body: UpgradePlan, studio: StudioDep, caller: CallerDep) -> PlanUpgraded:
    """Choose a plan. It begins at once: there is no checkout."""
    return await studio.accounts.upgrade(caller.owner, body.plan_id)
