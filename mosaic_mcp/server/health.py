"""`GET /health` of `serve --http`: is this server alive, and is its engine ready?

Without a token, so it tells no paths and no ids. A studio that is not running is not sick: the
first call starts it. The hosted API is not asked: whoever looks every few seconds would use it up.
"""

from __future__ import annotations

from typing import Any

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse

from mosaic_mcp.settings import Settings

ASK_S = 5.0


class Health:
    """The route, bound to the settings of a server."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def answer(self, _request: Request) -> JSONResponse:
        """200 when calls can be served, else 503 with the reasons."""
        engine = {"engine": "hosted"} if self._settings.hosted else await self._studio()
        ready = engine.pop("ready", True)
        return JSONResponse({"ready": ready, **engine}, 200 if ready else 503)

    async def _studio(self) -> dict[str, Any]:
        import httpx
        from pydantic import ValidationError

        from mosaic_mcp.client.studio import discovery
        from mosaic_mcp.contract.extensions import Health as StudioHealth

        found = await anyio.to_thread.run_sync(discovery, self._settings.home)
        if found is None:
            return {"engine": "studio", "studio": "not running; the first call starts it"}
        try:
            async with httpx.AsyncClient(timeout=ASK_S, trust_env=False) as http:
                answer = await http.get(f"{found.url}/health")
            health = StudioHealth.model_validate_json(answer.content)
        except httpx.ConnectError:
            return {"engine": "studio", "studio": "was killed; the next call starts it"}
        except (httpx.HTTPError, ValidationError):
            return {"engine": "studio", "studio": "does not answer", "ready": False}
        return {"engine": "studio", **health.model_dump(mode="json")}
