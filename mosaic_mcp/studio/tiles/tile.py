"""What a tile is to the studio: a function from timelines to timelines.

A tile does not render. It reads what it needs through `Perception`, decides, and returns changed
timelines: one for one (Captions), many for one (Clips), or one for many.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from mosaic_mcp.contract.extensions import Standing
from mosaic_mcp.studio.perception.model import Perception
from mosaic_mcp.studio.timeline.model import Source, Timeline


class Assets(Protocol):
    """Uploaded files that parameters refer to by id."""

    async def source(self, asset_id: str) -> Source:
        """The asset as a source; raises NotFound with a sentence that names the id."""
        ...


Make = Callable[[Path], Awaitable[object]]
"""Writes a file to a path."""


@dataclass(frozen=True, slots=True)
class Song:
    """A file of the user's music folder."""

    path: Path
    words: str
    """Its name and what it says about itself: title, artist, genre."""


class Workshop(Protocol):
    """Where sources are made that nobody uploaded, and the user's own music lies."""

    async def made(self, recipe: str, name: str, make: Make) -> Source:
        """The sound that `make` writes, made once for each recipe; `name` is for people."""
        ...

    async def songs(self) -> list[Song]:
        """The user's music folder, by name; empty when there is none."""
        ...

    async def song(self, song: Song) -> Source:
        """A song as a source; raises MediaError for what cannot be read."""
        ...


@dataclass(frozen=True, slots=True)
class TileContext:
    """What a tile may use besides its input."""

    node: str
    """Template node id: put it into every part that the tile makes."""
    perception: Perception
    assets: Assets
    workshop: Workshop
    report: Callable[[float, str], Awaitable[None]]
    """`await report(0.4, "transcribing talk.mp4")`: progress 0..1 and a short phrase."""


def each_of(
    inputs: Sequence[Timeline], context: TileContext
) -> Iterator[tuple[Timeline, TileContext]]:
    """Every input with a context that reports its share of the tile's progress."""
    for index, timeline in enumerate(inputs):

        async def report(progress: float, step: str, done: int = index) -> None:
            await context.report((done + progress) / len(inputs), step)

        yield timeline, replace(context, report=report)


Apply = Callable[[Sequence[Timeline], Any, TileContext], Awaitable[list[Timeline]]]
"""`(inputs, validated params model, context) -> outputs`; raises MosaicError to fail the node."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile of this studio: the contract's name, how well it is done, and the doing."""

    name: str
    """As in the contract's catalogue."""
    standing: Standing
    apply: Apply = field(compare=False)
    note: str = ""
    measured: tuple[str, ...] = ()
    """The tests and benchmarks that show it (`measured.py`)."""
