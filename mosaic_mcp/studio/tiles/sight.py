"""What a picture shows, for what is drawn over it: its faces, its shots and its colours."""

from __future__ import annotations

import colorsys
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from mosaic_mcp.studio.perception.model import Colours, Interval
from mosaic_mcp.studio.render.contrast import luminance, toned
from mosaic_mcp.studio.tiles.speech.spans import Stretches
from mosaic_mcp.studio.tiles.tile import TileContext
from mosaic_mcp.studio.timeline.edit import offsets, shown
from mosaic_mcp.studio.timeline.model import FaceSeen, Source, Timeline

_AROUND = Fraction(1)
"""Seconds beside what a clip shows."""
GOLD = 0.12
"""The hue for a picture without any."""
_GRAY = 0.04
"""Less colour than this is none."""
BESIDE = 1 / 12
"""How far an accent's hue is from the picture's: it goes with it, and is not lost in it."""
SATURATION = 0.95


def intervals_of(sha256: str, timelines: Sequence[Timeline]) -> list[Interval]:
    """What the clips of some timelines show of a source, and a little beside it."""
    return [
        Interval(start=max(Fraction(0), clip.start - _AROUND), end=clip.end + _AROUND)
        for timeline in timelines
        for clip in timeline.clips
        if clip.source == sha256
    ]


async def with_faces(timeline: Timeline, context: TileContext) -> Timeline:
    """The timeline with the main face of what its clips show, in source time."""
    seen: dict[str, tuple[FaceSeen, ...]] = {}
    for sha in dict.fromkeys(clip.source for clip in timeline.clips):
        source = timeline.sources[sha]
        if not source.width or sha in timeline.faces:
            continue
        await context.report(0.3, f"looking for faces in {source.name}")
        wanted = intervals_of(sha, [timeline])
        around = Stretches(wanted)
        seen[sha] = tuple(
            FaceSeen(
                time=face.time,
                x=round(face.x, 3),
                y=round(face.y, 3),
                width=round(face.width, 3),
                height=round(face.height, 3),
            )
            for face in await context.perception.faces(source, wanted)
            if around.hold(face.time)
        )
    return timeline.model_copy(update={"faces": {**timeline.faces, **seen}})


async def shot_changes(timeline: Timeline, context: TileContext) -> list[Fraction]:
    """Where in the output another shot begins, or a cutaway begins or ends.

    A cut that leaves something out of a shot is none: the picture stays the same.
    """
    shots: dict[str, tuple[Fraction, ...]] = {}
    for sha in dict.fromkeys(clip.source for clip in timeline.clips):
        if timeline.sources[sha].width:
            # What is left out in between counts: another shot may have begun there.
            clips = [clip for clip in timeline.clips if clip.source == sha]
            whole = Interval(start=min(c.start for c in clips), end=max(c.end for c in clips))
            shots[sha] = await context.perception.shots(timeline.sources[sha], [whole])
    changes = {t for away in timeline.cutaways for s in shown(timeline, away.over) for t in s}
    places = list(zip(timeline.clips, offsets(timeline), strict=False))
    for clip, at in places:
        known = shots.get(clip.source, ())
        inside = known[bisect_right(known, clip.start) : bisect_left(known, clip.end)]
        changes.update(at + s - clip.start for s in inside)
    for (one, _), (other, at) in pairwise(places):
        known = shots.get(one.source, ())
        last, first = bisect_left(known, one.end), bisect_right(known, other.start)
        if one.source != other.source or last != first:
            changes.add(at)
    return sorted(changes)


def seen_longest(timeline: Timeline) -> Source | None:
    """The source whose picture is seen longest; None without a picture."""
    seen: dict[str, Fraction] = {}
    for clip in timeline.clips:
        if timeline.sources[clip.source].width:
            seen[clip.source] = seen.get(clip.source, Fraction(0)) + clip.duration
    return timeline.sources[max(seen, key=lambda sha: seen[sha])] if seen else None


def accent(colours: Colours | None, ground: Sequence[float], *, light: bool) -> str:
    """A colour that goes with a picture's, and can be read on `ground` and on its own colours.

    It has the hue beside that of the picture's most coloured level.
    """
    if colours is None:
        return toned(GOLD, SATURATION, ground, light=light)
    levels = zip(colours.red, colours.green, colours.blue, strict=True)
    level = max(levels, key=lambda c: max(c) - min(c))
    if max(level) - min(level) < _GRAY:
        return toned(GOLD, SATURATION, ground, light=light)
    hue = (colorsys.rgb_to_hls(*level)[0] + BESIDE) % 1
    # Over the darker of two levels light letters are read anyway.
    same_side = luminance(level) < 0.3 if light else luminance(level) > 0.3
    return toned(hue, SATURATION, ground, *([level] if same_side else []), light=light)
