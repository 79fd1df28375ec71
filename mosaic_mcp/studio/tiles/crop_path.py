"""The path of a crop that follows a face: still where it can be, smooth where it must move.

Within a shot the face's positions are grouped into holds: the longest stretches in which the
face stays within a dead zone around one point. The crop rests on that point and eases to the
next one around the boundary, so it is never surprised: it knows the whole shot beforehand.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from statistics import median

from mosaic_mcp.studio.perception.model import Face
from mosaic_mcp.studio.timeline.model import CropKey, Source

DEAD_ZONE = 0.115
"""How far the face may stray from the crop's centre before the crop moves, as a share of the
crop (70 of 608 pixels in the measurement that this follows)."""

HEADROOM = 0.42
"""Where the face's centre sits, from the top of the crop."""

CALM_SPEED = 0.6
"""Fastest pan where there is time for it, in crops per second."""
LEASH = 0.19
"""How far the face may stray from the crop's centre during a long pan, as a share of the crop."""

MAX_SPEED = 1.2
"""Fastest pan at all. A face that is faster (someone else took over) is cut to."""

_EASE_PEAK = 1.5
"""Smoothstep moves at its middle this much faster than on average."""

_SHORTEST_EASE = Fraction(8, 10)
"""Seconds; anything quicker looks like a twitch."""
_REST = Fraction(5, 10)
"""A stop that is at least this long is meant; a shorter one inside a pan is a stutter. Seconds."""
_BRIEF = Fraction(1)
"""A far position seen for less than this is a false detection or a glance: ignored. Seconds."""


@dataclass(frozen=True, slots=True)
class CropSize:
    """The crop's size in fractions of the source's."""

    width: float
    height: float

    @classmethod
    def of(cls, source: Source, aspect: Fraction) -> CropSize:
        """The largest crop of the given width/height inside the source."""
        ratio = aspect / Fraction(source.width, source.height)
        return cls(float(min(ratio, 1)), float(min(1 / ratio, 1)))

    def centre(self, face: Face) -> tuple[float, float]:
        """The crop's centre that shows the face best, with the crop inside the picture."""
        return self.inside(face.x, face.y + (0.5 - HEADROOM) * self.height)

    def inside(self, x: float, y: float) -> tuple[float, float]:
        """The nearest centre whose crop lies inside the picture."""
        return _clamp(x, self.width / 2), _clamp(y, self.height / 2)


@dataclass(frozen=True, slots=True)
class _Seen:
    time: Fraction
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class _Hold:
    """The crop rests at (x, y) from `start` to `end`."""

    start: Fraction
    end: Fraction
    x: float
    y: float


def follow(
    faces: Sequence[Face], shots: Sequence[Fraction], duration: Fraction, size: CropSize
) -> tuple[CropKey, ...]:
    """Keys for the whole source. A shot without a face holds the last position, or the centre."""
    keys: list[CropKey] = []
    last = (0.5, 0.5)
    faces = sorted(faces, key=_time)
    starts = sorted({Fraction(0), *shots})
    for start, end in zip(starts, [*starts[1:], duration], strict=True):
        shown = faces[bisect_left(faces, start, key=_time) : bisect_left(faces, end, key=_time)]
        seen = _steadied([_Seen(face.time, *size.centre(face)) for face in shown])
        holds = _holds(seen, start, end, size) or [_Hold(start, end, *last)]
        keys += _one_pan_each(_keys(holds, size), seen, size)
        last = (holds[-1].x, holds[-1].y)
    return tuple(keys)


def _time(seen: Face | _Seen) -> Fraction:
    return seen.time


def _clamp(value: float, margin: float) -> float:
    return min(max(value, margin), 1 - margin)


def _steadied(seen: Sequence[_Seen]) -> list[_Seen]:
    """Each position as the median of itself and its neighbours: single false detections go.

    Where samples are sparse (key frames seconds apart) a single one may well be true and stays.
    """
    steady = list(seen)
    for i in range(1, len(seen) - 1):
        near = seen[i - 1 : i + 2]
        if near[-1].time - near[0].time < _BRIEF:
            middle = (median(n.x for n in near), median(n.y for n in near))
            steady[i] = _Seen(seen[i].time, *middle)
    return steady


def _holds(seen: Sequence[_Seen], start: Fraction, end: Fraction, size: CropSize) -> list[_Hold]:
    """Positions grouped by the dead zone; together the holds fill [start, end)."""
    groups = _without_glances(_grouped(seen, size), size)
    if not groups:
        return []
    borders = [start, *((a[-1].time + b[0].time) / 2 for a, b in pairwise(groups)), end]
    return [
        _Hold(low, high, _middle([s.x for s in group]), _middle([s.y for s in group]))
        for group, (low, high) in zip(groups, pairwise(borders), strict=True)
    ]


