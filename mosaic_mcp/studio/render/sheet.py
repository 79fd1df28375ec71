"""Everything that libass draws over a picture, as one ASS file: captions and graphics."""

from __future__ import annotations

from dataclasses import dataclass

import pysubs2

from mosaic_mcp.studio.render import captions, cinematic, graphics
from mosaic_mcp.studio.render.phrases import Drawn
from mosaic_mcp.studio.timeline.model import Captions, CaptionStyle, Timeline

GRAPHIC = "Graphic"
CAPTIONS_LAYER = 40
"""Captions are drawn above all graphics: what is said can always be read."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """The finished file and what was substituted in it."""

    subs: pysubs2.SSAFile
    note: str

    @property
    def text(self) -> str:
        """The file that FFmpeg reads."""
        return self.subs.to_string("ass")


def sheet_of(timeline: Timeline) -> Sheet | None:
    """What is to be drawn over a timeline's picture; None when that is nothing."""
    if timeline.captions is None and not timeline.graphics:
        return None
    subs = pysubs2.SSAFile()
    subs.info.update(
        {
            "PlayResX": str(timeline.width),
            "PlayResY": str(timeline.height),
            "WrapStyle": "2",  # never break a line: every word has its place
            "ScaledBorderAndShadow": "yes",
        }
    )
    words = _captions(timeline, timeline.captions) if timeline.captions else None
    over = graphics.drawn(timeline, words.taken if words else [])
    subs.styles["Default"] = (words or over).style
    subs.styles[GRAPHIC] = over.style
    for event in over.events:
        event.style = GRAPHIC
    subs.events = over.events
    if words:
        for event in words.events:
            event.layer += CAPTIONS_LAYER
        subs.events += words.events
    notes = dict.fromkeys(drawn.note for drawn in (words, over) if drawn and drawn.note)
    return Sheet(subs, " ".join(notes))


def _captions(timeline: Timeline, shown: Captions) -> Drawn:
    look = shown.look
    if isinstance(look, CaptionStyle):
        return captions.drawn(timeline, shown, look)
    return cinematic.drawn(timeline, shown, look)
