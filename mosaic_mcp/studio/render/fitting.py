"""From a source's picture to the canvas: filters that crop it along a path, or fit it in whole,
and then change it as its timeline says."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from mosaic_mcp.studio.render.colour import TAGGED, look_filters
from mosaic_mcp.studio.render.framing import crop_commands, crop_size
from mosaic_mcp.studio.render.pieces import Run
from mosaic_mcp.studio.render.plan import Plan, View
from mosaic_mcp.studio.timeline.edit import even
from mosaic_mcp.studio.timeline.model import Seen, Source


def fitted(plan: Plan, view: View, run: Run, to_bt709: str, index: int) -> list[str]:
    """Filters from the source's picture to the canvas; `to_bt709` are options of `scale`."""
    width, height = view.width, view.height
    how = f"flags={plan.resampling}:{to_bt709}"
    fit = f"scale={width}:{height}:{how}"
    timeline, source = view.timeline, run.source
    framing = timeline.framing
    name = view.own(str(index))
    if run.like.whole:
        return [_whole(source, width, height, how, name)]
    if framing is not None and framing.fit == "crop":
        size = crop_size(source, timeline.width, timeline.height)
        if size == (even(source.width), even(source.height)):
            return [fit]
        rate = timeline.frame_rate
        times = [
            Fraction(piece.first + i) / rate for piece in run.pieces for i in range(piece.count)
        ]
        keys = framing.paths.get(source.sha256, ())
        start, lines = crop_commands(times, rate, keys, source, size, f"crop@c{name}")
        # `exact`: steps of one pixel, where subsampled colour would otherwise force two.
        crop = f"crop@c{name}={size[0]}:{size[1]}:{start[0]}:{start[1]}:exact=1"
        if not lines.strip():
            return [crop, fit]
        plan.files[f"crop{name}.txt"] = lines
        return [f"sendcmd=f=crop{name}.txt", crop, fit]
    if framing is not None or _same_shape(source, timeline.width, timeline.height):
        return [_whole(source, width, height, how, name)]
    return [_inside(width, height, how), f"pad={width}:{height}:(ow-iw)/2:(oh-ih)/2"]


def changed(part: Seen, names: Mapping[str, str]) -> list[str]:
    """Filters that mirror and colour a picture on the canvas, and make it like all others there.

    After the crop, whose path is that of the picture as it was seen. `names` are the files in the
    job folder by hash.
    """
    return [
        "setsar=1",
        *(["hflip"] if part.mirror_x else []),
        *(["vflip"] if part.mirror_y else []),
        *(look_filters(part.look, names) if part.look else []),
        TAGGED,
    ]


def _same_shape(source: Source, width: int, height: int) -> bool:
    """True when the picture fills the canvas, but for 2 %."""
    difference = abs(source.width * height - source.height * width)
    return difference * 50 < source.height * width


def _inside(width: int, height: int, how: str) -> str:
    return f"scale={width}:{height}:force_original_aspect_ratio=decrease:force_divisible_by=2:{how}"


def _whole(source: Source, width: int, height: int, how: str, name: str) -> str:
    """The whole picture, over a blurred copy of itself where it does not fill the canvas."""
    if _same_shape(source, width, height):
        return f"scale={width}:{height}:{how}"
    # Behind: the picture itself, filling the canvas, small while it is blurred (cheap).
    small_w, small_h = even(width // 6), even(height // 6)
    return (
        f"split[front{name}][back{name}];[back{name}]"
        f"scale={small_w}:{small_h}:force_original_aspect_ratio=increase,"
        f"crop={small_w}:{small_h},gblur=sigma=6,eq=brightness=-0.06,scale={width}:{height}"
        f":{how},setsar=1[soft{name}];[front{name}]{_inside(width, height, how)},"
        f"setsar=1[sharp{name}];[soft{name}][sharp{name}]overlay=(W-w)/2:(H-h)/2"
    )
