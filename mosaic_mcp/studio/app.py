"""The studio's REST app: the contract's endpoints, `/studio/v1`, and media by signed link."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DataError, DBAPIError
from starlette.exceptions import HTTPException

import mosaic_mcp
from mosaic_mcp.contract.base import ErrorBody
from mosaic_mcp.contract.errors import error_response, faults_of
from mosaic_mcp.errors import EngineUnavailable, Fault, InvalidRequest, MosaicError, RateLimited
from mosaic_mcp.studio.disk import no_space
from mosaic_mcp.studio.gate import Gate
from mosaic_mcp.studio.observed import TELEMETRY, Observed
from mosaic_mcp.studio.routes import ROUTERS
from mosaic_mcp.studio.routes.dependencies import ERRORS
from mosaic_mcp.studio.studio import Studio

log = logging.getLogger(__name__)


def build_app(
    studio: Studio, routers: Sequence[APIRouter] = ROUTERS, *, any_host: bool = False
) -> FastAPI:
    """The app for one studio; every failure answers in the contract's form.

    With `any_host` it is served under whatever name it is called by: nothing there may be of use to
    a web page.
    """
    app = FastAPI(
        title="Mosaic studio",
        version=mosaic_mcp.__version__,
        description="The Mosaic API, served from this machine; /studio/v1 is our extension.",
        responses=ERRORS,
        redirect_slashes=False,
        docs_url=None,  # its page loads scripts from other people's servers
        redoc_url=None,
        telemetry=TELEMETRY,
    )
    app.state.studio = studio
    for router in routers:
        app.include_router(router)
    public = urlsplit(studio.settings.studio_public_url or "").hostname
    names = None if any_host else [public] if public else []
    app.add_middleware(Gate, activity=studio.activity, refuse=_failure, names=names)
    app.add_middleware(Observed)
    _answer_errors(app)
    return app


def _failure(error: MosaicError) -> Response:
    status, body = error_response(error)
    headers: dict[str, str] = {}
    if isinstance(error, RateLimited | EngineUnavailable) and error.retry_after_s is not None:
        headers["retry-after"] = str(round(error.retry_after_s))
    if status == HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = "Bearer"
    return _answer(status, body, headers)


def _answer(status: int, body: ErrorBody, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse(body.model_dump(exclude_none=True), status, headers)


def _answer_errors(app: FastAPI) -> None:
    """One form for every failure, whoever raised it."""

    @app.exception_handler(MosaicError)
    async def on_mosaic_error(_request: Request, error: MosaicError) -> Response:
        return _failure(error)

    @app.exception_handler(RequestValidationError)
    async def on_invalid(_request: Request, error: RequestValidationError) -> Response:
        return _failure(InvalidRequest(faults_of(error.errors())))

    @app.exception_handler(HTTPException)
    async def on_http_error(request: Request, error: HTTPException) -> Response:
        if isinstance(error.__cause__, MosaicError):  # raised while FastAPI read the body
            return _failure(error.__cause__)
        status = HTTPStatus(error.status_code)
        if status == HTTPStatus.BAD_REQUEST:
            return _failure(
                InvalidRequest([Fault("", "the body could not be read.", "Send JSON in UTF-8.")])
            )
        path = request.url.path
        detail = {
            404: f"There is no {request.method} {path} here. GET /openapi.json lists all.",
            405: f"{path} does not answer {request.method}.",
        }.get(status, str(error.detail))
        body = ErrorBody(detail=detail, error=status.name.lower())
        return _answer(status, body, dict(error.headers or {}))

    @app.exception_handler(OSError)
    @app.exception_handler(DBAPIError)
    async def on_full_disk(_request: Request, error: Exception) -> Response:
        if full := no_space(error):
            return _failure(full)
        if isinstance(error, DataError):  # PostgreSQL keeps no NUL in a text; SQLite does
            fault = Fault("", "a text or a number cannot be kept.", "Leave NUL characters out.")
            return _failure(InvalidRequest([fault]))
        raise error

    @app.exception_handler(Exception)
    async def on_crash(request: Request, error: Exception) -> Response:
        # Starlette raises the error again, so that uvicorn writes its traceback into our log.
        # Quoted: a path may hold line breaks, and write lines of its own into the log.
        path = quote(request.scope["path"])
        log.error("%s %s failed: %s", request.method, path, type(error).__name__)
        detail = (
            "The studio failed on this request. "
            "Its log (studio/log/studio.log in the data folder) says why."
        )
        return _answer(500, ErrorBody(detail=detail, error="internal_server_error"))
