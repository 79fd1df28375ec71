"""What the doctor finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `fail` means that editing does not work until it is mended."""

    name: str
    state: Literal["ok", "note", "fail"]
    says: str
    remedy: str = ""
