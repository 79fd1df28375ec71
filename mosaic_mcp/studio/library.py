"""What the studio keeps, and under which names: we make them, of ids and hashes, not users' text.

| key in the storage | what |
| --- | --- |
| assets/ab/<sha256>.<ext> | sources, written once |
| renders/<render_id>/ | video.mp4, thumbnail.jpg, captions.*, timeline.zip, recipe.json |
| recipes/<render_id>.json | the recipe of a render that was deleted |
| cache/perception/<sha256>/ | what was seen and heard in a source |
| cache/thumbnails/<sha256>.jpg | its picture |
| uploads/<asset_id> | what a client sent, until it is finalized |

A render is whole when its recipe is there. The storage (`storage/`) is the data folder unless
MOSAIC_STUDIO_STORAGE names another folder or a bucket; several machines may share it. These folders
are always of the data folder of this machine:

| folder | what |
| --- | --- |
| cache/storage/ | copies of a bucket's files, no more than MOSAIC_STUDIO_CACHE_GB |
| cache/parts/ | parts of long pictures, for the next render that has them too |
| work/ | private folders of running jobs, deleted with them; of several processes one each |
| studio/ | databases, keys, discovery file, log |

To make room, list with `renders()`, `sources()` and `caches()`, and delete with `delete_render`
(which can keep the recipe), `delete_source` and `delete_cache`. Caches come again when they are
needed, renders by their recipe, sources do not. Whoever deletes knows from the database what is in
use: the library does not look there. A deletion that was cut short is finished by repeating it.
(`studio gc` has ways of its own yet, which know hard links and the data folder only.)
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
    suppress,
)
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Literal

import anyio

from mosaic_mcp.errors import MediaError
from mosaic_mcp.studio.storage.folder import Folder, seal_of

if TYPE_CHECKING:
    from mosaic_mcp.studio.storage import Storage

VIDEO = "video.mp4"
RECIPE = "recipe.json"
RenderFile = Literal[
    "video.mp4", "thumbnail.jpg", "timeline.zip", "captions.srt", "captions.vtt", "captions.txt"
]


@dataclass(frozen=True, slots=True)
class Kept:
    """Something that can be deleted."""

    id: str
    """A render's id, a source's hash, a cache's key."""
    size: int
    """Bytes of all its files."""
    modified: datetime
    """When the youngest of them was written."""


EITHER = "|"
"""Between two seals while one file takes the place of another of the same content."""
PARTS_BYTES = 10 * 1024**3


