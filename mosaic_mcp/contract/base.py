"""Requests are closed models, responses are open ones.

A request with a field that the contract does not know is refused, so that a typing error is
never silently ignored. A response may carry fields that a later version of the API adds.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Request(BaseModel):
    """A body that we send or accept: unknown fields are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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
