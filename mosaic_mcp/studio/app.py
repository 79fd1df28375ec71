"""The studio's REST app: the contract's endpoints, `/studio/v1`, and media by signed link."""

from __future__ import annotations

import logging
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

import mosaic_mcp
from mosaic_mcp.contract.base import ErrorBody
from mosaic_mcp.contract.errors import error_response, faults_of
from mosaic_mcp.errors import InvalidRequest, MosaicError, RateLimited
from mosaic_mcp.studio.gate import Gate
from mosaic_mcp.studio.routes import ROUTERS
from mosaic_mcp.studio.routes.dependencies import ERRORS
from mosaic_mcp.studio.studio import Studio

log = logging.getLogger(__name__)


def build_app(studio: Studio) -> FastAPI:
    """The app for one studio; every failure answers in the contract's form."""
    app = FastAPI(
        title="Mosaic studio",
        version=mosaic_mcp.__version__,
        description="The Mosaic API, served from this machine; /studio/v1 is our extension.",
        responses=ERRORS,
        redirect_slashes=False,
    )
    app.state.studio = studio
    for router in ROUTERS:
        app.include_router(router)
    app.add_middleware(Gate, activity=studio.activity, refuse=_failure)
    app.add_exception_handler(MosaicError, _on_mosaic_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(Exception, _on_crash)
    return app


def _failure(error: MosaicError) -> Response:
    status, body = error_response(error)
    headers: dict[str, str] = {}
    if isinstance(error, RateLimited) and error.retry_after_s is not None:
        headers["retry-after"] = str(round(error.retry_after_s))
    if status == HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = "Bearer"
    return _answer(status, body, headers)


def _answer(status: int, body: ErrorBody, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse(body.model_dump(), status, headers)


async def _on_mosaic_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, MosaicError)
    return _failure(error)


async def _on_invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return _failure(InvalidRequest(faults_of(error.errors())))


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, MosaicError):  # raised while FastAPI read the body
        return _failure(error.__cause__)
    status = HTTPStatus(error.status_code)
    detail = {
        404: f"There is no {request.method} {request.url.path} here. GET /openapi.json lists all.",
        405: f"{request.url.path} does not answer {request.method}.",
    }.get(status, str(error.detail))
    code = status.name.lower()
    return _answer(status, ErrorBody(detail=detail, error=code), dict(error.headers or {}))


async def _on_crash(request: Request, error: Exception) -> Response:
    # The traceback goes to our log (uvicorn writes it), never to the caller.
    log.error("%s %s failed: %s", request.method, request.url.path, type(error).__name__)
    return _answer(
        500,
        ErrorBody(
            detail="The studio failed on this request. Its log (studio/log/studio.log in the data "
            "folder) says why.",
            error="internal_server_error",
        ),
    )
