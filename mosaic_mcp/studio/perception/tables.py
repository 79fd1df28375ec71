"""A colour table in the .cube format: is it one, and is it whole? Runs in the helper.

The format: Adobe's Cube LUT specification 1.0. Only 3D tables over 0..1 are read.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

from mosaic_mcp.errors import MediaError

MAX_SIDE = 65
"""Entries along a side; the specification allows 256, editors write 17 to 65."""
MAX_BYTES = 32 * 1024**2
_START = 4096
_SIDE = re.compile(r"[0-9]{1,4}")
_REMEDY = "Export it again as a 3D .cube table with 65 or fewer points a side."


def is_table(path: str) -> bool:
    """True for a text that begins like a .cube file."""
    with Path(path).open("rb") as file:
        start = file.read(_START)
    return b"\0" not in start and b"LUT_3D_SIZE" in start


def check_table(path: str) -> int:
    """Points along a side; MediaError for a table that FFmpeg would misread."""
    if Path(path).stat().st_size > MAX_BYTES:
        raise MediaError("The colour table is larger than 32 MB.", remedy=_REMEDY)
    side = rows = 0
    for line in Path(path).read_text("utf-8", "replace").splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0] == "LUT_3D_SIZE":
            side = int(words[1]) if len(words) == 2 and _SIDE.fullmatch(words[1]) else 0
        elif words[0] in ("DOMAIN_MIN", "DOMAIN_MAX"):
            if not _unit(words):
                raise MediaError("The colour table is not over 0 to 1.", remedy=_REMEDY)
        elif len(words) == 3 and all(_number(word) for word in words):
            rows += 1
        elif words[0] != "TITLE":
            raise MediaError(
                f"The colour table cannot be read after {rows} entries.", remedy=_REMEDY
            )
    if not 2 <= side <= MAX_SIDE or rows != side**3:
        raise MediaError(
            f"The colour table has {rows} entries for {side} points a side.", remedy=_REMEDY
        )
    return side


def _unit(words: list[str]) -> bool:
    wanted = 0.0 if words[0].endswith("MIN") else 1.0
    return len(words) == 4 and all(_number(w) and float(w) == wanted for w in words[1:])


def _number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
