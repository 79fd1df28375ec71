"""Telling a full disk from other failures, whoever met it: the system or the database."""

from __future__ import annotations

import errno

from mosaic_mcp.errors import NoSpace

_FULL = (errno.ENOSPC, errno.EDQUOT)


def no_space(error: BaseException) -> NoSpace | None:
    """The error to tell when `error` means that the disk is full; None for any other."""
    if isinstance(error, NoSpace):
        return error
    if isinstance(error, OSError):
        return NoSpace() if error.errno in _FULL else None
    # SQLite's own words; SQLAlchemy and DBOS wrap its error each in their way.
    return NoSpace() if "database or disk is full" in str(error) else None