class Library:
    """Names what is kept, and brings it."""

    storage: Storage
    """The data folder, until whoever opens the studio sets another."""

    def __init__(self, home: Path, process: str | None = None) -> None:
        """`process` names one of several that work in this folder; None: the one with its lock."""
        self.home = home
        self.work = self._work_of(process)
        self.storage = Folder(home)

    # Parts of pictures, of this machine

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

    # Sources

    @staticmethod
    def source_key(sha256: str, suffix: str) -> str:
        """Key of a source."""
        return f"assets/{sha256[:2]}/{sha256}{suffix}"

    async def keep_source(
        self, path: Path, sha256: str, suffix: str, *, move: bool
    ) -> tuple[str, str | None]:
        """Keep a file of that content: its key, and its seal where others may write to it.

        `suffix` as in ".mp4"; with `move` the caller needs `path` no more.
        """
        key = self.source_key(sha256, suffix)
        await self.storage.put(path, key, move=move, sha256=sha256)
        here = self.storage.here(key)
        return key, seal_of(here) if here else None

    @asynccontextmanager
    async def source(self, sha256: str) -> AsyncGenerator[Path]:
        """A source on this machine while the block runs; MediaError when it is gone."""
        key = await self.storage.find(f"assets/{sha256[:2]}/{sha256}")
        async with AsyncExitStack() as held:
            try:
                if key is None:
                    raise FileNotFoundError(sha256)
                path = await held.enter_async_context(self.storage.file(key, sha256))
            except FileNotFoundError as error:
                raise MediaError(
                    "A source of this video is no longer in the storage.",
                    remedy="Add the file again.",
                ) from error
            yield path

    def source_here(self, sha256: str) -> Path | None:
        """Where a source lies that needs not be brought; None when it is elsewhere or gone."""
        folder = self.storage.here(f"assets/{sha256[:2]}")
        return None if folder is None else next(folder.glob(f"{sha256}.*"), None)

    async def check_source(self, key: str, seal: str | None, name: str) -> None:
        """Raise MediaError when it is gone, or not what it was when it got that seal."""
        if await self.storage.size(key) is None:
            raise MediaError(
                f'The file of "{name}" is no longer in the storage.', remedy="Add it again."
            )
        here = self.storage.here(key)
        if here is not None and seal is not None and seal_of(here) not in seal.split(EITHER):
            raise MediaError(
                f'"{name}" was changed on disk since it was added.',
                remedy="Add the file again to use its new content.",
            )

    def sources(self) -> AsyncIterator[Kept]:
        """Every source."""
        return self._kept("assets", _stem)

    async def delete_source(self, sha256: str) -> None:
        """Delete a source under all its suffixes."""
        while (key := await self.storage.find(f"assets/{sha256[:2]}/{sha256}")) is not None:
            await self.storage.delete([key])

    # Uploads

    async def keep_upload(self, asset_id: str, part: Path) -> None:
        """Keep what a client sent, in place of what it sent before."""
        await self.delete_upload(asset_id)
        await self.storage.put(part, f"uploads/{asset_id}", move=True)

    def upload(self, asset_id: str) -> AbstractAsyncContextManager[Path]:
        """What a client sent; FileNotFoundError."""
        return self.storage.file(f"uploads/{asset_id}")

    async def delete_upload(self, asset_id: str) -> None:
        """Delete what a client sent."""
        await self.storage.delete([f"uploads/{asset_id}"])

    # Renders

    @staticmethod
    def render(render_id: str, file: RenderFile = VIDEO) -> str:
        """Key of a file of an output."""
        return f"renders/{render_id}/{file}"

    async def publish(self, render_id: str, made: Path, name: str) -> None:
        """Keep the finished folder `made`; a render that is whole already stays as it is."""
        await self.storage.publish(made, f"renders/{render_id}", RECIPE, name)

    async def published(self, render_id: str) -> bool:
        """True when the render is whole."""
        return await self.storage.size(f"renders/{render_id}/{RECIPE}") is not None

    async def renders(self) -> AsyncIterator[Kept]:
        """Every render, whole or half deleted."""
        async for kept in self._kept("renders", _second):
            yield kept

    async def delete_render(self, render_id: str, *, keep_recipe: bool = True) -> None:
        """Delete an output's files; its recipe stays in recipes/ unless it is to go as well."""
        mark = f"renders/{render_id}/{RECIPE}"
        if keep_recipe and await self.storage.size(mark) is not None:
            async with self.storage.file(mark) as path:
                text = await anyio.Path(path).read_bytes()
            await self.storage.write(f"recipes/{render_id}.json", text)
        files = [stored.key async for stored in self.storage.list(f"renders/{render_id}")]
        # The mark first: what is half deleted does not count as a render.
        await self.storage.delete([mark, *files])
        if not keep_recipe:
            await self.storage.delete([f"recipes/{render_id}.json"])

    # What was found out about a source

    async def fact(self, sha256: str, name: str) -> Any:
        """What was kept of a source under that name, as JSON; None when nothing was."""
        try:
            async with self.storage.file(f"cache/perception/{sha256}/{name}.json") as path:
                return json.loads(await anyio.Path(path).read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            return None

    async def keep_fact(self, sha256: str, name: str, answer: Any) -> None:
        """Keep what was found out; whoever was first is right."""
        text = json.dumps(answer).encode()
        await self.storage.write(f"cache/perception/{sha256}/{name}.json", text)

    @staticmethod
    def thumbnail(sha256: str) -> str:
        """Key of a source's picture."""
        return f"cache/thumbnails/{sha256}.jpg"

    async def caches(self) -> AsyncIterator[Kept]:
        """Everything that can be made again: by key."""
        for folder in ("cache/perception", "cache/thumbnails"):
            async for kept in self._kept(folder, str):
                yield kept

    async def delete_cache(self, key: str) -> None:
        """Delete one of `caches()`."""
        await self.storage.delete([key])

    async def _kept(self, folder: str, id_of: Callable[[str], str]) -> AsyncIterator[Kept]:
        """The files below a folder; those of one id, which a listing tells together, as one."""
        last: Kept | None = None
        async for stored in self.storage.list(folder):
            found = Kept(id_of(stored.key), stored.size, stored.modified)
            if last is not None and last.id == found.id:
                size, modified = last.size + found.size, max(last.modified, found.modified)
                last = Kept(last.id, size, modified)
                continue
            if last is not None:
                yield last
            last = found
        if last is not None:
            yield last


def _stem(key: str) -> str:
    return PurePosixPath(key).stem


def _second(key: str) -> str:
    return PurePosixPath(key).parts[1]
