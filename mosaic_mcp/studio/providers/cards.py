"""The card that stands where a picture would, when nobody can make one: it says so on itself.

What it is stands in its middle, in a column so narrow that no crop of Reframe takes it away.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from mosaic_mcp.errors import Unsupported
from mosaic_mcp.studio.providers.provider import Kind
from mosaic_mcp.studio.render.fonts import FONTS, Font, choose, width_of

GROUND = (17, 24, 39)
LETTERS = (248, 250, 252)
SIGN = (251, 191, 36)
COLUMN = 0.5
"""Of the height: a crop to 9:16 leaves 0.56 of it as width."""
MOST_LETTERS = 400


def draw_card(prompt: str, kind: Kind, size: tuple[int, int], out: Path, form: str) -> None:
    """Write the card; `form` is a format of Pillow ("PNG", "JPEG", "WEBP")."""
    width, height = size
    image = Image.new("RGB", size, GROUND)
    draw = ImageDraw.Draw(image)
    sign = f"no {kind} provider is set"
    column = min(COLUMN * height, 0.8 * width)
    head, text = _fitting("Placeholder:", column), _fitting(sign, column)
    edge = max(2, round(width * 0.012))
    tall = head.size + text.size + 3 * edge
    top = (height - tall) / 2 - height * 0.06
    middle = width / 2
    draw.rectangle(
        (middle - column / 2 - edge, top, middle + column / 2 + edge, top + tall), fill=SIGN
    )
    draw.text((middle, top + edge), "Placeholder:", GROUND, head, anchor="ma")
    draw.text((middle, top + edge * 1.5 + head.size), sign, GROUND, text, anchor="ma")
    _prompt(draw, prompt, size, top + tall + 2 * edge)
    image.save(out, form)


def _fitting(text: str, width: float) -> ImageFont.FreeTypeFont:
    """The font in which the text is so wide."""
    path = FONTS / "Inter-Bold.ttf"
    wide = ImageFont.truetype(path, 100).getlength(text)
    return ImageFont.truetype(path, max(6, int(100 * width / wide)))


def _prompt(draw: ImageDraw.ImageDraw, prompt: str, size: tuple[int, int], top: float) -> None:
    """What was asked for, below the sign, as large as there is room for."""
    width, height = size
    said = " ".join(prompt.split())
    said = said if len(said) <= MOST_LETTERS else f"{said[:MOST_LETTERS]} …"
    try:
        font, _ = choose("Inter", "400", said)
    except Unsupported:
        said = "(The prompt is in letters that no shipped font has.)"
        font, _ = choose("Inter", "400", said)
    room = height - top - height * 0.04
    sizes = range(max(8, width // 22), 7, -1)
    pixels = next((s for s in sizes if len(_lines(font, said, s, width)) * s * 1.3 <= room), 8)
    lines = _lines(font, said, pixels, width)
    draw.multiline_text(
        (width / 2, top),
        "\n".join(lines),
        LETTERS,
        ImageFont.truetype(font.path, pixels),
        anchor="ma",
        align="center",
        spacing=pixels * 0.3,
    )


def _lines(font: Font, text: str, size: int, width: int) -> list[str]:
    """The text in lines of at most nine tenths of the width."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and width_of(font, longer, size) > width * 0.9:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
