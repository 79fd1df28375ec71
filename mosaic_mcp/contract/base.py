"""Requests are closed models, responses are open ones.

A request with a field that the contract does not know is refused, so that a typing error is
never silently ignored. A response may carry fields that a later version of the API adds.
"""

from __future__ import annotations

from typing import Annotated, Any, cast

from pydantic import BaseModel, ConfigDict, Field, model_validator

MOST_DEPTH = 40
"""Of lists and objects in each other; the deepest request of the contract has 8."""


def unstorable(value: Any) -> str | None:
    """Why a JSON value cannot be kept: too deep, or text that is no Unicode; None when it can."""
    left: list[tuple[Any, int]] = [(value, 0)]
    while left:
        item, depth = left.pop()
        if isinstance(item, str):
            if "\0" in item:
                return "holds a character that stands for nothing (U+0000)."
            if not item.isascii() and any("\ud800" <= c <= "\udfff" for c in item):
                return "holds half a character (a lone surrogate)."
        elif isinstance(item, dict | list | tuple):
            if depth >= MOST_DEPTH:
                return f"has more than {MOST_DEPTH} lists and objects in each other."
            entries = cast(dict[Any, Any] | list[Any] | tuple[Any, ...], item)
            if isinstance(entries, dict):
                left += [(key, depth) for key in entries]
                entries = list(entries.values())
            left += [(inner, depth + 1) for inner in entries]
    return None


class Request(BaseModel):
    """A body that we send or accept: unknown fields are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _storable(cls, value: Any) -> Any:
        """Refuse what no database and no encoder takes, before anything else looks at it."""
        if why := unstorable(value):
            raise ValueError(why)
        return value


class Response(BaseModel):
    """A body that an engine answers: unknown fields are kept."""

    model_config = ConfigDict(extra="allow", frozen=True)


Id = Annotated[str, Field(min_length=1, max_length=128)]
"""An opaque identifier made by the engine; a UUID in every example of the contract."""


class Page(Response):
    """One page of a list; `next_cursor` is None on the last."""

    next_cursor: str | None = None


class ErrorBody(Response):
    """Every error of the API: `detail` for people, `error` for programs (mosaic_contract §0).

    The studio also says which part of `detail` is the `remedy`.
    """

    detail: str
    error: str | None = None
    remedy: str | None = None
