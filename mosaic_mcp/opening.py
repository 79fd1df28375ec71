"""Opening what a checked path names, and nothing that was put in its place since.

A path is checked first and used later; whoever may write to a folder of it can put a link there
meanwhile. So a checked path is walked once more, folder by folder, and any link ends the walk: a
resolved path has none. What is done in a folder then goes through its descriptor. Where the system
has no descriptors of folders (Windows), the path is resolved again instead, just before its use.

Everything here raises OSError.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Generator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, Literal

_HELD = os.open in os.supports_dir_fd
_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
# O_PATH: a folder that may be passed through need not be readable.
_FOLDER = _NO_LINK | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_PATH", 0)
# A named pipe would keep us waiting for somebody to write.
_FILE = os.O_RDONLY | _NO_LINK | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class Folder:
    """A folder that is held: what is done in it stays in it, whatever becomes of its path."""

    def __init__(self, path: Path, descriptor: int | None) -> None:
        self._path = path
        self._descriptor = descriptor

    def open(self, name: str, mode: Literal["xb", "ab", "rb"]) -> BinaryIO:
        """Open a file in it; not through a link."""
        return open(
            self._name(name), mode, opener=lambda file, flags: self._open(file, flags | _NO_LINK)
        )

    def read(self, name: str) -> BufferedReader:
        """A regular file in it, to be read."""
        descriptor = self._open(self._name(name), _FILE)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(errno.EINVAL, "not a regular file")
        return os.fdopen(descriptor, "rb")

    def size(self, name: str) -> int:
        """Bytes of a file in it."""
        return os.stat(self._name(name), dir_fd=self._descriptor, follow_symlinks=False).st_size

    def rename(self, old: str, new: str) -> None:
        """Give a file in it another name; what has that name is replaced."""
        held = self._descriptor
        os.replace(self._name(old), self._name(new), src_dir_fd=held, dst_dir_fd=held)

    def remove(self, name: str) -> None:
        """Remove a file in it, if it is there."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._name(name), dir_fd=self._descriptor)

    def link(self, name: str, new: Path) -> None:
        """Make `new` another name of a file in it, of the file itself and not of a link's end."""
        if self._descriptor is None:
            os.link(self._name(name), new)
        else:
            os.link(name, new, src_dir_fd=self._descriptor, follow_symlinks=False)

    def _name(self, name: str) -> str:
        if name in ("", ".", "..") or os.sep in name or (os.altsep and os.altsep in name):
            raise OSError(errno.EINVAL, "not the name of a file")
        return name if self._descriptor is not None else str(self._path / name)

    def _open(self, name: str, flags: int) -> int:
        return os.open(name, flags, 0o666, dir_fd=self._descriptor)


@contextmanager
def held(path: Path) -> Generator[Folder]:
    """The folder at an absolute path without links."""
    if not path.is_absolute():
        raise OSError(errno.EINVAL, "not an absolute path")
    if not _HELD:
        if path.resolve() != path:
            raise OSError(errno.ELOOP, "the path goes through a link")
        yield Folder(path, None)
        return
    descriptor = os.open(path.anchor, _FOLDER)
    try:
        for part in path.parts[1:]:
            inner = os.open(part, _FOLDER, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
        yield Folder(path, descriptor)
    finally:
        os.close(descriptor)


def read(path: Path) -> BufferedReader:
    """The regular file at an absolute path without links, to be read."""
    with held(path.parent) as folder:
        return folder.read(path.name)


def take(path: Path, new: Path) -> None:
    """Make `new` the same content as the regular file at an absolute path without links.

    A hard link where the disks allow, else a copy.
    """
    with held(path.parent) as folder, folder.read(path.name) as file:
        try:
            folder.link(path.name, new)
        except OSError:
            with new.open("xb") as copy:
                shutil.copyfileobj(file, copy, 1 << 20)
            return
        if not os.path.samestat(new.lstat(), os.fstat(file.fileno())):
            new.unlink()  # exchanged between opening and linking
            raise OSError(errno.EAGAIN, "the file was exchanged")
