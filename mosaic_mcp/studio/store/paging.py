"""Cursors: the place of a list's last row, opaque to callers and stable while rows come and go."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from mosaic_mcp.contract.base import unstorable
from mosaic_mcp.errors import Fault, InvalidRequest


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """A place in a list that is sorted by time and id, newest first."""

    time: str
    id: str

    def __str__(self) -> str:
        return base64.urlsafe_b64encode(json.dumps([self.time, self.id]).encode()).decode()

    @classmethod
    def parse(cls, text: str | None) -> Cursor | None:
        """The cursor in a query; None for the first page."""
        if not text:
            return None
        try:
            time, row_id = json.loads(base64.b64decode(text, altchars=b"-_", validate=True))
        except (binascii.Error, ValueError, TypeError, RecursionError):
            time = row_id = None
        if not isinstance(time, str) or not isinstance(row_id, str) or unstorable([time, row_id]):
            fault = Fault("cursor", "not a cursor of this list.", "Send next_cursor unchanged.")
            raise InvalidRequest([fault])
        return cls(time, row_id)

    def follows(self, time: sa.ColumnElement[Any], row_id: sa.ColumnElement[Any]) -> Any:
        """The condition for rows after this place."""
        return sa.or_(time < self.time, sa.and_(time == self.time, row_id < self.id))
