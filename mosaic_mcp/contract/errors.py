"""Errors on the wire: one table of statuses, codes and exceptions, read in both directions.

Codes are those of mosaic_contract §0; where Mosaic documents none (409, 413, 503, 507) they are
ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from mosaic_mcp.contract.base import ErrorBody
from mosaic_mcp.errors import (
    Conflict,
    EngineUnavailable,
    Fault,
    Forbidden,
    InvalidRequest,
    MediaError,
    MosaicError,
    NoSpace,
    NotFound,
    RateLimited,
    TooLarge,
    Unauthorized,
    Unsupported,
)

TABLE: tuple[tuple[int, str, type[MosaicError]], ...] = (
    (400, "validation_error", InvalidRequest),
    (400, "bad_media", MediaError),
    (400, "unsupported", Unsupported),
    (401, "invalid_api_key", Unauthorized),
    (403, "forbidden", Forbidden),
    (404, "not_found", NotFound),
    (409, "conflict", Conflict),
    (413, "too_large", TooLarge),
    (422, "parameter_out_of_range", InvalidRequest),
    (429, "rate_limit", RateLimited),
    (503, "engine_unavailable", EngineUnavailable),
    (507, "no_space", NoSpace),
    (500, "internal_server_error", MosaicError),
)
"""Status, code, exception; the first row of an exception is the one that is sent."""

REMEDIES = {
    401: "Check MOSAIC_API_KEY: keys start with mk_ and are made in the dashboard.",
    403: "This key may not do that; ask the owner of the workspace.",
    429: "Wait before the next call.",
    507: "",  # what to do stands in the engine's own words
    500: "Try again; if it goes on, look at the engine's log or tell Mosaic.",
}

NOT_A_FIELD = "is not a field of this request."


def error_response(error: MosaicError) -> tuple[int, ErrorBody]:
    """Status and body that tell a caller of the REST API about `error`."""
    for status, code, kind in TABLE:
        if type(error) is kind:
            return status, ErrorBody(detail=str(error), error=code)
    return 500, ErrorBody(detail=str(error), error="internal_server_error")


def error_from(
    status: int, body: Mapping[str, Any] | None, retry_after_s: float | None = None
) -> MosaicError:
    """The exception for an answer of status >= 400; `body` is its JSON, when it was JSON."""
    body = body or {}
    code = body.get("error")
    detail = _one_line(body.get("detail")) or f"The engine answered with status {status}."
    if status == 429:
        return RateLimited(detail, remedy=REMEDIES[429], retry_after_s=retry_after_s)
    rows = [kind for s, c, kind in TABLE if s == status and c == code]
    rows = rows or [kind for s, _, kind in TABLE if s == status]
    kind = rows[0] if rows else (EngineUnavailable if status >= 500 else MosaicError)
    remedy = REMEDIES.get(status, REMEDIES[500] if status >= 500 else "")
    if kind is InvalidRequest:
        return InvalidRequest([Fault("", line) for line in detail.splitlines()] or [])
    return kind(detail, remedy=remedy)


def _one_line(detail: object, most: int = 2000) -> str:
    """The detail as text: FastAPI-like engines send a list of faults."""
    if isinstance(detail, list):
        detail = "; ".join(str(item) for item in cast(list[Any], detail))
    return str(detail)[:most] if detail else ""


def faults_of(errors: Iterable[Mapping[str, Any]]) -> list[Fault]:
    """Pydantic's errors as faults: where, what, in our words."""
    return [_fault(error) for error in errors]


def place(loc: Sequence[str | int]) -> str:
    """`video_inputs[1].input_clip_end_ms`; the request's own part ("body") is left out."""
    text = ""
    for part in loc:
        if part == "body":
            continue
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".")


def _fault(error: Mapping[str, Any]) -> Fault:
    where = place(error["loc"])
    match error["type"]:
        case "extra_forbidden":
            return Fault(where, NOT_A_FIELD, "Remove it or correct its name.")
        case "missing":
            return Fault(where, "is required.")
        case "json_invalid":
            return Fault("", "The body is not valid JSON.")
        case _:
            message = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input ")
            return Fault(where, f"{message[0].lower()}{message[1:]}.")
