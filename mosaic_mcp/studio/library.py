"""What the studio keeps, and under which names: we make them, of ids and hashes, not users' text.

| key in the storage | what |
| --- | --- |
| assets/ab/<sha256>.<ext> | sources, written once |
| renders/<render_id>/ | video.mp4, thumbnail.jpg, captions.*, timeline.zip, recipe.json |
| recipes/<render_id>.json | the recipe of a render that was deleted |
| cache/perception/<sha256>/ | what was seen and heard in a source |
| cache/thumbnails/<sha256>.jpg | its picture |
| made/<hash> | the asset that a tile had made for a wish, which may have been paid for |
| made/<hash>.asked, .work | a wish that a provider is at work on (`providers/order.py`) |
| uploads/<asset_id> | what a client sent, until it is finalized |
| databases/<id> | nothing; one for each database whose studios keep files here |

A render is whole when its recipe is there. The storage (`storage/`) is the data folder unless
MOSAIC_STUDIO_STORAGE names another folder or a bucket; several machines may share it. These folders
are always of the data folder of this machine:

| folder | what |
| --- | --- |
| cache/storage/ | copies of a bucket's files, no more than MOSAIC_STUDIO_CACHE_GB |
| cache/parts/ | parts of pictures, for the next render that has them too |
| work/ | private folders of running jobs, deleted with them; of several processes one each |
| studio/ | databases, keys, discovery file, log |

To make room (`keeping/`), list what is kept, and delete it with `delete_render`, which leaves the
recipe, `delete` and `delete_job`. Caches come again when they are needed, renders by their recipe,
sources do not. Whoever deletes knows from the database what is in use: the library does not look
there. A deletion that was cut short is finished by repeating it.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
    suppress,
)
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Literal

import anyio

from mosaic_mcp.errors import MediaError
from mosaic_mcp.studio.storage.folder import Folder, seal_of, stored

if TYPE_CHECKING:
    from mosaic_mcp.studio.storage import Storage, Stored

VIDEO = "video.mp4"
RECIPE = "recipe.json"
RenderFile = Literal[
    "video.mp4", "thumbnail.jpg", "timeline.zip", "captions.srt", "captions.vtt", "captions.txt"
]
OrderPart = Literal["asked", "work"]
ORDER_PARTS: tuple[OrderPart, ...] = ("asked", "work")
FOLDERS = ("assets", "renders", "recipes", "cache", "made", "uploads")
"""All that takes space in a storage."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Something that can be deleted."""

    id: str
    """A render's or an upload's id, a source's key, a cache's source, a job's folder."""
    files: tuple[Stored, ...]
    """What deleting it takes away."""
    modified: datetime
    """When the youngest of its files was written; of a source, when it came."""
    stays: tuple[Stored, ...] = ()
    """The recipe of a render, which moves."""


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
        """Folder of the parts of pictures that are kept."""
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

    def jobs(self) -> list[Kept]:
        """The private folders of jobs on this machine, of all its processes."""
        work = self._work_of(None)
        others = [job for job in work.glob("*/job-*") if not job.parent.match("job-*")]
        folders = sorted([*work.glob("job-*"), *others])
        return [kept for folder in folders if (kept := self._job(folder)) is not None]

    def _job(self, folder: Path) -> Kept | None:
        try:
            found = [(path, stored(path, self.home)) for path in (folder, *folder.rglob("*"))]
        except FileNotFoundError:  # it ends just now
            return None
        files = tuple(one for path, one in found if not path.is_dir())
        name = folder.relative_to(self._work_of(None)).as_posix()
        return Kept(name, files, max(one.modified for _, one in found))

    def delete_job(self, job: Kept) -> None:
        """Delete a job's folder, and that of its process when it was the last."""
        folder = self._work_of(None) / job.id
        shutil.rmtree(folder, ignore_errors=True)
        if folder.parent != self._work_of(None):
            with suppress(OSError):  # it has more
                folder.parent.rmdir()

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

    async def keep_source(self, path: Path, sha256: str, suffix: str) -> tuple[str, str | None]:
        """Keep a file of that content: its key, and its seal where others may write to it.

        `suffix` as in ".mp4"; the caller needs `path` no more.
        """
        key = self.source_key(sha256, suffix)
        await self.storage.put(path, key, sha256=sha256)
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

    async def sources(self) -> AsyncIterator[Kept]:
        """Every source, by its key."""
        async for kept in self._kept("assets", str):
            yield replace(kept, modified=kept.files[0].placed)

    # Uploads

    async def keep_upload(self, asset_id: str, part: Path) -> None:
        """Keep what a client sent, in place of what it sent before."""
        await self.delete_upload(asset_id)
        await self.storage.put(part, f"uploads/{asset_id}")

    def upload(self, asset_id: str) -> AbstractAsyncContextManager[Path]:
        """What a client sent; FileNotFoundError."""
        return self.storage.file(f"uploads/{asset_id}")

    async def delete_upload(self, asset_id: str) -> None:
        """Delete what a client sent."""
        await self.storage.delete([f"uploads/{asset_id}"])

    def uploads(self) -> AsyncIterator[Kept]:
        """What clients sent, by the assets' ids."""
        return self._kept("uploads", _stem)

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

    async def recipe(self, render_id: str) -> dict[str, Any]:
        """The recipe of a render that is whole."""
        async with self.storage.file(f"renders/{render_id}/{RECIPE}") as path:
            return json.loads(await anyio.Path(path).read_text("utf-8"))

    async def renders(self) -> AsyncIterator[Kept]:
        """Every render, whole or half deleted."""
        async for kept in self._kept("renders", lambda key: PurePosixPath(key).parts[1]):
            recipe = tuple(file for file in kept.files if file.key.endswith(f"/{RECIPE}"))
            goes = tuple(file for file in kept.files if file not in recipe)
            yield replace(kept, files=goes, stays=recipe)

    async def always(self) -> AsyncIterator[Kept]:
        """What never goes: recipes of renders that were deleted, and what tiles had made."""
        for folder in ("recipes", "made"):
            async for kept in self._kept(folder, _stem):
                yield kept

    async def delete_render(self, render_id: str) -> None:
        """Delete an output's files; its recipe moves to recipes/."""
        mark, recipe = f"renders/{render_id}/{RECIPE}", f"recipes/{render_id}.json"
        if await self.storage.size(mark) is not None:
            async with self.storage.file(mark) as path:
                text = await anyio.Path(path).read_bytes()
            await self.storage.delete([recipe])  # of an earlier time that it was made
            await self.storage.write(recipe, text)
        files = [file.key async for file in self.storage.list(f"renders/{render_id}")]
        # The mark first: what is half deleted does not count as a render.
        await self.storage.delete([mark, *files])

    # What was found out about a source

    async def fact(self, sha256: str, name: str) -> Any:
        """What was kept of a source under that name, as JSON; None when nothing was."""
        try:
            async with self.storage.file(f"cache/perception/{sha256}/{name}.json") as path:
                return json.loads(await anyio.Path(path).read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            return None

    async def facts(self, sha256: str) -> list[str]:
        """The names under which something was kept of a source."""
        return [_stem(f.key) async for f in self.storage.list(f"cache/perception/{sha256}")]

    async def keep_fact(self, sha256: str, name: str, answer: Any) -> None:
        """Keep what was found out; whoever was first is right."""
        text = json.dumps(answer).encode()
        await self.storage.write(f"cache/perception/{sha256}/{name}.json", text)

    # What tiles had made. Some bytes each, and no cache: without them it would be paid for again.

    async def made(self, wish: str) -> str | None:
        """What was made for the wish of that hash, as it was kept."""
        try:
            async with self.storage.file(_made(wish)) as path:
                return await anyio.Path(path).read_text("utf-8")
        except FileNotFoundError:
            return None

    async def keep_made(self, wish: str, made: str) -> None:
        """Remember what was made for a wish, in place of what is gone."""
        await self.storage.delete([_made(wish)])
        await self.storage.write(_made(wish), made.encode())

    async def ordered(self, wish: str, part: OrderPart) -> str | None:
        """What is remembered of a wish that is being made elsewhere."""
        return await self.made(f"{wish}.{part}")

    async def keep_ordered(self, wish: str, part: OrderPart, text: str) -> None:
        """Remember it, in place of what was remembered."""
        await self.keep_made(f"{wish}.{part}", text)

    async def forget_ordered(self, wish: str) -> None:
        """Remember it no more."""
        # In this order: half of it is work that can still be found.
        await self.storage.delete([_made(f"{wish}.{part}") for part in ORDER_PARTS])

    @staticmethod
    def thumbnail(sha256: str) -> str:
        """Key of a source's picture."""
        return f"cache/thumbnails/{sha256}.jpg"

    async def caches(self) -> AsyncIterator[Kept]:
        """What can be made again: by the source that it is of, parts of pictures by their own name.

        Parts lie on each machine, and count here where the storage is its data folder.
        """
        async for kept in self._kept("cache/perception", lambda key: PurePosixPath(key).parts[2]):
            yield kept
        for folder in ("cache/thumbnails", "cache/parts"):
            async for kept in self._kept(folder, _stem):
                yield kept

    # Making room

    async def unfinished(self) -> AsyncIterator[Kept]:
        """Files that are just being put into a folder, or were when their process died."""
        for folder in FOLDERS:
            async for file in self.storage.list(folder, unfinished=True):
                yield Kept(file.key, (file,), max(file.modified, file.placed))

    async def delete(self, kept: Kept) -> None:
        """Delete a source, an upload, a cache, or what is unfinished."""
        await self.storage.delete([file.key for file in kept.files])

    async def _kept(self, folder: str, id_of: Callable[[str], str]) -> AsyncIterator[Kept]:
        """The files below a folder; those of one id, which a listing tells together, as one."""
        files: list[Stored] = []
        async for file in self.storage.list(folder):
            if files and id_of(files[0].key) != id_of(file.key):
                yield _one(id_of(files[0].key), files)
                files = []
            files.append(file)
        if files:
            yield _one(id_of(files[0].key), files)


def _one(name: str, files: Sequence[Stored]) -> Kept:
    return Kept(name, tuple(files), max(file.modified for file in files))


def _made(wish: str) -> str:
    return f"made/{wish}"


def _stem(key: str) -> str:
    return PurePosixPath(key).stem
