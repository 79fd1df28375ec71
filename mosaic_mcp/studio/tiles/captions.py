"""Captions: what is heard, over the picture, in the look that the parameters describe."""

from __future__ import annotations

from collections.abc import Sequence

from mosaic_mcp.contract.tiles.params import CaptionsParams
from mosaic_mcp.errors import Fault, InvalidRequest, MediaError, Unsupported
from mosaic_mcp.studio.perception.model import SpokenWord
from mosaic_mcp.studio.render import fonts
from mosaic_mcp.studio.render.ass import clean
from mosaic_mcp.studio.tiles.speech.heard import (
    Heard,
    listen,
    require_words,
    scripts_of,
    why_silent,
)
from mosaic_mcp.studio.tiles.speech.spans import Stretches
from mosaic_mcp.studio.tiles.tile import TileContext, each_of
from mosaic_mcp.studio.timeline.model import (
    Captions,
    CaptionStyle,
    CaptionWord,
    Clip,
    Timeline,
)

NOTE = (
    "Shows the words of the transcript as heard, hesitations included, in Latin, Cyrillic and "
    "Greek letters: other scripts are refused, and signs that no font has (emojis) left out. Fonts "
    "are the ones shipped with the studio; another family is drawn in Montserrat. The words stay "
    "where players leave them free: their foot is at most 85 % down an upright video, 95 % down "
    "another."
)


WEIGHT = "700"
"""Of a family any weight has the same letters."""
MOST_SIGNS = 10
"""So many signs are told."""


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
    words, _ = await words_to_show(timeline, "Captions", context, families=[look.font])
    captions = Captions(tile=context.node, words=tuple(words), look=look)
    return timeline.model_copy(update={"captions": captions})


async def words_to_show(
    timeline: Timeline,
    tile: str,
    context: TileContext,
    *,
    families: Sequence[str],
    fillers: bool = True,
) -> tuple[list[CaptionWord], str]:
    """The words that some clip or voice lets hear, in source time and order, and their language.

    Raises Unsupported or MediaError, naming the `tile`, where the words are not to be relied on,
    nothing is said, or none of the `families` of fonts has the letters: at once, and not when all
    else is done. Symbols that cannot be drawn are told.
    """
    scripts = await scripts_of(timeline, context.perception)
    heard = await _heard(timeline, tile, context, needed=not scripts)
    words = [_caption(sha, word) for sha, script in scripts.items() for word in script.words]
    for source, transcript in heard.said.items():
        said = [w for w in transcript.words if fillers or not w.filler]
        words += _shown(source, said, timeline.clips)
    await _check_signs(words, families, context)
    return words, next(said.language for said in (*heard.said.values(), *scripts.values()))


async def _heard(timeline: Timeline, tile: str, context: TileContext, *, needed: bool) -> Heard:
    """What the clips say; where it is not `needed`, that it is not known is only told."""
    try:
        heard = await listen(timeline, context)
        require_words(heard, f"{tile} cannot be made")
    except (MediaError, Unsupported) as error:
        if needed:
            raise
        await context.warn(f"only the voice-over is captioned: {error.message}")
        return Heard(words=())
    if needed and not heard.words:
        raise MediaError(
            f"Nothing is said in {timeline.name}{why_silent(timeline)}, so there is nothing to "
            "caption.",
            remedy=f"Leave {tile} out for this video.",
        )
    return heard


async def _check_signs(
    words: Sequence[CaptionWord], families: Sequence[str], context: TileContext
) -> None:
    """Warn of what the captions leave out; raises Unsupported for scripts without a font."""
    text = clean(" ".join(word.text for word in words))
    lost: set[str] = set()
    for family in families:
        gone = fonts.lost_symbols(family, WEIGHT, text)
        fonts.choose(family, WEIGHT, fonts.without(text, gone))
        lost |= gone
    if lost:
        signs = " ".join(sorted(lost)[:MOST_SIGNS])
        more = " and others" if len(lost) > MOST_SIGNS else ""
        await context.warn(
            f"no font here has {signs}{more}: captions leave such signs out, subtitle files keep "
            "them"
        )


def _shown(source: str, words: Sequence[SpokenWord], clips: Sequence[Clip]) -> list[CaptionWord]:
    """The words that some clip of the source lets hear, in source time."""
    heard = Stretches(clip for clip in clips if clip.source == source and not clip.muted)
    return [_caption(source, word) for word in words if heard.touch(word)]


def _caption(source: str, word: SpokenWord) -> CaptionWord:
    return CaptionWord(source=source, text=word.text, start=word.start, end=word.end)
