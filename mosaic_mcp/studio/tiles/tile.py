"""What a tile is to the studio: a function from timelines to timelines.

A tile does not render. It reads what it needs through `Perception`, decides, and returns changed
timelines: one for one (Captions), many for one (Clips), or one for many.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, Protocol

from mosaic_mcp.contract.extensions import BringTranscript, Standing
from mosaic_mcp.errors import Fault, InvalidRequest, MosaicError
from mosaic_mcp.studio.perception.model import Perception
from mosaic_mcp.studio.providers import Providers
from mosaic_mcp.studio.providers.provider import Kind, Tell, Wish
from mosaic_mcp.studio.timeline.model import Source, Timeline


class Assets(Protocol):
    """Uploaded files that parameters refer to by id."""

    async def source(self, asset_id: str) -> Source:
        """The asset as a source; raises NotFound with a sentence that names the id."""
        ...


Make = Callable[[Path], Awaitable[BringTranscript | None]]
"""Writes a file to a path; answers what is said in it, where that is known."""


@dataclass(frozen=True, slots=True)
class Song:
    """A file of the user's music folder."""

    path: Path
    words: str
    """Its name and what it says about itself: title, artist, genre."""


class Sounds(Protocol):
    """Sound that nobody brought as an input: made, or from the music folder of the user."""

    async def made(self, recipe: str, name: str, make: Make) -> Source:
        """The sound that `make` writes, made once for each recipe; `name` is for people."""
        ...

    async def songs(self) -> list[Song]:
        """The music folder of this machine's user, by name; empty for whoever is elsewhere."""
        ...

    async def song(self, song: Song) -> Source:
        """A song as a source; raises MediaError for what cannot be read."""
        ...


@dataclass(frozen=True, slots=True)
class Made:
    """Something new that a tile had made, kept as an asset."""

    source: Source
    asset_id: str
    by: str | None
    """Who made it; None for a card that stands in for it and says so."""


@dataclass(frozen=True, slots=True)
class Footage:
    """A clip or a picture of the user's own, not looked at yet."""

    name: str
    """Its path below their folder."""
    about: str
    """Words of its name, its folders and the text beside it."""
    path: Path


class Making(Protocol):
    """Where tiles get media that nobody brought as an input. Steps are told to `report`."""

    def maker(self, kind: Kind) -> str | None:
        """Who makes pictures or videos; None when nobody does."""
        ...

    async def make(self, wish: Wish, tell: Tell) -> Made:
        """What is wished, or a card that stands in for it where nobody can make it.

        The same wish of the same node of the same run is made once, whatever happens meanwhile.
        Raises what `Provider.make` does.
        """
        ...

    async def still(
        self, picture: Source, seconds: Fraction, size: tuple[int, int], *, zoom: bool = False
    ) -> Source:
        """A silent video that shows a picture so long, filling that size, perhaps coming nearer."""
        ...

    async def table(self, table: Source) -> tuple[Source, Literal[1, 3]]:
        """A colour table as the render reads it, and its dimensions."""
        ...

    async def footage(self) -> Sequence[Footage]:
        """What is in the user's folder for b-roll; empty for whoever is elsewhere."""
        ...

    async def take(self, footage: Footage) -> Source:
        """One of it as a source; raises MediaError for what is no video or picture."""
        ...


@dataclass(frozen=True, slots=True)
class TileContext:
    """What a tile may use besides its input."""

    node: str
    """Template node id: put it into every part that the tile makes."""
    perception: Perception
    assets: Assets
    sounds: Sounds
    making: Making
    report: Callable[[float, str], Awaitable[None]]
    """`await report(0.4, "transcribing talk.mp4")`: progress 0..1 and a short phrase."""
    warn: Callable[[str], Awaitable[None]]
    """`await warn("clip 1 ends inside a word")`: what the caller should know when all is done."""


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
Check = Callable[[Any], Awaitable[list[Fault]]]
"""`(validated params model) -> what of it this studio cannot do`, placed by parameter; what can be
said before a run is made need not fail in it."""


@contextmanager
def as_faults(faults: list[Fault], parameter: str) -> Generator[None]:
    """Collect what the block raises, as faults of a parameter where it names none itself."""
    try:
        yield
    except InvalidRequest as error:
        faults += error.faults
    except MosaicError as error:
        faults.append(Fault(parameter, error.message, error.remedy))


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile of this studio: the contract's name, how well it is done, and the doing."""

    name: str
    """As in the contract's catalogue."""
    standing: Standing
    apply: Apply = field(compare=False)
    note: str = ""
    means: Callable[[Providers], str] | None = field(default=None, compare=False)
    """What a run of it means with these providers, as a sentence for a plan; None: always the
    same."""
    check: Check | None = field(default=None, compare=False)
    measured: tuple[str, ...] = ()
    """The tests and benchmarks that show it (`measured.py`)."""
