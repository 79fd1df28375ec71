"""The user's own clips for b-roll: a folder of their files, known by the words around them.

What a file is about is said by its name, by the folders that it lies in, and by a text file of its
name beside it (`pouring.mp4`, `pouring.txt`): tags, a description, or its subtitles.
"""

from __future__ import annotations

import re
from pathlib import Path

from mosaic_mcp.opening import read
from mosaic_mcp.studio.intake import SUFFIXES
from mosaic_mcp.studio.tiles.tile import Footage

FOLDER = "b-roll"
"""Below the data folder."""
MOST_FILES = 2_000
MOST_TEXT = 20_000
"""Bytes of a text that are read."""
TEXTS = (".txt", ".md", ".srt", ".vtt")


def found_in(folder: Path) -> list[Footage]:
    """The videos and pictures below a folder, by name; links are not followed."""
    if not folder.is_dir():
        return []
    root = folder.resolve()
    files = sorted(p for p in _below(root) if p.suffix.lower() in _MEDIA)[:MOST_FILES]
    return [
        Footage(
            name=str(path.relative_to(root)),
            about=f"{words_of(str(path.relative_to(root).with_suffix('')))} {_beside(path)}",
            path=path,
        )
        for path in files
    ]


_MEDIA = {*SUFFIXES["video"], *SUFFIXES["image"]} - {".cube"}


def _below(root: Path) -> list[Path]:
    """Regular files, those of hidden folders left out."""
    found: list[Path] = []
    for path in root.rglob("*"):
        hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
        if not hidden and not path.is_symlink() and path.is_file():
            found.append(path)
        if len(found) > 4 * MOST_FILES:
            break
    return found


def words_of(name: str) -> str:
    """A text as words alone: "coffee/Pouring_milk-02" is "coffee Pouring milk"."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return " ".join(re.findall(r"[^\W\d_]+", apart))


def _beside(path: Path) -> str:
    """The text in the file of the same name."""
    for suffix in TEXTS:
        try:
            with read(path.with_suffix(suffix)) as file:
                return words_of(file.read(MOST_TEXT).decode("utf-8", "replace"))
        except OSError:
            continue
    return ""
