"""What lies in the library and may be deleted: listed with its size, and deleted.

The only part of keeping that touches files. Sizes are of what deleting would free: contents are
shared by hard links (equal renders, sources with the user's own file), and are free only when their
last name goes.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from mosaic_mcp.studio.library import Library

RECIPE = "recipe.json"
MEDIA = ("assets", "renders", "recipes", "cache", "uploads", "work")
"""The folders that hold what takes space."""


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes behind a file's name."""

    inode: tuple[int, int]
    links: int
    """Names that it has, here and elsewhere."""
    size: int


@dataclass(frozen=True, slots=True)
class Kept:
    """Something that can be deleted: one file, or a folder that goes as one."""

    id: str
    path: Path
    contents: tuple[Content, ...]
    modified: datetime
    """When the youngest of its files was written."""


class Freed:
    """Counts what deletions free."""

    def __init__(self) -> None:
        self._gone: dict[tuple[int, int], int] = {}

    def add(self, kept: Kept) -> int:
        """The bytes that are free once this is deleted too."""
        freed = 0
        for content in kept.contents:
            gone = self._gone.get(content.inode, 0) + 1
            self._gone[content.inode] = gone
            freed += content.size if gone == content.links else 0
        return freed


def renders(library: Library) -> Iterator[Kept]:
    """The outputs' folders, by the render's id."""
    yield from _each(library.home / "renders")


def sources(library: Library) -> Iterator[Kept]:
    """The sources, by their path below the data folder, as `assets.file` has it."""
    for path in _files(library.home / "assets"):
        for kept in _kept(path.relative_to(library.home).as_posix(), path):
            # A hard link has the time of the user's file; when it came to us is when it was linked.
            added = datetime.fromtimestamp(path.lstat().st_ctime, UTC)
            yield replace(kept, modified=added)


def caches(library: Library) -> Iterator[Kept]:
    """What was computed of sources, by their hashes, and parts of pictures."""
    yield from _each(library.home / "cache" / "perception")
    yield from _each(library.parts)
    for path in _files(library.home / "cache" / "thumbnails"):
        yield from _kept(path.stem, path)


def uploads(library: Library) -> Iterator[Kept]:
    """What clients sent, by the asset's id."""
    for path in _files(library.home / "uploads"):
        yield from _kept(path.name.partition(".")[0], path)


def jobs(library: Library) -> Iterator[Kept]:
    """The private folders of jobs."""
    yield from _each(library.work)


def occupied(library: Library) -> int:
    """Bytes that all media take; contents with a name outside the library are not ours."""
    whole = Freed()
    paths = (path for folder in MEDIA for path in _files(library.home / folder))
    return sum(whole.add(kept) for path in paths for kept in _kept("", path))


def delete(library: Library, kept: Kept) -> None:
    """Delete it, at once for whoever looks; the recipe of an output stays in recipes/."""
    if kept.path.parent == library.home / "renders" and (kept.path / RECIPE).exists():
        recipes = library.home / "recipes"
        recipes.mkdir(exist_ok=True)
        shutil.copyfile(kept.path / RECIPE, recipes / f"{kept.id}.json")
    if kept.path.is_dir():
        # Renamed first: nobody sees half an output.
        with library.job() as job:
            kept.path.rename(job / "gone")
    else:
        kept.path.unlink(missing_ok=True)


def _each(folder: Path) -> Iterator[Kept]:
    if folder.is_dir():
        for path in sorted(folder.iterdir()):
            yield from _kept(path.name, path)


def _files(folder: Path) -> Iterator[Path]:
    for base, folders, names in os.walk(folder):
        folders.sort()
        yield from (Path(base, name) for name in sorted(names))


def _kept(name: str, path: Path) -> Iterator[Kept]:
    """Nothing when it is gone meanwhile."""
    paths = _files(path) if path.is_dir() else [path]
    stats = list(_stats([*paths, path] if path.is_dir() else paths))
    if not stats:
        return
    contents = tuple(
        Content((s.st_dev, s.st_ino), s.st_nlink, s.st_size)
        for p, s in stats
        if not p.is_dir() and (p == path or p.name != RECIPE)  # which stays
    )
    youngest = max(s.st_mtime for _, s in stats)
    yield Kept(name, path, contents, datetime.fromtimestamp(youngest, UTC))


def _stats(paths: Iterable[Path]) -> Iterator[tuple[Path, os.stat_result]]:
    for path in paths:
        try:
            yield path, path.lstat()
        except FileNotFoundError:
            continue
