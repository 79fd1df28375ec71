"""The captions of a timeline as subtitles, in output time: readable lines, not single words."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pysubs2

from mosaic_mcp.studio.render.phrases import PAUSE, Shown, shown_words
from mosaic_mcp.studio.timeline.model import Timeline

MOST_CHARS = 60
LONGEST_S = 5


@dataclass(frozen=True, slots=True)
class Cue:
    """A subtitle: seconds of output time, and its text."""

    start: Fraction
    end: Fraction
    text: str


def cues_of(timeline: Timeline) -> list[Cue]:
    """Subtitles of one or two short lines, ended by sentences and pauses."""
    if timeline.captions is None:
        return []
    cues: list[Cue] = []
    group: list[Shown] = []
    for word, following in pairwise([*shown_words(timeline, timeline.captions), None]):
        if word is None:
            break
        group.append(word)
        if following is None or _ends(group, following):
            text = " ".join(w.text for w in group)
            cues.append(Cue(group[0].start, group[-1].end, text))
            group = []
    return cues


def _ends(group: list[Shown], following: Shown) -> bool:
    text = " ".join(w.text for w in [*group, following])
    return (
        group[-1].text.endswith((".", "?", "!", "…"))
        or following.start - group[-1].end >= PAUSE
        or len(text) > MOST_CHARS
        or following.end - group[0].start > LONGEST_S
    )


def write_subtitles(timeline: Timeline, folder: Path) -> list[Path]:
    """captions.srt, captions.vtt and captions.txt; nothing without captions."""
    cues = cues_of(timeline)
    if not cues:
        return []
    subs = pysubs2.SSAFile()
    for cue in cues:
        # pysubs2 writes SRT from ASS text, where a line break is \N.
        text = cue.text.replace("\\", "/")
        subs.events.append(
            pysubs2.SSAEvent(start=round(cue.start * 1000), end=round(cue.end * 1000), text=text)
        )
    paths = [folder / f"captions.{suffix}" for suffix in ("srt", "vtt", "txt")]
    paths[0].write_text(subs.to_string("srt"), "utf-8")
    paths[1].write_text(subs.to_string("vtt"), "utf-8")
    paths[2].write_text("\n".join(cue.text for cue in cues) + "\n", "utf-8")
    return paths