def _grouped(seen: Sequence[_Seen], size: CropSize) -> list[list[_Seen]]:
    """Positions, as many one after the other as one dead zone holds."""
    groups: list[list[_Seen]] = []
    left = right = top = bottom = 0.0
    for s in seen:
        left, right, top, bottom = min(left, s.x), max(right, s.x), min(top, s.y), max(bottom, s.y)
        wide = right - left > 2 * DEAD_ZONE * size.width
        high = bottom - top > 2 * DEAD_ZONE * size.height
        if not groups or wide or high:
            groups.append([])
            left = right = s.x
            top = bottom = s.y
        groups[-1].append(s)
    return groups


def _middle(values: Sequence[float]) -> float:
    return (min(values) + max(values)) / 2


def _without_glances(groups: list[list[_Seen]], size: CropSize) -> list[list[_Seen]]:
    """Drop groups that are far from both neighbours and too brief to be somebody."""
    if len(groups) < 3:
        return groups
    kept = [groups[0]]
    for group, after in pairwise(groups[1:]):
        brief = after[0].time - kept[-1][-1].time < _BRIEF
        if not (brief and _far(kept[-1][-1], group[0], size) and _far(group[-1], after[0], size)):
            kept.append(group)
    return [*kept, groups[-1]]


def _far(a: _Seen, b: _Seen, size: CropSize) -> bool:
    return abs(a.x - b.x) > size.width / 2 or abs(a.y - b.y) > size.height / 2


def _keys(holds: Sequence[_Hold], size: CropSize) -> list[CropKey]:
    """A cut to the first hold; then an ease or a jump to each next one."""
    keys = [CropKey(time=holds[0].start, x=holds[0].x, y=holds[0].y, cut=True)]
    for a, b in pairwise(holds):
        border = b.start
        half = _ease(a, b, size) / 2
        # An ease may use up to half of each hold; the other half belongs to the next ease.
        room = min((a.end - a.start) / 2, (b.end - b.start) / 2)
        speed = _crops(a, b, size) / float(2 * room)
        if half > room and speed * _EASE_PEAK > MAX_SPEED:
            keys.append(CropKey(time=border, x=b.x, y=b.y, cut=True))
            continue
        half = min(half, room)
        if keys[-1].time < border - half:
            keys.append(CropKey(time=border - half, x=a.x, y=a.y))
        keys.append(CropKey(time=border + half, x=b.x, y=b.y))
    return keys


def _crops(a: _Hold, b: _Hold, size: CropSize) -> float:
    """The distance of two holds in crops."""
    return max(abs(a.x - b.x) / size.width, abs(a.y - b.y) / size.height)


def _ease(a: _Hold, b: _Hold, size: CropSize) -> Fraction:
    """Seconds that the move takes so that its peak stays calm."""
    seconds = _EASE_PEAK * _crops(a, b, size) / CALM_SPEED
    return max(_SHORTEST_EASE, Fraction(seconds).limit_denominator(1000))


def _one_pan_each(keys: Sequence[CropKey], seen: Sequence[_Seen], size: CropSize) -> list[CropKey]:
    """Chains of eases in one direction become one ease where the face allows it.

    Somebody who walks across the picture is followed in one move, not from hold to hold.
    """
    path = [keys[0]]
    at = 0
    while at + 1 < len(keys):
        to = at + 1
        while to + 1 < len(keys) and _is_one_pan(keys[at : to + 2], seen, size):
            to += 1
        path.append(keys[to])
        at = to
    return path


def _is_one_pan(keys: Sequence[CropKey], seen: Sequence[_Seen], size: CropSize) -> bool:
    """True when an ease from the first to the last key can stand for all of `keys`."""
    if any(k.cut for k in keys[1:]):
        return False
    for a, b in pairwise(keys):
        if (a.x, a.y) == (b.x, b.y) and b.time - a.time >= _REST:
            return False
    across = [b.x - a.x for a, b in pairwise(keys)]
    down = [b.y - a.y for a, b in pairwise(keys)]
    if min(across) < 0 < max(across) or min(down) < 0 < max(down):
        return False
    first, last = keys[0], keys[-1]
    after = bisect_right(seen, first.time, key=_time)
    for s in seen[after : bisect_left(seen, last.time, key=_time)]:
        u = float((s.time - first.time) / (last.time - first.time))
        u = u * u * (3 - 2 * u)
        stray_x = abs(first.x + (last.x - first.x) * u - s.x) / size.width
        stray_y = abs(first.y + (last.y - first.y) * u - s.y) / size.height
        if max(stray_x, stray_y) > LEASH:
            return False
    return True
