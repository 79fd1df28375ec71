"""Media that tiles have made: by a provider, as a card, of a picture, out of the user's folder.

Whatever comes out is a file that the probe has judged, kept like an upload. Of a provider's answers
nothing else opens them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Literal

import anyio
import anyio.to_thread

from mosaic_mcp.contract.extensions import LOCAL_OWNER
from mosaic_mcp.contract.uploads import AssetType
from mosaic_mcp.errors import GenerationFailed, MediaError, MosaicError, TooLarge
from mosaic_mcp.studio.ingest.footage import FOLDER, found_in
from mosaic_mcp.studio.intake import SUFFIXES, Intake
from mosaic_mcp.studio.library import Library
from mosaic_mcp.studio.perception.calling import call_about
from mosaic_mcp.studio.providers import FilmWish, Kind, PictureWish, Providers, Tell, Wish
from mosaic_mcp.studio.providers.order import Order
from mosaic_mcp.studio.runs.run_log import note
from mosaic_mcp.studio.runs.sounds import NOT_ONE
from mosaic_mcp.studio.store.assets import Assets
from mosaic_mcp.studio.tiles.tile import Footage, Made
from mosaic_mcp.studio.timeline.model import Source

ROOM: dict[Kind, int] = {"image": 50_000_000, "video": 200_000_000}
"""Bytes that have to be free for what is made: more than it mostly has."""
STILLS = 1
"""To be raised with every change of what the video of a picture looks like."""
MAGIC = {b"\x89PNG": ".png", b"\xff\xd8\xff": ".jpg", b"RIFF": ".webp", b"GIF8": ".gif"}


@dataclass(frozen=True, slots=True)
class Workshop:
    """What it takes to make media; `of` is the part of one node of a run."""

    providers: Providers
    library: Library
    assets: Assets
    intake: Intake
    ffmpeg: Path
    owner: str = ""
    scope: str = ""
    """What is made for one scope is not made twice."""
    folders: bool = True
    """False where several machines work: each has folders of its own, and a result must not depend
    on who makes it."""

    def of(self, owner: str, scope: str) -> Workshop:
        """The workshop as one node uses it."""
        return replace(self, owner=owner, scope=scope)

    def maker(self, kind: Kind) -> str | None:
        """Who makes pictures or videos; None when nobody does."""
        provider = self.providers.for_(kind)
        return None if provider is None else provider.name

    async def make(self, wish: Wish, tell: Tell) -> Made:
        """What is wished, or a card; see `Making`."""
        by = self.maker(wish.kind)
        said = json.dumps([self.scope, wish.kind, by, asdict(wish)], sort_keys=True)
        key = hashlib.sha256(said.encode()).hexdigest()
        asset_id = await self.library.made(key)
        if asset_id is not None:
            try:
                return Made(await self._source(asset_id), asset_id, by)
            except MosaicError:
                pass  # its file is gone
        order = Order(self.library, key, by or "")
        try:
            asset_id = await self._make(wish, tell, order)
        except (GenerationFailed, MediaError, TooLarge):
            # It came to nothing. Whatever else went wrong, what was begun may be paid, and waits.
            await order.forget()
            raise
        await self.library.keep_made(key, asset_id)
        await order.forget()
        return Made(await self._source(asset_id), asset_id, by)

    async def _make(self, wish: Wish, tell: Tell, order: Order) -> str:
        provider = self.providers.for_(wish.kind)
        # Before anything is paid for: where it could not be kept, it would be asked for once more.
        self.intake.room(ROOM[wish.kind], f"the {wish.kind} to be made")
        with self.library.job() as job:
            if provider is not None:
                path = await provider.make(wish, job, tell, order)
            else:
                await tell(f"no {wish.kind} provider is set: drawing a placeholder")
                path = await self._card(wish, job)
            suffix = await anyio.to_thread.run_sync(_suffix, path, wish.kind)
            name = f"{title(wish.prompt)}{suffix}"
            return await self.intake.adopt(self.owner, path, name, wish.kind)

    async def _card(self, wish: Wish, job: Path) -> Path:
        from mosaic_mcp.studio.providers.cards import draw_card

        card = job / "card"
        size = card_size(wish)
        form = wish.format.upper() if isinstance(wish, PictureWish) else "PNG"
        await anyio.to_thread.run_sync(draw_card, wish.prompt, wish.kind, size, card, form)
        if isinstance(wish, PictureWish):
            return card
        return await self._video(card, Fraction(wish.seconds), size, job / "card.mp4")

    async def still(
        self, picture: Source, seconds: Fraction, size: tuple[int, int], *, zoom: bool = False
    ) -> Source:
        """A silent video of a picture; see `Making`."""
        said = json.dumps(["still", STILLS, picture.sha256, str(seconds), size, zoom])
        key = hashlib.sha256(said.encode()).hexdigest()
        name = f"{Path(picture.name).stem}.mp4"
        if (known := await self._known(key, name)) is not None:
            return known
        with self.library.job() as job:
            async with self.library.source(picture.sha256) as file:
                path = await self._video(file, seconds, size, job / "still.mp4", zoom=zoom)
            asset = await self.intake.take(self.owner, path, name, "video")
        await self.library.keep_made(key, asset.sha256)
        return await self._source(asset.asset_id)

    async def table(self, table: Source) -> tuple[Source, Literal[1, 3]]:
        """A colour table as the render reads it, and its dimensions."""
        with self.library.job() as job:
            async with self.library.source(table.sha256) as file:
                plain = job / "plain.cube"
                told = await call_about(table.name, "table", path=str(file), out=str(plain))
            asset = await self.intake.take(self.owner, plain, table.name, "image")
        return await self._source(asset.asset_id), told["dimensions"]

    async def _known(self, key: str, name: str) -> Source | None:
        """The video that was made under that key; None when there is none, or it was deleted."""
        made = await self.library.made(key)
        if made is None:
            return None
        asset_id = await self.assets.find(self.owner, "video", made, name)
        if asset_id is None:
            return None
        try:
            return await self._source(asset_id)
        except MosaicError:
            return None

    async def _video(
        self,
        picture: Path,
        seconds: Fraction,
        size: tuple[int, int],
        out: Path,
        *,
        zoom: bool = False,
    ) -> Path:
        from mosaic_mcp.studio.render.stills import still_video

        return await still_video(picture, out, seconds, size, ffmpeg=self.ffmpeg, zoom=zoom)

    async def footage(self) -> Sequence[Footage]:
        """What is in the folder b-roll of the data folder, for the user of this machine."""
        if self.owner != LOCAL_OWNER:
            return ()
        if not self.folders:
            await note(f"The folder {FOLDER} {NOT_ONE}: give files as `clips`.", "warning")
            return ()
        return await anyio.to_thread.run_sync(found_in, self.library.home / FOLDER)

    async def take(self, footage: Footage) -> Source:
        """One of it as a source."""
        pictured = footage.path.suffix.lower() in SUFFIXES["image"]
        kind: AssetType = "image" if pictured else "video"
        asset = await self.intake.take_file(self.owner, footage.path, kind)
        return await self._source(asset.asset_id, "folder")

    async def _source(
        self, asset_id: str, origin: Literal["studio", "folder"] = "studio"
    ) -> Source:
        source, _ = await self.assets.file(self.owner, asset_id)
        return source.model_copy(update={"origin": origin})


def title(prompt: str) -> str:
    """The first words of a prompt, as a name."""
    words, name = prompt.split(), ""
    for word in words:
        if len(f"{name} {word}") > 50:
            break
        name = f"{name} {word}".strip()
    return name.rstrip(".,;:") or prompt[:50].strip() or "untitled"


def card_size(wish: Wish) -> tuple[int, int]:
    """Pixels of the card for a wish: for a video 720 on the shorter side."""
    if isinstance(wish, PictureWish):
        return wish.width, wish.height
    return film_size(wish)


def film_size(wish: FilmWish) -> tuple[int, int]:
    """Even pixels in the shape of the wish, 720 on the shorter side."""
    across, down = map(int, wish.aspect.split(":"))
    scale = Fraction(720, min(across, down))
    width, height = (round(side * scale) // 2 * 2 for side in (across, down))
    return width, height


def _suffix(path: Path, kind: Kind) -> str:
    """The suffix for what a file is: providers do not always make the format that is asked for."""
    if kind == "video":
        return ".mp4"
    with path.open("rb") as file:
        start = file.read(4)
    return next((suffix for magic, suffix in MAGIC.items() if start.startswith(magic)), ".png")
