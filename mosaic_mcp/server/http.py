"""`mosaic-mcp serve --http`: MCP over stateless streamable HTTP, for people on other machines.

MCP is at /mcp, for both protocol eras; nothing is kept between requests, so that any client may
come back after a restart. What a request may see is decided by its token (`callers.py`); files
travel through `relay.py`. TLS is the business of a proxy before us.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from dataclasses import replace
from types import FrameType
from urllib.parse import urlsplit

import uvicorn
from mcp.server.auth.middleware.bearer_auth import RequireAuthMiddleware
from mcp.server.auth.routes import build_resource_metadata_url
from mcp.server.transport_security import (
    RequestBodyLimitMiddleware,
    TransportSecurityMiddleware,
    TransportSecuritySettings,
)
from sse_starlette.sse import AppStatus
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mosaic_mcp.errors import Conflict, EngineUnavailable
from mosaic_mcp.server import webhooks
from mosaic_mcp.server.access import ANONYMOUS, Access, check_access
from mosaic_mcp.server.app import build_server
from mosaic_mcp.server.callers import CallersEngine, authenticated
from mosaic_mcp.server.closing import FINISH_S, Closing
from mosaic_mcp.server.health import Health
from mosaic_mcp.server.relay import MAX_BODY, UPLOADS, Relay, Uploads, refusal
from mosaic_mcp.settings import HttpSettings, Settings
from mosaic_mcp.web.hurried import MOST_CONNECTIONS, HurriedProtocol

HOST = "127.0.0.1"
PORT = 8765
MAX_MESSAGE = 1024**2
"""Bytes of an MCP message: arguments are names, ids and addresses, never files."""
END_S = 5
"""Seconds after being told to end until downloads are broken off; they can be continued."""

NOTES = """\
This server is on another machine than the user: it sees none of their files. Give videos as \
addresses, as upload ids (POST /uploads/video/get_upload_url at this server begins an upload), or \
as earlier outputs. Results are links.
"""


def serve_http(
    settings: Settings, http: HttpSettings, *, host: str | None = None, port: int | None = None
) -> int:
    """Serve until told to end; the exit code. Raises InvalidRequest for unusable settings."""
    host = host or HOST
    with _listen(host, PORT if port is None else port) as listener:
        own_port = int(listener.getsockname()[1])
        own_url = f"http://{f'[{host}]' if ':' in host else host}:{own_port}"
        settings = replace(settings, webhook_port=None)  # they come to /webhooks/mosaic here
        access = check_access(settings, http, host, own_url)
        closing = Closing()
        config = uvicorn.Config(
            build_app(access, closing),
            log_config=None,
            access_log=False,  # it would write signatures of links into the log
            server_header=False,
            http=HurriedProtocol,
            limit_concurrency=MOST_CONNECTIONS,
            proxy_headers=False,
            ws="none",
            timeout_graceful_shutdown=END_S,
        )
        who = "who has a token" if access.verifier else "on this machine"
        told = f"MCP at {access.public_url}/mcp for everybody {who}; listens on {own_url}."
        # Streams of the older era would break at the signal, before their calls are answered.
        AppStatus.disable_automatic_graceful_drain()
        asyncio.run(_Server(config, closing, told).serve(sockets=[listener]))
    return 0


def build_app(access: Access, closing: Closing) -> Starlette:
    """The app: /mcp, the metadata of a resource server, and the files."""
    subject = authenticated if access.verifier else lambda: ANONYMOUS
    engine = CallersEngine(access.settings, access.settings_of, subject)
    server = build_server(
        access.settings,
        engine=engine,
        notes=NOTES,
        auth=access.auth,
        token_verifier=access.verifier,
    )
    server.middleware.append(closing)
    security = _security(access.public_url)
    app = server.streamable_http_app(
        stateless_http=True, max_request_body_size=MAX_MESSAGE, transport_security=security
    )
    app.router.routes.append(Route("/health", Health(access.settings).answer, methods=["GET"]))
    uploads = _guarded(Uploads(engine), access, security)
    app.router.routes.append(Route("/uploads/{asset_type}/{step}", uploads, methods=["POST"]))
    if access.settings.webhook_secret is not None:
        app.router.routes.append(webhooks.route(engine.hints, access.settings.webhook_secret))
    if not access.settings.hosted and not access.keys:
        relay = Relay(access.settings)
        app.router.routes += [
            Route("/media/{kind}/{media_id}/{file}", relay.file, methods=["GET", "HEAD"]),
            Route(UPLOADS, relay.upload, methods=["POST"]),
        ]
    scopes = (access.auth.required_scopes if access.auth else None) or []
    app.add_middleware(_Refusals, scope=" ".join(scopes))
    return app


def _security(public_url: str) -> TransportSecuritySettings:
    """Hosts and origins that requests may name.

    A page in a browser can make its own name point to us (DNS rebinding); its requests carry that
    name as Host, and are refused.
    """
    public = urlsplit(public_url)
    hosts = [public.netloc, f"{public.hostname}:*", "127.0.0.1", "localhost", "[::1]"]
    ours = [*hosts, "127.0.0.1:*", "localhost:*", "[::1]:*"]
    origins = [f"{public.scheme}://{public.netloc}", "http://127.0.0.1:*", "http://localhost:*"]
    return TransportSecuritySettings(allowed_hosts=ours, allowed_origins=origins)


def _guarded(uploads: Uploads, access: Access, security: TransportSecuritySettings) -> ASGIApp:
    """The upload calls behind the same guards as MCP."""
    check = TransportSecurityMiddleware(security).validate_request

    async def checked(scope: Scope, receive: Receive, send: Send) -> None:
        answer = await check(Request(scope)) or await uploads(Request(scope, receive))
        await answer(scope, receive, send)

    app: ASGIApp = RequestBodyLimitMiddleware(checked, MAX_BODY)
    if access.auth is None:
        return app
    resource = access.auth.resource_server_url
    return RequireAuthMiddleware(
        app,
        access.auth.required_scopes or [],
        build_resource_metadata_url(resource) if resource else None,
    )


class _Refusals:
    """What the SDK leaves open about requests without a right to be answered.

    A challenge names the scopes that are needed, and an error only if a token was sent (RFC 6750
    3 and 3.1). An issuer that does not answer makes a 503: with a 401, clients would send their
    users to log in.
    """

    def __init__(self, app: ASGIApp, scope: str) -> None:
        self._app = app
        self._scope = scope

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sent_token = "authorization" in Headers(scope=scope)

        async def challenge(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if "www-authenticate" in headers:
                    headers["www-authenticate"] = self._challenge(
                        headers["www-authenticate"], sent_token=sent_token
                    )
            await send(message)

        try:
            await self._app(scope, receive, challenge)
        except EngineUnavailable as error:
            await refusal(error)(scope, receive, send)

    def _challenge(self, said: str, *, sent_token: bool) -> str:
        parts = said.removeprefix("Bearer ").split(", ")
        if not sent_token:
            parts = [part for part in parts if not part.startswith("error")]
        if self._scope:
            parts.append(f'scope="{self._scope}"')
        return f"Bearer {', '.join(parts)}".strip()


class _Server(uvicorn.Server):
    """Uvicorn that answers those who wait before it ends.

    Its own handling would raise the signal again after serving, and so end with an error's code.
    """

    def __init__(self, config: uvicorn.Config, closing: Closing, told: str) -> None:
        super().__init__(config)
        self._closing = closing
        self._told = told
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        print(self._told, file=sys.stderr, flush=True)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self.force_exit = self.should_exit  # told twice
        self.should_exit = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.call_later, FINISH_S, self._closing.end)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            if sys.platform != "win32":
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise Conflict(
            f"{host} port {port} cannot be used: {error.strerror}.",
            remedy="Choose another --host or --port.",
        ) from error
    return listener
