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
    Interrupted,
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
    (503, "interrupted", Interrupted),
    (507, "no_space", NoSpace),
    (500, "internal_server_error", MosaicError),
)
"""Status, code, exception; the first row of an exception is the one that is sent."""

NOT_A_FIELD = "is not a field of this request."


def error_response(error: MosaicError) -> tuple[int, ErrorBody]:
    """Status and body that tell a caller of the REST API about `error`."""
    rows = (row[:2] for row in TABLE if row[2] is type(error))
    status, code = next(rows, (500, "internal_server_error"))
    return status, ErrorBody(detail=str(error), error=code, remedy=error.remedy or None)


def error_from(
    status: int, body: Mapping[str, Any] | None, retry_after_s: float | None = None
) -> MosaicError:
    """The exception for an answer of status >= 400; `body` is its JSON, when it was JSON."""
    body = body or {}
    code = body.get("error")
    detail = _one_line(body.get("detail")) or f"The engine answered with status {status}."
    remedy = str(body.get("remedy") or "")
    detail = detail.removesuffix(remedy).strip() or detail
    if status == 429:
        return RateLimited(detail, remedy=remedy or RateLimited.advice, retry_after_s=retry_after_s)
    rows = [kind for s, c, kind in TABLE if s == status and c == code]
    rows = rows or [kind for s, _, kind in TABLE if s == status]
    kind = rows[0] if rows else (EngineUnavailable if status >= 500 else MosaicError)
    if kind is InvalidRequest:
        return InvalidRequest([Fault("", line) for line in detail.splitlines()], remedy=remedy)
    return kind(detail, remedy=remedy or kind.advice)


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
