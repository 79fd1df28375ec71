"""The fonts that we ship, because a bare machine has none and libass then draws nothing."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from mosaic_mcp.errors import Unsupported

FONTS = Path(__file__).parent.parent / "fonts"
_LETTERS = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Nd"})
"""Categories of signs without which a text does not say what it says."""
SELECTORS = frozenset(map(chr, range(0xFE00, 0xFE10)))
"""They only choose between two looks of the sign before them, and are not drawn themselves."""


@dataclass(frozen=True, slots=True)
class Font:
    """A shipped font file. `name` is what libass finds it by."""

    family: str
    weight: int
    file: str
    name: str
    bold: bool
    height: float
    """Its line in ems, as libass counts it: usWinAscent and usWinDescent of the file."""
    descent: float
    """The part of it below the base line, in ems."""

    @property
    def path(self) -> Path:
        """Where the file is."""
        return FONTS / self.file


SHIPPED: tuple[Font, ...] = (
    Font(
        "Montserrat",
        400,
        "Montserrat-Regular.ttf",
        "Montserrat",
        bold=False,
        height=1.562,
        descent=0.453,
    ),
    Font(
        "Montserrat",
        700,
        "Montserrat-Bold.ttf",
        "Montserrat",
        bold=True,
        height=1.562,
        descent=0.453,
    ),
    Font(
        "Montserrat",
        900,
        "Montserrat-Black.ttf",
        "Montserrat Black",
        bold=False,
        height=1.562,
        descent=0.453,
    ),
    Font("Inter", 400, "Inter-Regular.ttf", "Inter", bold=False, height=1.4302, descent=0.3223),
    Font("Inter", 700, "Inter-Bold.ttf", "Inter", bold=True, height=1.4302, descent=0.3223),
    Font("Besley", 700, "Besley-Bold.ttf", "Besley", bold=True, height=1.675, descent=0.425),
    Font(
        "DejaVu Sans",
        700,
        "DejaVuSans-Bold.ttf",
        "DejaVu Sans",
        bold=True,
        height=1.1641,
        descent=0.2358,
    ),
)


WIDEST = next(f for f in SHIPPED if f.family == "DejaVu Sans")
"""What draws the letters that other fonts lack."""


def choose(family: str, weight: str, text: str) -> tuple[Font, str]:
    """The shipped font for a wish, and a note where it is not just what was wished.

    A family that we do not ship is drawn in Montserrat; letters that a font lacks move the whole
    text to DejaVu Sans. Raises Unsupported when no shipped font has the letters.
    """
    font, note = _wished(family, weight)
    if any(unicodedata.bidirectional(c) in {"R", "AL"} for c in text):
        raise Unsupported(
            "Text in scripts that run from right to left cannot be drawn here yet.",
            remedy="Leave the tile out, or use the hosted engine.",
        )
    if not missing(font, text):
        return font, note
    lacking = missing(WIDEST, text)
    if lacking:
        raise Unsupported(
            f"No shipped font has these letters: {lacking[:20]}",
            remedy="The studio draws Latin, Cyrillic and Greek scripts; use the hosted engine.",
        )
    return WIDEST, f"{font.family} lacks some letters of the text; DejaVu Sans is used."


def _wished(family: str, weight: str) -> tuple[Font, str]:
    """The shipped font that is nearest to a wish, and a note where it is of another family."""
    wished = [f for f in SHIPPED if f.family.casefold() == family.strip().casefold()]
    note = "" if wished else f"The font {family!r} is not shipped; Montserrat is used."
    candidates = wished or [f for f in SHIPPED if f.family == "Montserrat"]
    return min(candidates, key=lambda f: abs(f.weight - int(weight))), note


def without_symbols(text: str) -> str:
    """The text without symbols that no shipped font has: emojis, mostly. Letters stay."""
    return without(text, _symbols(missing(WIDEST, text)))


def lost_symbols(family: str, weight: str, text: str) -> frozenset[str]:
    """The symbols of a text, emojis mostly, that the font which `choose` takes for it has not.

    Never letters: for them `choose` takes another font, or refuses the text.
    """
    font, _ = _wished(family, weight)
    lost = _symbols(missing(WIDEST, text))
    nowhere = lost & _symbols(missing(font, text))
    return lost if missing(font, without(text, nowhere)) else nowhere


def without(text: str, signs: Collection[str]) -> str:
    """The text without these signs and selectors, and without the spaces that they leave."""
    return " ".join("".join(c for c in text if c not in signs and c not in SELECTORS).split())


def _symbols(signs: str) -> frozenset[str]:
    """Those that are no letters, nor digits of a script."""
    return frozenset(c for c in signs if unicodedata.category(c) not in _LETTERS)


def missing(font: Font, text: str) -> str:
    """The letters of the text that the font cannot draw."""
    seen = {c for c in text if not c.isspace() and c not in SELECTORS}
    return "".join(sorted(c for c in seen if not _draws(font.file, c)))


@cache
def _draws(file: str, letter: str) -> bool:
    """True when the letter does not come out as the font's box for the unknown."""
    return _picture(file, letter) != _picture(file, "\U0010fffe")


@cache
def _picture(file: str, letter: str) -> bytes:
    image = Image.new("L", (64, 64))
    ImageDraw.Draw(image).text((4, 4), letter, font=_loaded(file, 32), fill=255)
    return image.tobytes()


@cache
def _loaded(file: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FONTS / file, size)


def width_of(font: Font, text: str, size: float) -> float:
    """Pixels that the text is wide at a font size, measured at 100 and scaled."""
    return _loaded(font.file, 100).getlength(text) * size / 100


def libass_size(font: Font, size: float) -> float:
    """The ASS font size whose letters have an em of `size` pixels.

    libass takes a size as the height of a line, not as the em.
    """
    return size * font.height
