"""The fonts that we ship, because a bare machine has none and libass then draws nothing."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from mosaic_mcp.errors import Unsupported

FONTS = Path(__file__).parent.parent / "fonts"


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


def choose(family: str, weight: str, text: str) -> tuple[Font, str]:
    """The shipped font for a wish, and a note where it is not just what was wished.

    A family that we do not ship is drawn in Montserrat; letters that a font lacks move the whole
    text to DejaVu Sans. Raises Unsupported when no shipped font has the letters.
    """
    wished = [f for f in SHIPPED if f.family.casefold() == family.strip().casefold()]
    note = "" if wished else f"The font {family!r} is not shipped; Montserrat is used."
    candidates = wished or [f for f in SHIPPED if f.family == "Montserrat"]
    font = min(candidates, key=lambda f: abs(f.weight - int(weight)))
    if any(unicodedata.bidirectional(c) in {"R", "AL"} for c in text):
        raise Unsupported(
            "Text in scripts that run from right to left cannot be drawn here yet.",
            remedy="Leave the tile out, or use the hosted engine.",
        )
    if not missing(font, text):
        return font, note
    wide = next(f for f in SHIPPED if f.family == "DejaVu Sans")
    lacking = missing(wide, text)
    if lacking:
        raise Unsupported(
            f"No shipped font has these letters: {lacking[:20]}",
            remedy="The studio draws Latin, Cyrillic and Greek scripts; use the hosted engine.",
        )
    return wide, f"{font.family} lacks some letters of the text; DejaVu Sans is used."


def without_symbols(text: str) -> str:
    """The text without symbols that no shipped font has: emojis, mostly. Letters stay."""
    wide = next(f for f in SHIPPED if f.family == "DejaVu Sans")
    lacking = {c for c in missing(wide, text) if not unicodedata.category(c).startswith("L")}
    return " ".join("".join(c for c in text if c not in lacking).split())


def missing(font: Font, text: str) -> str:
    """The letters of the text that the font cannot draw."""
    return "".join(sorted({c for c in text if not c.isspace() and not _draws(font.file, c)}))


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
