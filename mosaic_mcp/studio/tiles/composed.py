"""Having the studio's composer write a piece."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from mosaic_mcp.studio.perception.calling import call
from mosaic_mcp.studio.tiles.tile import TileContext
from mosaic_mcp.studio.timeline.model import Source

VERSION = 1
"""To be raised with every change of the composer that changes what is heard."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What to compose; the same piece is the same samples."""

    mood: str
    bpm: float
    intensity: str
    seconds: float | None
    """None: a loop without an end."""
    wish: str = ""
    """Decides between the possible ones."""

    @property
    def recipe(self) -> str:
        """All of it as text."""
        return json.dumps(["composed", VERSION, asdict(self)], sort_keys=True)


async def composed(piece: Piece, context: TileContext) -> Source:
    """The piece as a source: a WAV file of the studio."""
    wanted = asdict(piece)
    del wanted["wish"]
    wanted["seed"] = int(sha256(piece.recipe.encode()).hexdigest()[:8], 16)

    async def write(path: Path) -> None:
        await call("compose", path=str(path), **wanted)

    name = f"{piece.mood} music, {piece.bpm:g} bpm (synthesised).wav"
    return await context.workshop.made(piece.recipe, name, write)
