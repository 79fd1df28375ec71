"""For whoever operates the studio: `/health` and `/metrics`."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from mosaic_mcp.contract.extensions import Health
from mosaic_mcp.studio import metrics
from mosaic_mcp.studio.gate import HEALTH, LIVE, METRICS
from mosaic_mcp.studio.routes.dependencies import StudioDep

router = APIRouter(tags=["operating"], include_in_schema=False)

LOOPBACK = ("127.0.0.1", "::1")


@router.get(LIVE)
async def live() -> Response:
    """Alive: restart a process that does not answer this."""
    return Response("alive\n", media_type="text/plain")


@router.get(HEALTH)
async def health(studio: StudioDep, response: Response) -> Health:
    """Ready, or 503 with the reasons. Without a key; it is told no secrets."""
    found = await studio.examiner.health()
    response.status_code = 200 if found.ready else 503
    return found


@router.get(METRICS)
async def show_metrics(request: Request, studio: StudioDep) -> Response:
    """Numbers for Prometheus. Free for a caller on this machine, with a key for any other."""
    if not _on_this_machine(request) or studio.keys.required:
        studio.keys.caller(request.headers.get("authorization"))
    text = await metrics.exposition(
        studio.store, studio.library.home, studio.settings.studio_dead_s
    )
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")


def _on_this_machine(request: Request) -> bool:
    """False also for what a proxy on this machine passes on."""
    passed_on = any(name in request.headers for name in ("forwarded", "x-forwarded-for"))
    return not passed_on and request.client is not None and request.client.host in LOOPBACK
