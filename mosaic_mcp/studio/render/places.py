"""Where there is room on the canvas: what is taken, where faces are, and the best free place."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from mosaic_mcp.studio.render.framing import corner, crop_size
from mosaic_mcp.studio.timeline.edit import offsets
from mosaic_mcp.studio.timeline.model import Clip, FaceSeen, Place, Timeline

NEAR = Fraction(3, 5)
"""Faces are known at sampled moments; one is taken to be there for this long before and after."""
MARGIN = 0.25
"""Room around a face, in its widths: detectors see less than the head."""
HAIR = 0.3
"""And above it, in its heights."""
SHOULDERS = 1.5
"""Width of a body, in that of the box around its face, which is half as wide again as the face."""
SIDE = 0.08
"""Share of the width kept free at each side: players put buttons there."""
LOWEST_TALL = 0.85
"""The lower edge on tall pictures stays above this share of the height: below, social apps show
titles and controls."""
LOWEST_WIDE = 0.95
HIGHEST_TALL = 0.1
HIGHEST = 0.06


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of the canvas."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """Pixels."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Pixels."""
        return self.bottom - self.top

    def shared(self, other: Box) -> float:
        """How many pixels both cover."""
        wide = min(self.right, other.right) - max(self.left, other.left)
        tall = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(wide, 0.0) * max(tall, 0.0)

    def grown(self, pixels: float) -> Box:
        """The box with as much more on every side."""
        return Box(self.left - pixels, self.top - pixels, self.right + pixels, self.bottom + pixels)


@dataclass(frozen=True, slots=True)
class Taken:
    """A box that is in use from `start` until `end`, seconds of the output."""

    start: Fraction
    end: Fraction
    box: Box


def safe_area(width: int, height: int) -> Box:
    """Where players and social apps show nothing of their own."""
    tall = height > width
    return Box(
        SIDE * width,
        (HIGHEST_TALL if tall else HIGHEST) * height,
        (1 - SIDE) * width,
        (LOWEST_TALL if tall else LOWEST_WIDE) * height,
    )


def at_place(place: Place, width: float, height: float, area: Box) -> Box:
    """A block of that size at one of the nine places of an area."""
    left = (area.left + area.right - width) / 2
    top = (area.top + area.bottom - height) / 2
    if place.endswith("left"):
        left = area.left
    elif place.endswith("right"):
        left = area.right - width
    if place.startswith("top"):
        top = area.top
    elif place.startswith("bottom"):
        top = area.bottom - height
    return Box(left, top, left + width, top + height)


def in_use(taken: Iterable[Taken], start: Fraction, end: Fraction) -> list[Box]:
    """What is taken at some moment of [start, end)."""
    return [t.box for t in taken if t.start < end and start < t.end]


def freest(candidates: Sequence[Box], used: Sequence[Box]) -> int:
    """The index of the first candidate that covers nothing in use, else of the one that covers
    the smallest share of itself."""
    shares = [sum(box.shared(other) for other in used) for box in candidates]
    return min(range(len(candidates)), key=lambda i: (round(shares[i] / 4), i))


def faces_seen(timeline: Timeline, start: Fraction, end: Fraction) -> list[Box]:
    """Where faces are on the canvas during [start, end) of the output, with room around them."""
    found: list[Box] = []
    for clip, at in zip(timeline.clips, offsets(timeline), strict=False):
        faces = timeline.faces.get(clip.source, ())
        if not faces or clip.whole or at >= end or at + clip.duration <= start:
            continue
        first = clip.start + max(start - at, Fraction(0)) - NEAR
        last = clip.start + min(end - at, clip.duration) + NEAR
        low = bisect.bisect_left(faces, first, key=lambda f: f.time)
        high = bisect.bisect_right(faces, last, key=lambda f: f.time)
        found += _on_canvas(timeline, clip, faces[low:high])
    return found


def body_of(face: Box, height: int) -> Box:
    """Where somebody's chest and shoulders are, by the box of their face."""
    wide = SHOULDERS * face.width / 2
    middle = (face.left + face.right) / 2
    return Box(middle - wide, face.bottom, middle + wide, max(height, face.bottom))


def _on_canvas(timeline: Timeline, clip: Clip, faces: Iterable[FaceSeen]) -> Iterator[Box]:
    width, height = timeline.width, timeline.height
    source, framing = timeline.sources[clip.source], timeline.framing
    for face in faces:
        if framing is not None and framing.fit == "crop":
            size = crop_size(source, width, height)
            time = min(max(face.time, clip.start), clip.end)
            left, top = corner(framing.paths.get(source.sha256, ()), time, source, size)
            scale = width / size[0]
        else:
            scale = min(width / source.width, height / source.height)
            left = (source.width - width / scale) / 2
            top = (source.height - height / scale) / 2
        half = (0.5 + MARGIN) * face.width * source.width * scale
        x, y = (face.x * source.width - left) * scale, (face.y * source.height - top) * scale
        x = width - x if clip.mirror_x else x
        y = height - y if clip.mirror_y else y
        tall = (0.5 + MARGIN) * face.height * source.height * scale
        hair = HAIR * face.height * source.height * scale
        over, under = (0.0, hair) if clip.mirror_y else (hair, 0.0)
        yield Box(x - half, y - tall - over, x + half, y + tall + under)
