"""Cinematic Captions: phrases in two fonts, off the faces, in colours of the picture."""

from __future__ import annotations

from collections.abc import Sequence

from mosaic_mcp.contract.tiles.graphics import CinematicCaptionsParams
from mosaic_mcp.studio.perception.model import Colours
from mosaic_mcp.studio.render.contrast import (
    DARK,
    LIGHT,
    READABLE,
    contrast,
    readable_on,
    rgb,
)
from mosaic_mcp.studio.tiles.captions import words_to_show
from mosaic_mcp.studio.tiles.sight import accent, seen_longest, with_faces
from mosaic_mcp.studio.tiles.speech.emphasis import emphasised
from mosaic_mcp.studio.tiles.tile import TileContext, each_of
from mosaic_mcp.studio.timeline.model import Captions, CaptionWord, CinematicStyle, Timeline

NOTE = (
    "Words that stand out are chosen by rule: numbers, hooks, names, rare words. Hesitations are "
    "left out. Left empty: Montserrat with Besley, “cinematic”, no box, no outline, at “auto”, "
    "which keeps each phrase off faces (the main face alone is known). Colours left empty are "
    "toned to the picture's until they can be read (contrast 3 : 1). Fonts are the ones shipped "
    "with the studio; another family is drawn in Montserrat. Latin, Cyrillic and Greek letters: "
    "other scripts are refused, and signs that no font has (emojis) left out."
)


async def apply(
    inputs: Sequence[Timeline], params: CinematicCaptionsParams, context: TileContext
) -> list[Timeline]:
    """Caption every input; captions that are already there are replaced."""
    return [await _captioned(timeline, params, part) for timeline, part in each_of(inputs, context)]


async def _captioned(
    timeline: Timeline, params: CinematicCaptionsParams, context: TileContext
) -> Timeline:
    default = CinematicStyle()
    families = [params.font1 or default.font, params.font2 or default.accent_font]
    words, language = await words_to_show(
        timeline, "Cinematic Captions", context, families=families, fillers=False
    )
    if params.caption_position in (None, "auto"):
        timeline = await with_faces(timeline, context)
    look = style(params, await _ground(timeline, context))
    if look.box_color and contrast(rgb(look.color), rgb(look.box_color)) < READABLE:
        await context.warn(f"{look.color} words can hardly be read on a {look.box_color} box")
    by_source: dict[str, list[CaptionWord]] = {}
    for word in words:
        by_source.setdefault(word.source, []).append(word)
    marked = [word for said in by_source.values() for word in emphasised(said, language)]
    captions = Captions(tile=context.node, words=tuple(marked), look=look)
    return timeline.model_copy(update={"captions": captions})


async def _ground(timeline: Timeline, context: TileContext) -> Colours | None:
    """The colours of what is seen longest; None without a picture."""
    longest = seen_longest(timeline)
    if longest is None:
        return None
    await context.report(0.6, f"looking at the colours of {longest.name}")
    return await context.perception.colours(longest)


def style(params: CinematicCaptionsParams, ground: Colours | None) -> CinematicStyle:
    """The look that the parameters describe, over a picture of these colours."""
    default = CinematicStyle()
    box = (params.text_bg_color or DARK) if params.text_bg_enabled else None
    color, vivid, shade = _colours(params.color_override, box, ground)
    opacity = params.text_bg_opacity
    if opacity is not None and opacity <= 1:
        opacity *= 100
    width = params.stroke_width
    return CinematicStyle(
        animation=params.animation_style or default.animation,
        font=params.font1 or default.font,
        accent_font=params.font2 or default.accent_font,
        color=color,
        accent_color=vivid,
        shade_color=shade,
        box_color=box,
        box_opacity=default.box_opacity if opacity is None else opacity,
        stroke_color=(params.stroke_color or shade) if params.stroke_enabled else None,
        stroke_width=default.stroke_width if width is None else width,
        position=params.caption_position or "auto",
    )


def _colours(override: str | None, box: str | None, ground: Colours | None) -> tuple[str, str, str]:
    """Of the words, of those that stand out, and of the shade behind them."""
    if override is not None:
        return override, override, readable_on(override)
    behind = rgb(box) if box is not None else _middle(ground)
    light = contrast(rgb(LIGHT), behind) >= READABLE
    vivid = accent(ground if box is None else None, behind, light=light)
    return (LIGHT, vivid, DARK) if light else (DARK, vivid, LIGHT)


def _middle(ground: Colours | None) -> tuple[float, float, float]:
    if ground is None:
        return (0.0, 0.0, 0.0)
    middle = len(ground.red) // 2
    return ground.red[middle], ground.green[middle], ground.blue[middle]
