"""Make mosaic_mcp/studio/emojis/artwork.json: the emojis of words.txt as shapes that libass draws.

    npm pack @twemoji/svg && tar xzf twemoji-svg-*.tgz
    uv run --with fonttools python -m tests.support.make_emojis package

The artwork is Twemoji's (CC BY 4.0). Its pictures are flat: each is a pile of filled shapes,
written here as colour, opacity, and an ASS drawing in 1/32 of the picture's 36 units, around its
middle.
"""

from __future__ import annotations

import json
import math
import re
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mosaic_mcp.studio.render.emojis import FOLDER, UNITS, WORDS

MIDDLE = 18
SHAPES = ("path", "circle", "ellipse")


def main(svgs: Path) -> None:
    emojis = [line.split()[0] for line in WORDS.read_text("utf-8").splitlines() if line[0] != "#"]
    artwork = {emoji: list(shapes(file_of(emoji, svgs))) for emoji in emojis}
    lines = (f"{json.dumps(e, ensure_ascii=False)}: {json.dumps(a)}" for e, a in artwork.items())
    (FOLDER / "artwork.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


def file_of(emoji: str, folder: Path) -> Path:
    points = [f"{ord(c):x}" for c in emoji]
    if "200d" not in points:
        points = [p for p in points if p != "fe0f"]
    return folder / f"{'-'.join(points)}.svg"


def shapes(file: Path) -> Iterator[tuple[str, float, str]]:
    yield from _shapes(ET.fromstring(file.read_text("utf-8")), "#000000")


def _shapes(parent: ET.Element, colour: str) -> Iterator[tuple[str, float, str]]:
    for element in parent:
        tag = element.tag.rpartition("}")[2]
        fill = element.get("fill") or colour
        if tag == "g":
            yield from _shapes(element, fill)
        elif tag in SHAPES and fill != "none":
            yield _hex(fill), float(element.get("opacity") or 1), _drawing(element)


def _hex(fill: str) -> str:
    digits = fill.removeprefix("#").upper()
    return f"#{''.join(2 * d for d in digits) if len(digits) == 3 else digits}"


def _drawing(element: ET.Element) -> str:
    from fontTools.pens.recordingPen import RecordingPen
    from fontTools.pens.transformPen import TransformPen
    from fontTools.svgLib import SVGPath

    pen: Any = RecordingPen()
    turned = TransformPen(pen, _transform(element.attrib.pop("transform", "")))
    SVGPath.fromstring(b"<svg>%b</svg>" % ET.tostring(element)).draw(turned)
    words: list[str] = []
    at, command = (0.0, 0.0), ""

    def put(letter: str, *points: tuple[float, float]) -> None:
        nonlocal command
        if letter != command:
            words.append(letter)
        command = letter if letter != "m" else ""
        words.extend(str(round((v - MIDDLE) * UNITS)) for p in points for v in p)

    for name, points in pen.value:
        match name:
            case "moveTo":
                put("m", *points)
            case "lineTo":
                put("l", *points)
            case "curveTo":
                put("b", *points)
            case "qCurveTo":
                for (x, y), end in _quadratics(points):
                    one = (at[0] + (x - at[0]) * 2 / 3, at[1] + (y - at[1]) * 2 / 3)
                    two = (end[0] + (x - end[0]) * 2 / 3, end[1] + (y - end[1]) * 2 / 3)
                    put("b", one, two, end)
                    at = end
        at = points[-1] if points else at
    return " ".join(words)


def _transform(text: str) -> Any:
    """An element's transform: translate, rotate (around a point), scale, matrix."""
    from fontTools.misc.transform import Transform

    result = Transform()
    for name, values in re.findall(r"(\w+)\(([^)]*)\)", text):
        numbers = [float(n) for n in re.findall(r"-?[\d.]+(?:e-?\d+)?", values)]
        match name:
            case "translate":
                result = result.translate(*numbers)
            case "rotate":
                x, y = numbers[1:] or (0, 0)
                result = result.translate(x, y).rotate(math.radians(numbers[0])).translate(-x, -y)
            case "scale":
                result = result.scale(*numbers)
            case "matrix":
                result = result.transform(numbers)
            case _:
                raise ValueError(text)
    return result


def _quadratics(points: Any) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
    """TrueType's curves, where the ends between two controls are left out."""
    *controls, last = points
    for control, following in zip(controls, [*controls[1:], None], strict=True):
        if following is None:
            yield control, last
        else:
            yield control, ((control[0] + following[0]) / 2, (control[1] + following[1]) / 2)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
