"""A look as FFmpeg filters: cheap ones for what can be said in numbers, a table where one is given.

`eq` and `curves` cost a tenth of `lut3d`; they come after the crop, on no more pixels than are
shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mosaic_mcp.studio.timeline.model import Look, Point


def look_filters(look: Look, names: Mapping[str, str]) -> list[str]:
    """The filters, in order; `names` are the files in the job folder by hash."""
    steps: list[str] = []
    if (look.contrast, look.saturation, look.brightness) != (1.0, 1.0, 0.0):
        steps.append(
            f"eq=contrast={look.contrast:.4f}:saturation={look.saturation:.4f}"
            f":brightness={look.brightness:.4f}"
        )
    curves = {"r": look.red, "g": look.green, "b": look.blue}
    told = [f"{name}='{_points(points)}'" for name, points in curves.items() if points]
    if told:
        steps.append(f"curves={':'.join(told)}")
    if look.table is not None:
        steps.append(f"lut3d=file={names[look.table]}.cube:interp=tetrahedral")
    return steps


def _points(points: Sequence[Point]) -> str:
    return " ".join(f"{before:.4f}/{after:.4f}" for before, after in points)
