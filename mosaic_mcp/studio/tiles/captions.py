"""Captions: what is heard, over the picture, in the look that the parameters describe."""

from __future__ import annotations

from collections.abc import Sequence

from mosaic_mcp.contract.tiles.params import CaptionsParams
from mosaic_mcp.errors import MediaError
from mosaic_mcp.studio.perception.model import SpokenWord
from mosaic_mcp.studio.tiles.heard import listen, require_words, sounding_sources
from mosaic_mcp.studio.tiles.tile import TileContext
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
    "with the studio; another name is drawn in the nearest of them."
)


async def apply(
    inputs: Sequence[Timeline], params: CaptionsParams, context: TileContext
) -> list[Timeline]:
    """Caption every input; captions that are already there are replaced."""
    look = caption_style(params)
    return [await _captioned(timeline, look, context) for timeline in inputs]


async def _captioned(timeline: Timeline, look: CaptionStyle, context: TileContext) -> Timeline:
    heard = await listen(timeline, context)
    require_words(heard, "Captions cannot be made")
    if not heard.words:
        raise MediaError(
            f"Nothing is said in {timeline.name}, so there is nothing to caption.",
            remedy="Leave Captions out for this video.",
        )
    words: list[CaptionWord] = []
    for source in sounding_sources(timeline):
        # Cached since `listen`.
        transcript = await context.perception.words(source)
        words += _shown(source, transcript.words, timeline.clips)
    captions = Captions(tile=context.node, words=tuple(words), look=look)
    return timeline.model_copy(update={"captions": captions})


def _shown(source: Source, words: Sequence[SpokenWord], clips: Sequence[Clip]) -> list[CaptionWord]:
    """The words that some clip of the source shows, in source time."""
    ranges = [(c.start, c.end) for c in clips if c.source == source.sha256]
    return [
        CaptionWord(source=source.sha256, text=w.text, start=w.start, end=w.end)
        for w in words
        if any(start < w.end and w.start < end for start, end in ranges)
    ]
