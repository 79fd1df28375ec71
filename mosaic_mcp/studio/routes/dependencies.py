"""What every route may ask for: the studio, the caller, a page of a list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Query, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from mosaic_mcp import logs
from mosaic_mcp.contract.base import ErrorBody
from mosaic_mcp.contract.extensions import LINKS_HEADER, OWNER_HEADER
from mosaic_mcp.studio.auth import Caller
from mosaic_mcp.studio.signing import Links
from mosaic_mcp.studio.studio import Studio

ERRORS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ErrorBody, "description": "The request was refused."},
    "5XX": {"model": ErrorBody, "description": "The studio failed."},
}
"""How errors are documented: every one has the same form."""

_bearer = HTTPBearer(auto_error=False, description="An API key, or the discovery file's token.")


def _studio(request: Request) -> Studio:
    return request.app.state.studio


StudioDep = Annotated[Studio, Depends(_studio)]


def _caller(
    request: Request,
    studio: StudioDep,
    _documented: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
) -> Caller:
    said = request.headers.get
    caller = studio.keys.acting(said("authorization"), said(OWNER_HEADER), said(LINKS_HEADER))
    logs.know(owner=caller.owner)
    return caller


CallerDep = Annotated[Caller, Depends(_caller)]


def _links(studio: StudioDep, caller: CallerDep) -> Links:
    return studio.links if caller.links_at is None else studio.links.at(caller.links_at)


LinksDep = Annotated[Links, Depends(_links)]
"""Makes links that the caller can reach."""


@dataclass(frozen=True, slots=True)
class PageQuery:
    """`limit` and `cursor`, as every list of the contract takes them."""

    limit: Annotated[int, Query(ge=1, le=100)] = 25
    cursor: Annotated[str | None, Query(max_length=1000)] = None


PageDep = Annotated[PageQuery, Depends()]
