"""Captions: what is heard, over the picture, in the look that the parameters describe."""

from __future__ import annotations

from collections.abc import Sequence

from mosaic_mcp.contract.tiles.params import CaptionsParams
from mosaic_mcp.errors import Fault, InvalidRequest, MediaError
from mosaic_mcp.studio.perception.model import SpokenWord
from mosaic_mcp.studio.tiles.speech.heard import listen, require_words, sounding_sources
from mosaic_mcp.studio.tiles.tile import TileContext, each_of
from mosaic_mcp.studio.timeline.model import (
    Captions,
    CaptionStyle,
    CaptionWord,
    Clip,
    Source,
    Timeline,
)

NOTE = (
    "Shows the words of the transcript as heard, hesitations included. Fonts are the ones shipped "
    "with the studio; another family is drawn in Montserrat."
)


async def apply(
    inputs: Sequence[Timeline], params: CaptionsParams, context: TileContext
) -> list[Timeline]:
    """Caption every input; captions that are already there are replaced."""
    look = caption_style(params)
    return [await _captioned(timeline, look, part) for timeline, part in each_of(inputs, context)]


def caption_style(params: CaptionsParams) -> CaptionStyle:
    """The look that the parameters describe; older names count where the newer one is empty."""
    if params.caption_min_words > params.caption_max_words:
        raise InvalidRequest(
            [
                Fault(
                    where="caption_min_words",
                    what=f"is {params.caption_min_words}, more than caption_max_words "
                    f"({params.caption_max_words}).",
                    remedy="Raise caption_max_words or lower caption_min_words.",
                )
            ]
        )
    automatic = CaptionStyle.model_fields["stroke_width"].default
    return CaptionStyle(
        style=params.caption_style,
        base_color=params.base_color,
        highlight_color=params.highlight_color,
        stroke_enabled=params.stroke_enabled,
        stroke_color=params.stroke_color,
        stroke_width=automatic if params.stroke_width is None else params.stroke_width,
        shadow_enabled=params.shadow_enabled,
        shadow_color=params.shadow_color,
        shadow_blur=params.shadow_blur,
        shadow_opacity=params.shadow_opacity,
        font=params.caption_font,
        font_weight=params.caption_font_weight,
        font_size_px=params.caption_font_size_px or params.caption_font_size,
        vertical_position=params.caption_vertical_position,
        min_words=params.caption_min_words,
        max_words=params.caption_max_words,
    )


async def _captioned(timeline: Timeline, look: CaptionStyle, context: TileContext) -> Timeline:
    words, _ = await words_to_show(timeline, "Captions", context)
    captions = Captions(tile=context.node, words=tuple(words), look=look)
    return timeline.model_copy(update={"captions": captions})


async def words_to_show(
    timeline: Timeline, tile: str, context: TileContext, *, fillers: bool = True
) -> tuple[list[CaptionWord], str]:
    """The words that some clip shows, in source time and order, and their language.

    Raises Unsupported or MediaError, naming the `tile`, where the words are not to be relied on or
    nothing is said.
    """
    heard = await listen(timeline, context)
    require_words(heard, f"{tile} cannot be made")
    if not heard.words:
        raise MediaError(
            f"Nothing is said in {timeline.name}, so there is nothing to caption.",
            remedy=f"Leave {tile} out for this video.",
        )
    words: list[CaptionWord] = []
    for source in sounding_sources(timeline):
        # Cached since `listen`.
        transcript = await context.perception.words(source)
        said = [w for w in transcript.words if fillers or not w.filler]
        words += _shown(source, said, timeline.clips)
    return words, heard.language


def _shown(source: Source, words: Sequence[SpokenWord], clips: Sequence[Clip]) -> list[CaptionWord]:
    """The words that some clip of the source shows, in source time."""
    ranges = [(c.start, c.end) for c in clips if c.source == source.sha256]
    return [
        CaptionWord(source=source.sha256, text=w.text, start=w.start, end=w.end)
        for w in words
        if any(start < w.end and w.start < end for start, end in ranges)
    ]
