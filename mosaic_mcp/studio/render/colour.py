"""Colours as FFmpeg filters: what every picture is brought to, and the look that a user chose.

A look goes through cheap filters as far as it can be said in numbers, and through a table where one
is given: `eq` and `curves` cost a tenth of `lut3d`. They come after the crop, on no more pixels
than are shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mosaic_mcp.studio.timeline.model import Look, Point

HDR_WHITE = 203
"""Nits of a sheet of white paper in HLG and PQ (ITU-R BT.2408, table 1)."""
HDR_PEAK = 1000
"""Nits of the brightest highlight that is told from the next one: what HLG is made for, and what PQ
is mostly mastered to."""
TONE_MAP = (
    f"zscale=t=linear:npl={HDR_WHITE},format=gbrpf32le,zscale=p=bt709,"
    f"tonemap=mobius:param=0.5:desat=0:peak={HDR_PEAK / HDR_WHITE:.3f},"
    "zscale=t=bt709:m=bt709:r=tv,format=yuv420p"
)
"""From PQ or HLG to what ordinary screens show: skin and everything else up to half of white's
light stays as it is, what is brighter is pressed together up to the peak."""
TAGGED = "format=yuv420p,setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"
"""One description for all pictures: concat refuses to mix, and the encoder writes it down."""

WIDE = "format=gbrp16"
"""What a table is applied to: in 8 bits the way to RGB and back alone darkens a picture by one or
two levels of 255, and takes longer (measured)."""


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
        file = table_file(names[look.table])
        steps.append(WIDE)
        if look.dimensions == 3:
            steps.append(f"lut3d=file={file}:interp=tetrahedral")
        else:
            steps.append(f"lut1d=file={file}:interp=linear")
    return steps


def table_file(name: str) -> str:
    """The name that a table's file needs: the filters that read it go by the suffix."""
    return f"{name}.cube"


def _points(points: Sequence[Point]) -> str:
    return " ".join(f"{before:.4f}/{after:.4f}" for before, after in points)
