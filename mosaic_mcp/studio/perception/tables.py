"""A colour table in the .cube format: is it one, is it whole, and as FFmpeg reads it.

The format: Adobe's Cube LUT specification 1.0, and the input ranges of DaVinci Resolve. FFmpeg's
`lut3d` and `lut1d` heed what is said of the range only after the size, refuse Resolve's line for a
3D table, and know no range that begins elsewhere than at 0 or ends before 1 (measured). So a table
is written anew for them, and what they could not do exactly is refused. Runs in the helper.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mosaic_mcp.errors import MediaError

MOST_POINTS = {3: 65, 1: 65_536}
"""Along a side, by dimensions. Of 3D the specification allows 256, editors write 17 to 65."""
MAX_BYTES = 32 * 1024**2
_START = 4096
_SIZE = re.compile(r"LUT_([13])D_SIZE")
_RANGE = re.compile(r"LUT_[13]D_INPUT_RANGE")
_COUNT = re.compile(r"[0-9]{1,5}")
_KEYWORD = re.compile(r"[A-Z][A-Z0-9_]{2,39}")
_REMEDY = "Export it again as a 3D .cube table with 65 or fewer points a side, over 0 to 1."
Numbers = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """What a .cube file says."""

    dimensions: int
    """3: a colour for each colour; 1: a level for each level, by channel."""
    points: int
    """Along a side."""
    top: Numbers
    """The red, green and blue that the last entries are for; the first are for 0."""
    entries: tuple[Numbers, ...]


def is_table(path: str) -> bool:
    """True for a text that begins like a .cube file."""
    with Path(path).open("rb") as file:
        start = file.read(_START)
    return b"\0" not in start and _SIZE.search(start.decode("latin-1")) is not None


def plain_table(argument: dict[str, Any]) -> dict[str, Any]:
    """Write the table at `path` to `out` as FFmpeg reads it; answers its `dimensions`, 1 or 3."""
    table = read_table(argument["path"])
    lines = [
        f"LUT_{table.dimensions}D_SIZE {table.points}",
        f"DOMAIN_MAX {_line(table.top)}",
        *map(_line, table.entries),
    ]
    Path(argument["out"]).write_text("\n".join(lines) + "\n", "utf-8")
    return {"dimensions": table.dimensions}


def read_table(path: str) -> Table:
    """The table; MediaError for one that is broken, or that FFmpeg would not apply exactly."""
    if Path(path).stat().st_size > MAX_BYTES:
        raise MediaError("The colour table is larger than 32 MB.", remedy=_REMEDY)
    sizes: dict[int, int] = {}
    bounds: dict[str, Numbers] = {"MIN": (0.0,) * 3, "MAX": (1.0,) * 3}
    entries: list[Numbers] = []
    for line in Path(path).read_text("utf-8-sig", "replace").splitlines():
        words = line.split()
        if not words or words[0].startswith(("#", "TITLE")):
            continue
        if len(entries) > MOST_POINTS[3] ** 3:
            break  # too many, whatever follows
        entry = _numbers(words)
        if len(entry) == 3:
            entries.append(entry)
            continue
        numbers = _numbers(words[1:])
        if size := _SIZE.fullmatch(words[0]):
            one = len(words) == 2 and _COUNT.fullmatch(words[1])
            sizes[int(size[1])] = int(words[1]) if one else 0
        elif words[0] in ("DOMAIN_MIN", "DOMAIN_MAX") and len(numbers) == 3:
            bounds[words[0][-3:]] = numbers
        elif _RANGE.fullmatch(words[0]) and len(numbers) == 2:
            bounds = {"MIN": numbers[:1] * 3, "MAX": numbers[1:] * 3}
        else:
            raise _unread(words[0], len(entries))
    return _checked(sizes, bounds, entries)


def _checked(sizes: dict[int, int], bounds: dict[str, Numbers], entries: list[Numbers]) -> Table:
    if len(sizes) > 1:
        raise MediaError(
            "The colour table is a 1D and a 3D table in one file; they would have to be applied "
            "one after the other.",
            remedy=_REMEDY,
        )
    dimensions, points = next(iter(sizes.items()), (3, 0))
    if not 2 <= points <= MOST_POINTS[dimensions] or len(entries) != points**dimensions:
        where = "a side" if dimensions == 3 else "in all"
        raise MediaError(
            f"The colour table has {len(entries)} entries for {points} points {where}.",
            remedy=_REMEDY,
        )
    low, high = bounds["MIN"], bounds["MAX"]
    if any(low) or min(high) < 1:
        raise MediaError(
            f"The colour table is over {_line(low)} to {_line(high)}; only one that begins at 0 "
            "and reaches 1 can be applied exactly.",
            remedy=_REMEDY,
        )
    return Table(dimensions, points, high, tuple(entries))


def _unread(word: str, entries: int) -> MediaError:
    if _KEYWORD.fullmatch(word):
        return MediaError(
            f"The colour table has a line {word} whose effect is not known here.", remedy=_REMEDY
        )
    return MediaError(f"The colour table cannot be read after {entries} entries.", remedy=_REMEDY)


def _numbers(words: list[str]) -> Numbers:
    """What the words say; nothing when one of them is no number that a colour may have."""
    try:
        numbers = tuple(float(word) for word in words)
    except ValueError:
        return ()
    return numbers if all(abs(number) < 1e6 for number in numbers) else ()


def _line(numbers: Numbers) -> str:
    return " ".join(f"{number:.9g}" for number in numbers)
