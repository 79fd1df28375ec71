"""How a picture lies on the canvas, as editors say it: its scale, its place, how opaque it is."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor

from mosaic_mcp.studio.export.cuts import Cut, cuts_of
from mosaic_mcp.studio.render.framing import centre, crop_size
from mosaic_mcp.studio.timeline.edit import even
from mosaic_mcp.studio.timeline.model import CropKey, Overlay, Source, Timeline

EASE_PARTS = 8
"""Straight lines that an ease is written as: they leave it by at most 2 % of its way."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the picture's centre is at a frame of its source, in pixels from the canvas' centre."""

    frame: int
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Motion:
    """What an editor is told of a picture; by default as it is, in the middle."""

    scale: float = 1.0
    """1: one pixel of the source on one of the canvas."""
    places: tuple[Place, ...] = ()
    """Straight lines between them; the first and the last hold."""
    opacity: float = 1.0


def motion_of(cut: Cut, timeline: Timeline, rate: Fraction) -> Motion:
    """How the render places a picture; `rate` is that of the cut's frames."""
    if cut.overlay is not None:
        return _laid_over(cut.overlay, cut.source, timeline)
    scales = (timeline.width / cut.source.width, timeline.height / cut.source.height)
    if cut.fills:
        return Motion(max(scales))
    framing = timeline.framing
    if cut.whole or framing is None or framing.fit != "crop":
        return Motion(min(scales))
    if not _loses_some(cut.source, timeline):
        return Motion(max(scales))
    keys = framing.paths.get(cut.source.sha256, ())
    return Motion(max(scales), tuple(_path(cut, keys, timeline, rate)))


def motion_notes(timeline: Timeline) -> list[str]:
    """What is told where motion is not: OTIO and EDL have no common word for it."""
    framing, notes = timeline.framing, list[str]()
    if framing is not None and framing.fit == "crop":
        seen = (cut for cut in cuts_of(timeline) if cut.source.kind != "audio" and not cut.whole)
        if any(_loses_some(cut.source, timeline) for cut in seen):
            size = f"{timeline.width} x {timeline.height}"
            notes.append(f"reframed to {size}: only timeline.xml has the motion")
    for overlay in timeline.overlays:
        name = timeline.sources[overlay.source].name
        notes.append(
            f"{name} lies {overlay.corner} over the whole, {overlay.width:.0%} wide, "
            f"{overlay.opacity:.0%} opaque, {overlay.margin_x} x {overlay.margin_y} pixels from "
            "the edges: only timeline.xml places it so"
        )
    return notes


def _laid_over(overlay: Overlay, source: Source, timeline: Timeline) -> Motion:
    """A still in its corner, where `render/layers.py` lays it."""
    width = max(2, round(timeline.width * overlay.width))
    height = width * source.height / source.width
    x = (timeline.width - width) / 2 - overlay.margin_x
    y = (timeline.height - height) / 2 - overlay.margin_y
    if overlay.corner.endswith("left"):
        x = -x
    if overlay.corner.startswith("top"):
        y = -y
    return Motion(width / source.width, (Place(0, x, y),), overlay.opacity)


def _loses_some(source: Source, timeline: Timeline) -> bool:
    """True when a source that fills the canvas is cut off at two sides."""
    whole = (even(source.width), even(source.height))
    return crop_size(source, timeline.width, timeline.height) != whole


def _path(cut: Cut, keys: Sequence[CropKey], timeline: Timeline, rate: Fraction) -> Iterator[Place]:
    """The way of a crop, without the frames that lie within a hold.

    A hold keeps its first and its last: between two keys an editor moves all the time.
    """
    frames = _frames(keys, cut.source_in, cut.source_out - 1, rate)
    places = [_place(frame, cut.source, keys, timeline, rate) for frame in frames]
    for index, place in enumerate(places):
        around = places[max(index - 1, 0) : index + 2]
        if index == 0 or any((place.x, place.y) != (other.x, other.y) for other in around):
            yield place


def _frames(keys: Sequence[CropKey], first: int, last: int, rate: Fraction) -> list[int]:
    """The frames of [first, last] at which the way of a crop may bend or break."""
    start = bisect_right(keys, first / rate, key=lambda key: key.time)
    end = bisect_left(keys, last / rate, key=lambda key: key.time)
    found = {first, last}
    for before, key in pairwise(keys[max(start - 1, 0) : end + 1]):
        # The first frame that the key holds for.
        at = ceil(key.time * rate)
        if key.cut:
            found |= {at - 1, at}
        elif (before.x, before.y) != (key.x, key.y):
            part = (key.time - before.time) / EASE_PARTS
            found |= {floor(before.time * rate), at}
            found |= {round((before.time + n * part) * rate) for n in range(1, EASE_PARTS)}
    return sorted(frame for frame in found if first <= frame <= last)


def _place(
    frame: int, source: Source, keys: Sequence[CropKey], timeline: Timeline, rate: Fraction
) -> Place:
    """Where the render has the crop at a frame, which is always inside the picture."""
    width, height = crop_size(source, timeline.width, timeline.height)
    x, y = centre(keys, frame / rate)
    left = min(max(x * source.width, width / 2), source.width - width / 2)
    top = min(max(y * source.height, height / 2), source.height - height / 2)
    scale = max(timeline.width / source.width, timeline.height / source.height)
    # To a hundredth of a pixel: a hold is one, whatever floating point makes of it.
    return Place(
        frame,
        round((source.width / 2 - left) * scale, 2),
        round((source.height / 2 - top) * scale, 2),
    )
