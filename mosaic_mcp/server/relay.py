"""Files of the studio for people elsewhere: the studio itself listens on loopback only.

| path | who may | what |
| --- | --- | --- |
| GET, HEAD /media/{renders or assets}/{id}/{file} | whoever holds the signed link | passed on |
| POST /media/uploads | whoever holds the signed policy | passed on as it arrives |
| POST /uploads/{type}/get_upload_url, finalize_upload | an access token | as the contract says |

The studio checks signatures and policies; nothing of it but these paths can be reached here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import anyio.to_thread
from pydantic import ValidationError
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from mosaic_mcp.errors import EngineUnavailable, Fault, InvalidRequest, MosaicError, NotFound
from mosaic_mcp.server.engine import Engine
from mosaic_mcp.settings import Settings

if TYPE_CHECKING:
    import httpx

    from mosaic_mcp.contract.uploads import AssetType

FILE = re.compile(r"/media/(?:renders|assets)/[A-Za-z0-9_-]{1,128}/[a-z]{1,20}(?:\.[a-z0-9]{1,5})?")
UPLOADS = "/media/uploads"
PASSED_ON = (
    "content-length",
    "content-type",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "range",
)
ANSWERED = (
    "accept-ranges",
    "cache-control",
    "content-disposition",
    "content-length",
    "content-range",
    "content-security-policy",
    "content-type",
    "etag",
    "last-modified",
    "location",
    "x-content-type-options",
)
"""Headers that pass in either direction: no cookie, no key."""
CONNECT_S = 10.0
PIECE_S = 600.0
"""Longest wait for bytes: the studio looks at a whole upload before it answers."""
MAX_BODY = 4096
"""Bytes of a body of /uploads: it holds one id."""


class Relay:
    """Passes the studio's media on."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._http: httpx.AsyncClient | None = None

    async def file(self, request: Request) -> Response:
        """A file by its signed link, whole or in part."""
        signed = {name: request.query_params.get(name, "") for name in ("exp", "sig")}
        # Without these it is no link of ours, and not worth starting a studio for.
        if not FILE.fullmatch(request.url.path) or not all(signed.values()):
            return refusal(NotFound("There is no such file.", remedy="Use the link as it is."))
        try:
            url = await self._studio(start=True) + request.url.path
        except EngineUnavailable:
            return refusal(_silent())
        http = self._client()
        return await _answer(
            http, http.build_request(request.method, url, params=signed, headers=_passed(request))
        )

    async def upload(self, request: Request) -> Response:
        """An upload under its signed policy, which was given out by a studio that waits for it."""
        try:
            url = await self._studio(start=False) + UPLOADS
        except EngineUnavailable:
            return refusal(_silent())
        http = self._client()
        headers, body = _passed(request), request.stream()
        return await _answer(http, http.build_request("POST", url, headers=headers, content=body))

    async def _studio(self, *, start: bool) -> str:
        from mosaic_mcp.client.studio import discovery, ensure_studio

        found = await anyio.to_thread.run_sync(discovery, self._settings.home)
        if found is None and start:
            found = await ensure_studio(self._settings)
        if found is None:
            raise _silent()
        return found.url

    def _client(self) -> httpx.AsyncClient:
        import httpx

        if self._http is None:
            self._http = httpx.AsyncClient(
                timeout=httpx.Timeout(PIECE_S, connect=CONNECT_S, pool=CONNECT_S),
                headers={"accept-encoding": "identity"},
                trust_env=False,
            )
        return self._http


async def _answer(http: httpx.AsyncClient, request: httpx.Request) -> Response:
    """The studio's answer as it comes, stripped of what is between us and the studio."""
    import httpx

    try:
        answer = await http.send(request, stream=True)
    except httpx.RequestError:
        return refusal(_silent())
    return StreamingResponse(
        answer.aiter_raw(),
        answer.status_code,
        {name: answer.headers[name] for name in ANSWERED if name in answer.headers},
        background=BackgroundTask(answer.aclose),
    )


def _passed(request: Request) -> dict[str, str]:
    return {name: request.headers[name] for name in PASSED_ON if name in request.headers}


class Uploads:
    """The contract's two upload calls, for whoever sends an access token: how a file of another
    machine gets an id."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def __call__(self, request: Request) -> Response:
        """Answer get_upload_url or finalize_upload."""
        kind, step = request.path_params["asset_type"], request.path_params["step"]
        if kind not in ("video", "audio", "image"):
            return refusal(NotFound(f"There are no uploads of {kind[:40]!r}."))
        try:
            if step == "get_upload_url":
                return await self._ticket(kind)
            if step == "finalize_upload":
                return await self._final(kind, await request.body())
        except MosaicError as error:
            return refusal(error)
        return refusal(NotFound("There is no such step.", remedy="get_upload_url comes first."))

    async def _ticket(self, kind: AssetType) -> Response:
        ticket = await (await self._engine.client()).upload_ticket(kind)
        return JSONResponse(ticket.model_dump(exclude_none=True))

    async def _final(self, kind: AssetType, body: bytes) -> Response:
        from mosaic_mcp.contract.uploads import FinalizeUpload

        try:
            said = FinalizeUpload.model_validate_json(body).model_dump(exclude_none=True)
        except ValidationError:
            said = {}
        if list(said) != [f"{kind}_id"]:
            raise InvalidRequest(
                [Fault("body", f"exactly {kind}_id belongs here.", "It came with the upload_url.")]
            )
        client = await self._engine.client()
        done = await client.finalize_upload(kind, said[f"{kind}_id"])
        return JSONResponse(done.model_dump(exclude_none=True))


def refusal(error: MosaicError) -> Response:
    """A failure in the contract's form."""
    from mosaic_mcp.contract.errors import error_response

    status, body = error_response(error)
    after = getattr(error, "retry_after_s", None)
    headers = {"retry-after": str(round(after))} if after else None
    return JSONResponse(body.model_dump(), status, headers)


def _silent() -> EngineUnavailable:
    return EngineUnavailable(
        "The video engine of this server does not answer.",
        remedy="Try again in a moment.",
        retry_after_s=5,
    )
