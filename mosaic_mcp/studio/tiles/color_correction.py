"""Color Correction: a preset, the colours of a reference picture, or a .cube table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mosaic_mcp.contract.tiles.params import ColorCorrectionParams
from mosaic_mcp.contract.words import a
from mosaic_mcp.errors import MediaError
from mosaic_mcp.studio.perception.model import Colours
from mosaic_mcp.studio.tiles.tile import TileContext, each_of
from mosaic_mcp.studio.timeline.model import Look, Point, SeenT, Source, Timeline

NOTE = (
    "The presets are ours, made to fit their names; Mosaic's tables are not public. A reference "
    "picture lends its distribution of red, green and blue to each source as a whole (80 % of the "
    "way). A .cube table, 3D or 1D over 0 to 1 or more, is applied exactly, but for the "
    "rounding to 8 bits. B-roll that is over the video by then takes on the look, too; captions, "
    "graphics and a watermark keep their colours."
)
STRENGTH = 0.8
"""How far towards the reference: all the way, noise and skin suffer."""
STEEPEST = 2.5
"""Most that a curve may multiply a difference: above, noise and blocks show."""

PRESETS = {
    "golden_hour": Look(
        contrast=1.04,
        saturation=1.12,
        red=((0, 0.02), (0.5, 0.56), (1, 1)),
        green=((0, 0.01), (0.5, 0.505), (1, 0.98)),
        blue=((0, 0), (0.5, 0.43), (1, 0.88)),
    ),
    "filmic": Look(
        saturation=0.9,
        red=((0, 0.05), (0.25, 0.22), (0.75, 0.79), (1, 0.96)),
        green=((0, 0.05), (0.25, 0.23), (0.75, 0.78), (1, 0.95)),
        blue=((0, 0.08), (0.25, 0.26), (0.75, 0.74), (1, 0.9)),
    ),
    "vibrant": Look(contrast=1.1, saturation=1.4),
    "cool_tones": Look(
        contrast=1.03,
        saturation=0.95,
        red=((0, 0), (0.5, 0.45), (1, 0.95)),
        blue=((0, 0.03), (0.5, 0.56), (1, 1)),
    ),
    "neutral_clean": Look(contrast=1.06, saturation=1.02, brightness=0.01),
}


async def apply(
    inputs: Sequence[Timeline], params: ColorCorrectionParams, context: TileContext
) -> list[Timeline]:
    """Give every clip and cutaway the look; a look that it had is replaced."""
    if params.reference_image_id is not None:
        reference = await _asset(params.reference_image_id, "image", context)
        wanted = await context.perception.colours(reference)
        return [
            await _like(timeline, wanted, reference, own)
            for timeline, own in each_of(inputs, context)
        ]
    if params.lut_id is not None:
        given = await _asset(params.lut_id, "table", context)
        table, dimensions = await context.making.table(given)
        look = Look(tile=context.node, table=table.sha256, dimensions=dimensions)
        return [_looking(t, dict.fromkeys(t.sources, look), table) for t in inputs]
    look = PRESETS[params.preset].model_copy(update={"tile": context.node})
    return [_looking(t, dict.fromkeys(t.sources, look)) for t in inputs]


async def _asset(asset_id: str, kind: str, context: TileContext) -> Source:
    asset = await context.assets.source(asset_id)
    if asset.kind != kind:
        wanted = "a .cube table" if kind == "table" else "a picture"
        raise MediaError(
            f"{asset.name} ({asset_id}) is {a(asset.kind)}, not {wanted}.",
            remedy=f"Upload {wanted} and give its id.",
        )
    return asset


async def _like(
    timeline: Timeline, wanted: Colours, reference: Source, context: TileContext
) -> Timeline:
    seen = dict.fromkeys(part.source for part in (*timeline.clips, *timeline.cutaways))
    # The picture of a sound is drawn by us, and no file has its colours.
    shown = [sha for sha in seen if timeline.sources[sha].kind != "audio"]
    looks: dict[str, Look] = {}
    for index, sha in enumerate(shown):
        source = timeline.sources[sha]
        await context.report(index / len(shown), f"comparing {source.name} with {reference.name}")
        look = matched(await context.perception.colours(source), wanted)
        looks[sha] = look.model_copy(update={"tile": context.node})
    return _looking(timeline, looks)


def _looking(timeline: Timeline, looks: Mapping[str, Look], *more: Source) -> Timeline:
    """The timeline with a look on each clip and cutaway, by its source."""

    def looking(part: SeenT) -> SeenT:
        return part.model_copy(update={"look": looks.get(part.source)})

    return timeline.model_copy(
        update={
            "clips": tuple(looking(clip) for clip in timeline.clips),
            "cutaways": tuple(looking(cutaway) for cutaway in timeline.cutaways),
            "sources": {**timeline.sources, **{source.sha256: source for source in more}},
        }
    )


def matched(had: Colours, wanted: Colours) -> Look:
    """The look that brings one distribution of colours near another."""
    return Look(
        red=_curve(had.red, wanted.red),
        green=_curve(had.green, wanted.green),
        blue=_curve(had.blue, wanted.blue),
    )


def _curve(had: Sequence[float], wanted: Sequence[float]) -> tuple[Point, ...]:
    """Rising points from level to level, no steeper than STEEPEST, from x = 0 to x = 1."""
    points: list[Point] = []
    for before, after in zip(had, wanted, strict=True):
        level = before + STRENGTH * (after - before)
        if not points:
            points.append((min(before, 0.99), level))
        elif before - points[-1][0] >= 0.01:
            step = before - points[-1][0]
            level = min(max(level, points[-1][1]), points[-1][1] + STEEPEST * step)
            points.append((before, level))
    first, last = points[0], points[-1]
    if first[0] > 0:
        points.insert(0, (0.0, max(0.0, first[1] - first[0])))
    if last[0] < 1:
        points.append((1.0, min(1.0, last[1] + 1 - last[0])))
    return tuple(points)
