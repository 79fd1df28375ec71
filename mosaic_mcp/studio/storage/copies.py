"""Copies of a bucket's files on this machine, so that nobody fetches twice what was used lately.

A copy is named with its size and time: one that was written to since (it may be a hard link of the
user's own file) does not fit its name any more and is fetched afresh. Whoever works with a copy
holds a hard link of his own, so no process can take it away from another, and copies in use are
known by their links. All methods block: they belong into a thread.
"""

from __future__ import annotations

import contextlib
import glob
import os
import time
from pathlib import Path
from uuid import uuid4

from mosaic_mcp.studio.storage.folder import linked, seal_of


class Copies:
    """The copies in a folder; the least lately used go when they are more than `most_bytes`."""

    def __init__(self, folder: Path, work: Path, most_bytes: int) -> None:
        """`work` is a private folder on the same disk, for what is only for a while."""
        self.folder = folder
        self.work = work
        self.most_bytes = most_bytes

    def temporary(self, suffix: str = "") -> Path:
        """A path for a file that its user deletes."""
        self.work.mkdir(parents=True, exist_ok=True)
        return self.work / f"{uuid4().hex}{suffix}"

    def hold(self, key: str) -> Path | None:
        """A link to the copy, to be deleted by the caller; None when there is no whole copy."""
        for copy in self._of(key):
            held = self.temporary(Path(key).suffix)
            with contextlib.suppress(FileNotFoundError):  # another process let it go
                linked(copy, held)
                if copy.name == _name(key, held):
                    os.utime(held, ns=(time.time_ns(), held.stat().st_mtime_ns))
                    return held
                held.unlink()
                copy.unlink()
        return None

    def add(self, key: str, file: Path, seal: str | None = None) -> None:
        """Keep a link to `file` as the copy; with `seal`, only if the file still has it."""
        part = self.temporary()
        try:
            linked(file, part)
            if seal is not None and seal_of(part) != seal:
                return
            copy = self.folder / Path(key).parent / _name(key, part)
            copy.parent.mkdir(parents=True, exist_ok=True)
            part.replace(copy)
            for older in self._of(key):
                if older != copy:
                    older.unlink(missing_ok=True)
        finally:
            part.unlink(missing_ok=True)
        self.trim()

    def drop(self, key: str) -> None:
        """Let the copy go."""
        for copy in self._of(key):
            copy.unlink(missing_ok=True)

    def find(self, stem: str) -> str | None:
        """The key of a copy that is `stem` and a suffix."""
        path = self.folder / stem
        for copy in path.parent.glob(f"{glob.escape(path.name)}.*@*"):
            return copy.relative_to(self.folder).as_posix().rpartition("@")[0]
        return None

    def trim(self) -> None:
        """Let go of the least lately used until the rest fits, but of none that is in use."""
        free: list[tuple[int, int, Path]] = []
        whole = 0
        for base, _, names in os.walk(self.folder):
            for path in (Path(base, name) for name in names):
                with contextlib.suppress(FileNotFoundError):
                    facts = path.stat()
                    whole += facts.st_size
                    # Another link is a job at work, or the user's file: no space would be won.
                    if facts.st_nlink == 1:
                        free.append((facts.st_atime_ns, facts.st_size, path))
        for _, size, path in sorted(free):
            if whole <= self.most_bytes:
                return
            path.unlink(missing_ok=True)
            whole -= size

    def _of(self, key: str) -> list[Path]:
        path = self.folder / key
        return list(path.parent.glob(f"{glob.escape(path.name)}@*"))


def _name(key: str, file: Path) -> str:
    return f"{Path(key).name}@{seal_of(file).replace(':', '-')}"
