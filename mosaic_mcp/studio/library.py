"""Where the studio keeps files. Names are made by us from ids and hashes, never from user text."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from mosaic_mcp.errors import MediaError

PARTS_BYTES = 10 * 1024**3


class Library:
    """The folders below MOSAIC_HOME.

    assets/ab/<sha256>.<ext>   sources, written once
    renders/<render_id>/       video.mp4, thumbnail.jpg, captions.srt, timeline.zip, recipe.json
    cache/perception/<sha256>/ what was seen and heard in a source
    cache/parts/<hash>.mp4     parts of long pictures, for the next render that has them too
    work/                      private folders of running jobs, deleted with them; one of several
                               processes has its own below
    studio/                    databases, keys, discovery file, log
    """

    def __init__(self, home: Path, process: str | None = None) -> None:
        """`process` names one of several that work in this folder; None: the one with its lock."""
        self.home = home
        self.work = self._work_of(process)

    def asset(self, sha256: str, suffix: str) -> Path:
        """Path of a source; `suffix` as in ".mp4"."""
        return self.home / "assets" / sha256[:2] / f"{sha256}{suffix}"

    def source(self, sha256: str) -> Path:
        """Path of a source that is here, whatever its suffix; raises MediaError when it is not."""
        path = next((self.home / "assets" / sha256[:2]).glob(f"{sha256}.*"), None)
        if path is None:
            raise MediaError(
                "A source of this video is no longer in the data folder.",
                remedy="Add the file again.",
            )
        return path

    def render(self, render_id: str) -> Path:
        """Folder of an output."""
        return self.home / "renders" / render_id

    def perception(self, sha256: str) -> Path:
        """Folder of a source's cached perception."""
        return self.home / "cache" / "perception" / sha256

    @property
    def parts(self) -> Path:
        """Folder of the parts of long pictures."""
        return self.home / "cache" / "parts"

    def trim_parts(self, most_bytes: int = PARTS_BYTES) -> None:
        """Delete the parts that were not used for longest, until the rest is small enough."""
        with suppress(FileNotFoundError):
            found = [(path, path.stat()) for path in self.parts.iterdir()]
            total = sum(status.st_size for _, status in found)
            for path, status in sorted(found, key=lambda entry: entry[1].st_mtime):
                if total <= most_bytes:
                    return
                path.unlink()
                total -= status.st_size

    @property
    def studio(self) -> Path:
        """Folder of the process: databases, keys, discovery file, log."""
        return self.home / "studio"

    def _work_of(self, process: str | None) -> Path:
        """Folder of the private folders of a process' running jobs."""
        return self.home / "work" / (process or "")

    def clear_work(self, process: str | None = None) -> None:
        """Delete what the jobs of a process that is dead left."""
        folder = self._work_of(process)
        for job in folder.glob("job-*"):
            shutil.rmtree(job, ignore_errors=True)
        if process is not None:
            shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def job(self) -> Generator[Path]:
        """A private folder for one job; gone at the end, whatever happened."""
        self.work.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="job-", dir=self.work))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
