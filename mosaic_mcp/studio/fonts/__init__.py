"""The fonts that ship with the studio."""

from __future__ import annotations

from pathlib import Path

FONTS = Path(__file__).parent
