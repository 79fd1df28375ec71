"""Pictures that come with the studio. A timeline refers to them by hash, like to any source."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path

from mosaic_mcp.studio.timeline.model import Source

_LOGO = Path(__file__).parent / "assets" / "logo.png"
"""Drawn for this project; the lettering is Aileron (CC0)."""


@cache
def logo() -> Source:
    """The "mosaic" logo: white lettering with a soft shadow, legible on any picture."""
    content = _LOGO.read_bytes()
    # A PNG's first chunk holds the width and height: bytes 16-19 and 20-23.
    width, height = (int.from_bytes(content[i : i + 4], "big") for i in (16, 20))
    return Source(
        sha256=sha256(content).hexdigest(),
        name="mosaic logo",
        kind="image",
        width=width,
        height=height,
    )


def shipped_files() -> dict[str, Path]:
    """Where the shipped pictures are, by content hash: for whoever renders a timeline."""
    return {logo().sha256: _LOGO}
