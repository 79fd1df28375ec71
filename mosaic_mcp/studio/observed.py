"""Every request seen from outside: its line in the log, and its count. FastAPI makes its span."""

from __future__ import annotations

import logging
import re
import secrets
import time

from fastapi.telemetry import TelemetryConfig
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mosaic_mcp import logs
from mosaic_mcp.contract.extensions import REQUEST_HEADER
from mosaic_mcp.studio import metrics
from mosaic_mcp.studio.gate import QUIET

UNKNOWN = "(none)"
"""In place of a route where there is none: paths are chosen by callers, and without end."""

_REQUEST_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)
log = logging.getLogger(__name__)


class Observed:
    """ASGI middleware, the outermost.

    A request is known by its id (the caller's, else a new one, answered in the same header) and
    by the template of its route; its path and query, with the signature of a link, stay unsaid.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        said = headers.get(REQUEST_HEADER, "")
        request_id = said if _REQUEST_ID.fullmatch(said) else secrets.token_hex(8)
        method: str = scope["method"] if scope["method"] in _METHODS else "OTHER"
        start = time.monotonic()
        status = 500

        async def answered(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                MutableHeaders(scope=message)[REQUEST_HEADER] = request_id
            await send(message)

        with logs.about(request=request_id):
            try:
                await self._app(scope, receive, answered)
            finally:
                route = str(getattr(scope.get("route"), "path", UNKNOWN))
                seconds = time.monotonic() - start
                metrics.REQUESTS.labels(method, route, status).inc()
                metrics.REQUEST_SECONDS.labels(route).observe(seconds)
                log.debug("%s %s %d, %.0f ms", method, route, status, 1000 * seconds)


TELEMETRY: TelemetryConfig = {
    "tracing": True,  # it does nothing where no traces are collected
    "operation_spans": False,
    "metrics": False,
    "logs": False,
    "auto_configure": False,
    "exclude": lambda scope: scope["path"] in QUIET,
}
"""What FastAPI may tell: one span for each request."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
