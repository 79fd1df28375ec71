"""Files that come with the studio. A timeline refers to them by hash, like to any source."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from hashlib import sha256
from pathlib import Path

from mosaic_mcp.studio.timeline.model import Source

_LOGO = Path(__file__).parent / "assets" / "logo.png"
"""Drawn for this project; the lettering is Aileron (CC0)."""
_BUMPER = _LOGO.with_name("bumper.mp4")
"""Made of the logo (tests/support/make_bumper.py)."""


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
        origin="studio",
        width=width,
        height=height,
    )


@cache
def bumper() -> Source:
    """Two seconds of the logo over a dark ground, without sound."""
    return Source(
        sha256=sha256(_BUMPER.read_bytes()).hexdigest(),
        name="mosaic card",
        duration=Fraction(2),
        width=1920,
        height=1080,
        frame_rate=Fraction(30),
        origin="studio",
    )


def shipped_files() -> dict[str, Path]:
    """Where the shipped files are, by content hash: for whoever renders a timeline."""
    return {logo().sha256: _LOGO, bumper().sha256: _BUMPER}
