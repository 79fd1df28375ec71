"""Sources that nobody uploaded: what a tile makes, and songs of the user's music folder.

They become assets of the run's owner like any upload, so that timelines, exports and the keeping
of files need no special case.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

import anyio.to_thread

from mosaic_mcp.contract.extensions import LOCAL_OWNER
from mosaic_mcp.errors import MediaError, NotFound
from mosaic_mcp.studio.intake import SUFFIXES, Intake
from mosaic_mcp.studio.library import Library
from mosaic_mcp.studio.perception.calling import call
from mosaic_mcp.studio.runs.run_log import note
from mosaic_mcp.studio.store.assets import Assets
from mosaic_mcp.studio.store.transcripts import Transcripts
from mosaic_mcp.studio.tiles.tile import Make, Song
from mosaic_mcp.studio.timeline.model import Source

MUSIC = "music"
"""The user's music folder in the data folder."""
MOST_SONGS = 1000
NOT_ONE = "is not looked at with MOSAIC_STUDIO_DATABASE, where each machine has another"


@dataclass(frozen=True, slots=True)
class OwnSounds:
    """The sounds of one owner."""

    owner: str
    library: Library
    assets: Assets
    intake: Intake
    transcripts: Transcripts
    folders: bool = True
    """As a workshop has it."""

    async def made(self, recipe: str, name: str, make: Make) -> Source:
        """The sound that `make` writes, made once for each recipe; `name` is for people."""
        key = sha256(recipe.encode()).hexdigest()
        known = await self.library.made(key)
        if known is not None:
            asset_id = await self.assets.find(self.owner, "audio", known, name)
            try:
                if asset_id is not None:
                    return await self._source(asset_id, "studio")
            except (MediaError, NotFound):
                pass  # its file was deleted: it is made again
        with self.library.job() as job:
            path = job / "made.wav"
            said = await make(path)
            asset = await self.intake.take(self.owner, path, name, "audio")
        if said is not None:
            await self.transcripts.bring(self.owner, asset.asset_id, said)
        await self.library.keep_made(key, asset.sha256)
        return await self._source(asset.asset_id, "studio")

    async def songs(self) -> list[Song]:
        """The music folder of this machine's user, by name; empty for whoever is elsewhere."""
        if self.owner != LOCAL_OWNER:
            return []
        if not self.folders:
            await note(f"The folder {MUSIC} {NOT_ONE}: give a song by `audio_id`.", "warning")
            return []
        paths = await anyio.to_thread.run_sync(_music, self.library.home / MUSIC)
        if not paths:
            return []
        tags = await call("tags", paths=[str(path) for path in paths])
        return [
            Song(path, " ".join((re.sub(r"[_\-.]+", " ", path.stem), *tags[str(path)].values())))
            for path in paths
            if str(path) in tags
        ]

    async def song(self, song: Song) -> Source:
        """A song as a source; raises MediaError for what cannot be read."""
        asset = await self.intake.take_file(self.owner, song.path, "audio")
        return await self._source(asset.asset_id, "folder")

    async def _source(self, asset_id: str, origin: Literal["studio", "folder"]) -> Source:
        source, _ = await self.assets.file(self.owner, asset_id)
        return source.model_copy(update={"origin": origin})


def _music(folder: Path) -> list[Path]:
    """The music files of a folder and the folders in it, without links."""
    if not folder.is_dir():
        return []
    files = (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES["audio"])
    return sorted(p.resolve() for p in files if p.is_file() and not p.is_symlink())[:MOST_SONGS]
