"""Kept files in a folder: a key is a path below it, and keeping is a rename.

The folder may be on another disk than the data folder, and several machines may share it: what
cannot be renamed or linked there is copied under a hidden name first.
"""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import anyio
import anyio.to_thread

from mosaic_mcp.errors import EngineUnavailable

if TYPE_CHECKING:
    from mosaic_mcp.studio.storage import Method, Stored


class Folder:
    """A storage of files below `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    async def check(self) -> None:
        """Raise EngineUnavailable when the folder cannot be written to."""
        probe = self.root / f".{uuid4().hex}.part"
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise EngineUnavailable(
                f"The storage folder {self.root} cannot be written to: {error.strerror}.",
                remedy="Check MOSAIC_STUDIO_STORAGE, its disk and its rights.",
            ) from error

    async def put(self, path: Path, key: str, *, sha256: str | None = None) -> None:  # noqa: ARG002
        """Move the file to its place."""
        await anyio.to_thread.run_sync(_place, self._path(key), partial(shutil.move, path))

    async def publish(self, folder: Path, key: str, mark: str, name: str) -> None:  # noqa: ARG002
        """Move the whole folder to its place at once."""
        await anyio.to_thread.run_sync(_publish, folder, self._path(key), mark)

    async def write(self, key: str, content: bytes) -> None:
        """Write a small file at once."""
        if await self.size(key) is None:
            fill = partial(_write, content)
            await anyio.to_thread.run_sync(_place, self._path(key), fill)

    @asynccontextmanager
    async def file(self, key: str, sha256: str | None = None) -> AsyncGenerator[Path]:  # noqa: ARG002
        """The file itself."""
        path = self._path(key)
        if not await anyio.Path(path).is_file():
            raise FileNotFoundError(key)
        yield path

    def here(self, key: str) -> Path:
        """The file's path, whether it is there or not."""
        return self._path(key)

    def link(self, key: str, seconds: float, method: Method = "GET") -> None:  # noqa: ARG002
        """The studio serves these files itself."""
        return

    async def size(self, key: str) -> int | None:
        """Its bytes; None when there is no such file."""
        path = anyio.Path(self._path(key))
        return (await path.stat()).st_size if await path.is_file() else None

    async def find(self, stem: str) -> str | None:
        """The key that is `stem` and a suffix."""
        path = self._path(stem)
        found = next(path.parent.glob(f"{glob.escape(path.name)}.*"), None)
        return None if found is None else found.relative_to(self.root).as_posix()

    async def list(self, prefix: str, *, unfinished: bool = False) -> AsyncIterator[Stored]:
        """The files below `prefix` that have their names; `unfinished`: that are still hidden."""
        walk = self._walk(self._path(prefix), hidden=unfinished)
        for found in await anyio.to_thread.run_sync(list, walk):
            yield found

    def _walk(self, folder: Path, *, hidden: bool) -> Iterator[Stored]:
        for base, folders, files in os.walk(folder):
            folders.sort()
            for name in sorted(files):
                path = Path(base, name)
                if any(part.startswith(".") for part in path.relative_to(folder).parts) == hidden:
                    with contextlib.suppress(FileNotFoundError):  # it was deleted meanwhile
                        yield stored(path, self.root)

    async def delete(self, keys: Sequence[str]) -> None:
        """Delete the files, and the folders of one thing that become empty."""

        def delete() -> None:
            for key in keys:
                path = self._path(key)
                path.unlink(missing_ok=True)
                # The folders in cache/ hold files of many things, and who writes there needs them.
                if key.count("/") > (2 if key.startswith("cache/") else 1):
                    with contextlib.suppress(OSError):  # not empty, or gone already
                        path.parent.rmdir()

        await anyio.to_thread.run_sync(delete)

    def _path(self, key: str) -> Path:
        return self.root / key


def linked(path: Path, target: Path) -> None:
    """Make `target` the same content as `path`: a hard link where the disks allow, else a copy."""
    try:
        os.link(path, target)
    except OSError:
        shutil.copy2(path, target)


def stored(path: Path, root: Path) -> Stored:
    """A file as a listing of `root` tells it; FileNotFoundError."""
    from mosaic_mcp.studio.storage import Stored

    facts = path.lstat()
    return Stored(
        key=path.relative_to(root).as_posix(),
        size=facts.st_size,
        modified=datetime.fromtimestamp(facts.st_mtime, UTC),
        placed=datetime.fromtimestamp(facts.st_ctime, UTC),
        inode=(facts.st_dev, facts.st_ino),
        names=facts.st_nlink,
    )


def seal_of(path: Path) -> str:
    """Changes when the file is written to; a hard link shares its content with the user's file."""
    status = path.stat()
    return f"{status.st_size}:{status.st_mtime_ns}"


def _place(kept: Path, fill: Callable[[Path], object]) -> None:
    """Give what `fill` puts at a hidden name beside `kept` that name."""
    part = kept.with_name(f".{uuid4().hex}.part")
    while True:
        kept.parent.mkdir(parents=True, exist_ok=True)
        try:
            fill(part)
            part.replace(kept)
            return
        except FileNotFoundError:
            if kept.parent.exists():
                raise
            # A deletion found the folder empty just now, and took it away.
        finally:
            # Renaming one link of a file onto another of the same file does nothing.
            part.unlink(missing_ok=True)


def _write(content: bytes, part: Path) -> None:
    part.write_bytes(content)


def _publish(folder: Path, kept: Path, mark: str) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    part = kept.with_name(f".{uuid4().hex}.part")
    try:
        try:
            folder.rename(part)
        except OSError:  # another disk
            shutil.copytree(folder, part)
        while not (kept / mark).exists():
            try:
                part.rename(kept)
            except OSError:
                if not kept.is_dir():
                    raise
                # What a deletion left that was cut short.
                shutil.rmtree(kept, ignore_errors=True)
    finally:
        shutil.rmtree(part, ignore_errors=True)
