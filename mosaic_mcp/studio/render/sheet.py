"""Everything that libass draws over a picture, as one ASS file: captions and graphics."""

from __future__ import annotations

from dataclasses import dataclass

import pysubs2

from mosaic_mcp.studio.render import captions, cinematic, graphics
from mosaic_mcp.studio.render.phrases import Drawn
from mosaic_mcp.studio.timeline.model import Captions, CaptionStyle, Timeline


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
    notes: list[str] = []
    words = None
    if timeline.captions is not None:
        words = _captions(timeline, timeline.captions)
        subs.styles["Default"] = words.style
        # Above graphics, but for those that cover the whole picture: they are drawn last.
        subs.events += words.events
        notes.append(words.note)
    over = graphics.drawn(timeline, words.taken if words else [])
    subs.events += over.events
    notes.append(over.note)
    return Sheet(subs, " ".join(dict.fromkeys(note for note in notes if note)))


def _captions(timeline: Timeline, shown: Captions) -> Drawn:
    look = shown.look
    if isinstance(look, CaptionStyle):
        return captions.drawn(timeline, shown, look)
    return cinematic.drawn(timeline, shown, look)
