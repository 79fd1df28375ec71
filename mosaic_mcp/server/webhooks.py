"""Webhooks in: where the hosted API tells of runs, as a route of `serve --http` or by itself.

A server over stdio receives them on a loopback port, behind the user's own tunnel.
"""

from __future__ import annotations

import hmac
import json
import logging
import socket
from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from typing import Any, cast

import anyio
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from mosaic_mcp.contract.webhooks import SECRET_HEADER
from mosaic_mcp.errors import Fault, InvalidRequest
from mosaic_mcp.server.hints import Hints
from mosaic_mcp.settings import Settings

HOST = "127.0.0.1"
PATH = "/webhooks/mosaic"
MAX_BODY = 1024**2
"""Bytes of a webhook; the end of a run with a hundred outputs has about half of it."""

logger = logging.getLogger(__name__)


def route(hints: Hints, secret: str) -> Route:
    """POST /webhooks/mosaic: 204 for every webhook, 401 for a request without the secret."""

    async def receive(request: Request) -> Response:
        given = request.headers.get(SECRET_HEADER, "").encode("latin-1")
        if not hmac.compare_digest(given, secret.encode()):
            return PlainTextResponse(f"{SECRET_HEADER} is not the secret of this server.", 401)
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY:
                return PlainTextResponse(f"A webhook has at most {MAX_BODY:,} bytes.", 413)
        run_id = _run_of(bytes(body))
        if run_id is None:
            return PlainTextResponse("This is no webhook of Mosaic: it names no run.", 400)
        hints.ring(run_id)
        return Response(status_code=204)

    return Route(PATH, receive, methods=["POST"])


def _run_of(body: bytes) -> str | None:
    """The run that a webhook tells of; the rest of it is not used."""
    try:
        event: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    run_id = cast(dict[str, Any], event).get("run_id") if isinstance(event, dict) else None
    return run_id if isinstance(run_id, str) else None


def listening_at(settings: Settings) -> tuple[int, str]:
    """`(port, secret)` of a server over stdio; raises InvalidRequest with all that is wrong."""
    faults: list[Fault] = []
    said, secret = settings.webhook_port or "", settings.webhook_secret or ""
    port = int(said) if said.isascii() and said.isdecimal() and len(said) < 6 else 0
    if not 0 < port < 65536:
        faults.append(Fault("MOSAIC_WEBHOOK_PORT", f"{said!r} is no port.", "Use 1 to 65535."))
    if not secret:
        faults.append(
            Fault(
                "MOSAIC_WEBHOOK_SECRET",
                "is not set: anybody could send webhooks to MOSAIC_WEBHOOK_PORT.",
                "Set it to the webhook secret of your Mosaic account.",
            )
        )
    if faults:
        raise InvalidRequest(faults)
    return port, secret


@asynccontextmanager
async def listening(hints: Hints, port: int, secret: str) -> AsyncGenerator[None]:
    """Receive webhooks on loopback until the block ends.

    A port that is taken is told on stderr and no reason to end: waiters also look by themselves.
    """
    try:
        listener = socket.create_server((HOST, port))
    except OSError as error:
        # Mostly another server of the same user, started by another chat client.
        logger.warning(
            "No webhooks are received: port %d cannot be used (%s). Runs are asked for instead.",
            port,
            error.strerror,
        )
        yield
        return
    config = uvicorn.Config(
        Starlette(routes=[route(hints, secret)]),
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    with listener:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(server.serve, [listener])
            try:
                yield
            finally:
                server.should_exit = True


class _Server(uvicorn.Server):
    """Uvicorn as a guest: signals are the business of the process."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return nullcontext()
