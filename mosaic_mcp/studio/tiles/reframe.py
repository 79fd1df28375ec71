"""Reframe: a new canvas shape, with the crop on the speaker's face."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from mosaic_mcp.contract.tiles.params import ReframeParams
from mosaic_mcp.errors import MediaError
from mosaic_mcp.studio.perception.model import Face, Interval
from mosaic_mcp.studio.perception.seen import STEP_S
from mosaic_mcp.studio.tiles.crop_path import CropSize, follow
from mosaic_mcp.studio.tiles.sight import intervals_of
from mosaic_mcp.studio.tiles.speech.spans import merged
from mosaic_mcp.studio.tiles.tile import TileContext, each_of
from mosaic_mcp.studio.timeline.edit import even
from mosaic_mcp.studio.timeline.model import Clip, CropKey, Framing, Source, Timeline

NOTE = (
    "Follows the main face (frontal, else in profile; found on sampled frames); holds still while "
    "it moves little, pans smoothly otherwise, and cuts where a shot begins or where somebody too "
    "far away for a pan becomes the main face. A shot without a face keeps the last position; "
    "where no face is shown at all the crop stays in the middle, and the run warns. Zoom out shows "
    "the whole picture over a blurred copy of itself."
)

UNSEEN_S = 2 * STEP_S
"""A longer gap has a step that nobody looked at, in which another shot may have begun. Seconds."""
ALL_SEEN = 0.98
"""A crop that shows at least this share of the picture leaves out nothing worth a warning."""

CANVAS: dict[str, tuple[int, int]] = {
    "9:16": (1080, 1920),
    "1:1": (1080, 1080),
    "16:9": (1920, 1080),
}


async def apply(
    inputs: Sequence[Timeline], params: ReframeParams, context: TileContext
) -> list[Timeline]:
    """Give every input the canvas and a crop path per source."""
    reframed: list[Timeline] = []
    for timeline, part in each_of(inputs, context):
        width, height = canvas(timeline, params)
        if params.zoom_out:
            framing = Framing(tile=context.node, fit="pad")
        else:
            framing = await _following(timeline, inputs, Fraction(width, height), part)
        change = {"width": width, "height": height, "framing": framing}
        reframed.append(timeline.model_copy(update=change))
    return reframed


def canvas(timeline: Timeline, params: ReframeParams) -> tuple[int, int]:
    """Width and height of the result: with `source` those of the largest crop, if it is smaller.

    A whole picture over its blurred copy has no fewer pixels than the canvas: it stays full.
    """
    width, height = CANVAS[params.aspect_ratio]
    if params.resolution == "full" or params.zoom_out:
        return width, height
    shown = [timeline.sources[clip.source] for clip in timeline.clips]
    sizes = [(s.width, CropSize.of(s, Fraction(width, height))) for s in shown if s.height]
    across = max((round(crop.width * wide) for wide, crop in sizes), default=width)
    if across >= width:
        return width, height
    return even(across + 1), even(round(Fraction(across * height, width)))


async def _following(
    timeline: Timeline, inputs: Sequence[Timeline], aspect: Fraction, context: TileContext
) -> Framing:
    """A crop that follows the faces in what all inputs show, looked at in one go."""
    paths: dict[str, tuple[CropKey, ...]] = {}
    for sha in dict.fromkeys(clip.source for clip in timeline.clips):
        source = timeline.sources[sha]
        await context.report(0.1, f"looking for faces in {source.name}")
        if source.width:
            await context.perception.faces(source, intervals_of(sha, inputs))
        # Of its own clips alone: what other inputs show changes nothing here.
        faces, shots = await _seen(source, intervals_of(sha, [timeline]), context)
        size = CropSize.of(source, aspect)
        cropped = [clip for clip in timeline.clips if clip.source == sha and not clip.whole]
        if not _show_a_face(cropped, faces, shots):
            faces = ()
            if cropped and min(size.width, size.height) < ALL_SEEN:
                await context.warn(_faceless(timeline, source))
        paths[sha] = follow(faces, shots, source.duration, size)
    return Framing(tile=context.node, fit="crop", paths=paths)


def _show_a_face(clips: Sequence[Clip], faces: Sequence[Face], shots: Sequence[Fraction]) -> bool:
    """True when a face is in a shot that one of the clips shows."""
    with_a_face = sorted({bisect_right(shots, face.time) for face in faces})
    shown = ((bisect_right(shots, c.start), bisect_left(shots, c.end)) for c in clips)
    return any(
        bisect_left(with_a_face, first) < bisect_right(with_a_face, last) for first, last in shown
    )


def _faceless(timeline: Timeline, source: Source) -> str:
    where = timeline.name
    if len({clip.source for clip in timeline.clips}) > 1:
        where = f"what {timeline.name} shows of {source.name}"
    return (
        f"no face was found in {where}: the crop stays in the middle; zoom_out=true shows the "
        "whole picture"
    )


async def face_path(
    source: Source, shown: Sequence[Interval], aspect: Fraction, context: TileContext
) -> tuple[CropKey, ...]:
    """The crop's path through what is shown of a source, for a canvas of that width by height."""
    faces, shots = await _seen(source, shown, context)
    return follow(faces, shots, source.duration, CropSize.of(source, aspect))


async def _seen(
    source: Source, shown: Sequence[Interval], context: TileContext
) -> tuple[Sequence[Face], list[Fraction]]:
    """The main face at each moment, and where shots begin, also those that nobody looked at."""
    if not source.width or not source.height:
        raise MediaError(
            f"{source.name} has no picture to reframe.", remedy="Leave Reframe out for it."
        )
    faces = await context.perception.faces(source, shown)
    shots = await context.perception.shots(source, shown)
    unseen = [b.start for a, b in pairwise(merged(shown)) if b.start - a.end > UNSEEN_S]
    return faces, sorted({*shots, *unseen})
