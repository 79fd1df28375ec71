"""The README's picture, cut from the contact sheets of a real demo.

    uv run mosaic-mcp demo
    python -m tests.support.make_picture mosaic-demo

Frames are shown as they are, side by side, without the times above them.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

from mosaic_mcp.studio.render.pictures import strip_height

COLUMNS, ROWS = 4, 2
"""How the demo lays out its sheets of 8 frames."""
CHOSEN = ((0, 2, 4), (0, 3, 5))
"""Frames of the first clip and of the second."""
GAP, EDGE = 8, 3
"""Pixels between frames, and cut off each: neighbours bleed into it where the sheet is coded."""
PICTURE = Path(__file__).parents[2] / "docs" / "demo.jpg"


def frames(sheet: Path, chosen: tuple[int, ...]) -> list[Image.Image]:
    """Some frames of a sheet, in pixels of the sheet."""
    with Image.open(sheet) as picture:
        width, height = picture.width // COLUMNS, picture.height // ROWS
        corners = [(index % COLUMNS * width, index // COLUMNS * height) for index in chosen]
        right, bottom, strip = width - EDGE, height - EDGE, strip_height(width)
        boxes = [(x + EDGE, y + strip + EDGE, x + right, y + bottom) for x, y in corners]
        return [picture.crop(box).convert("RGB") for box in boxes]


def main(folder: Path) -> None:
    """Write docs/demo.jpg from the two sheets in a folder."""
    sheets = sorted(folder.glob("*.sheet.png"))
    shown = [f for sheet, c in zip(sheets, CHOSEN, strict=True) for f in frames(sheet, c)]
    step = shown[0].width + GAP
    strip = Image.new("RGB", (step * len(shown) - GAP, shown[0].height), "white")
    for index, frame in enumerate(shown):
        strip.paste(frame, (index * step, 0))
    strip.save(PICTURE, quality=88, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
