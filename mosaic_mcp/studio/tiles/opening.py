"""Intro and Outro: a clip before and after the video."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from mosaic_mcp.contract.tiles.params import IntroParams, OutroParams
from mosaic_mcp.contract.words import a
from mosaic_mcp.errors import MediaError
from mosaic_mcp.studio.tiles.shipped import bumper
from mosaic_mcp.studio.tiles.tile import TileContext
from mosaic_mcp.studio.timeline.edit import later, snap, track_end
from mosaic_mcp.studio.timeline.model import Clip, Source, Timeline

NOTE = (
    "A custom clip is played exactly, shown whole over a blurred copy of itself where its shape is "
    "another. “mosaic” plays a two-second card of this project; Mosaic's own is not public."
)


async def intro(
    inputs: Sequence[Timeline], params: IntroParams, context: TileContext
) -> list[Timeline]:
    """Put the intro before every input."""
    custom = params.custom_intro_video_id if params.use_custom_intro == "custom" else None
    clip, source = await _clip(custom, context)
    return [_later(t, _with(t, source, (clip, *t.clips))) for t in inputs]


async def outro(
    inputs: Sequence[Timeline], params: OutroParams, context: TileContext
) -> list[Timeline]:
    """Put the outro after every input."""
    custom = params.custom_outro_video_id if params.use_custom_outro == "custom" else None
    clip, source = await _clip(custom, context)
    return [_with(_ended(t), source, (*t.clips, clip)) for t in inputs]


async def _clip(asset_id: str | None, context: TileContext) -> tuple[Clip, Source]:
    source = bumper() if asset_id is None else await context.assets.source(asset_id)
    if source.kind != "video":
        raise MediaError(
            f"{source.name} ({asset_id}) is not a video but {a(source.kind)}.",
            remedy="Upload a video and give its id.",
        )
    clip = Clip(
        source=source.sha256, start=Fraction(0), end=source.duration, tile=context.node, whole=True
    )
    return clip, source


def _with(timeline: Timeline, source: Source, clips: tuple[Clip, ...]) -> Timeline:
    sources = {**timeline.sources, source.sha256: source}
    return snap(timeline.model_copy(update={"sources": sources, "clips": clips}))


def _ended(timeline: Timeline) -> Timeline:
    """Music that goes on with the output ends with the pictures that it was laid under."""
    tracks = tuple(t.model_copy(update={"until": track_end(t, timeline)}) for t in timeline.tracks)
    return timeline.model_copy(update={"tracks": tracks})


def _later(timeline: Timeline, opened: Timeline) -> Timeline:
    """Music and voices stay with the pictures that they were laid over."""
    by = opened.duration - timeline.duration
    return opened.model_copy(update={"tracks": tuple(later(t, by) for t in timeline.tracks)})
