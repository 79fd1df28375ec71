"""What a provider is: somebody else's model that makes a picture or a video of words, for a key.

A provider is asked for one thing at a time and writes one file. What it sends is opened by nobody
before the probe has judged it (`studio/runs/making.py`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal, Protocol

from mosaic_mcp.studio.providers.order import Order

Kind = Literal["image", "video"]

Tell = Callable[[str], Awaitable[None]]
"""`await tell("waiting for fal")`: a short phrase of what is going on."""


@dataclass(frozen=True, slots=True)
class PictureWish:
    """A still picture."""

    prompt: str
    width: int = 1024
    height: int = 768
    """Pixels. A provider that has other sizes makes the nearest shape that it has."""
    free: bool = False
    """True: the provider may choose another shape."""
    quality: Literal["low", "medium", "high"] = "high"
    format: Literal["png", "jpeg", "webp"] = "png"

    @property
    def kind(self) -> Kind:
        """What it is a wish for."""
        return "image"


@dataclass(frozen=True, slots=True)
class FilmWish:
    """A video."""

    prompt: str
    seconds: int = 5
    aspect: str = "16:9"
    resolution: str = "720p"
    sound: bool = False

    @property
    def kind(self) -> Kind:
        """What it is a wish for."""
        return "video"


Wish = PictureWish | FilmWish


class Provider(Protocol):
    """Makes what is wished."""

    name: str
    """What people call it."""
    variable: str
    """The environment variable that holds its key."""
    models: dict[Kind, str]
    """The model for each kind of thing that it makes here."""

    async def make(self, wish: Wish, folder: Path, tell: Tell, order: Order) -> Path:
        """The made file, new in `folder`. Being cancelled, it asks the provider to stop.

        Goes on with what the order says that was begun. Raises Unauthorized (the key), RateLimited
        and SourceUnavailable (try again later), GenerationFailed (refused, failed, too slow),
        OutcomeUnknown (see `Order`), or what `web.download` raises.
        """
        ...


def nearest_shape(width: int, height: int, shapes: tuple[str, ...]) -> str:
    """Of shapes such as "16:9" the one nearest to these sides."""

    def distance(shape: str) -> float:
        across, down = map(int, shape.split(":"))
        ratio = Fraction(width * down, height * across)
        return float(max(ratio, 1 / ratio))

    return min(shapes, key=distance)
