"""Making room in the studio: POST /studio/v1/gc, ours (docs/disk.md)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from mosaic_mcp.contract.base import Request, Response

Thing = Literal["output", "cache", "source", "leftover"]
"""`output`: the files of a finished render; `cache`: what can be computed again; `source`: a file
that nothing refers to; `leftover`: what unfinished uploads and killed jobs left."""


class Collect(Request):
    """The body of POST /studio/v1/gc. Without an age or a size only leftovers go."""

    dry_run: bool = False
    older_than_s: Annotated[float | None, Field(ge=0)] = None
    """What was made or used in the last so many seconds stays."""
    max_bytes: Annotated[int | None, Field(ge=0)] = None
    """The oldest go until no more than this is left, as far as they may go."""


class Removed(Response):
    """A thing that goes."""

    thing: Thing
    id: str
    name: str = ""
    """What people call it."""
    bytes: int
    """What deleting it frees; 0 while another file shares its content."""
    at: datetime
    """When it was made or last written to."""


class Collected(Response):
    """The answer of POST /studio/v1/gc: what went, or would go in a dry run."""

    dry_run: bool
    removed: tuple[Removed, ...] = ()
    freed_bytes: int = 0
    before_bytes: int = 0
    """What all media took; files shared with the user's own count nothing."""
    after_bytes: int = 0
    over_bytes: int = 0
    """By how much `max_bytes` is still exceeded, because the rest is needed."""
    log_entries: int = 0
    """Entries of runs' logs and of webhooks that are settled, of runs that ended long ago."""
    shared: bool = False
    """Another database's studio keeps files in the same storage: what ours does not know stays."""
