"""The captions of a timeline as subtitles, in output time: readable lines, not single words."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pysubs2

from mosaic_mcp.studio.perception.model import SpokenWord
from mosaic_mcp.studio.perception.subtitles import is_filler
from mosaic_mcp.studio.render.phrases import PAUSE, Shown, shown_words
from mosaic_mcp.studio.timeline.edit import offsets
from mosaic_mcp.studio.timeline.model import Captions, CaptionWord, Timeline

SUFFIXES = ("srt", "vtt", "txt")
SENTENCE_ENDS = (".", "?", "!", "…")
MOST_CHARS = 60
LONGEST_S = 5
OVERLAP = Fraction(1, 10)
"""Words of one breath may overlap a little where their times are estimates. Seconds."""
PARAGRAPH_CHARS = 400
PARAGRAPH_PAUSE = 2
"""Seconds of silence that end a paragraph."""


@dataclass(frozen=True, slots=True)
class Cue:
    """A subtitle: seconds of output time, and its text."""

    start: Fraction
    end: Fraction
    text: str


def cues_of(timeline: Timeline) -> list[Cue]:
    """Subtitles of one or two short lines, ended by sentences, pauses and jumps in what is said."""
    if timeline.captions is None:
        return []
    jumps = _Jumps(timeline, timeline.captions.words)
    cues: list[Cue] = []
    group: list[Shown] = []
    for word, following in pairwise([*shown_words(timeline, timeline.captions), None]):
        if word is None:
            break
        group.append(word)
        if following is None or _ends(group, following) or jumps.between(word, following):
            text = " ".join(w.text for w in group)
            cues.append(Cue(group[0].start, group[-1].end, text))
            group = []
    return cues


class _Jumps:
    """Where the words of one cut do not go on in the next.

    A pause counts as spoken where a cut removed it; a short one, or a filler, divides nothing.
    """

    def __init__(self, timeline: Timeline, words: Sequence[CaptionWord]) -> None:
        self._clips = timeline.clips
        # Output time + shift of the clip = source time.
        clips = zip(timeline.clips, offsets(timeline), strict=False)
        self._shifts = [clip.start - at for clip, at in clips]
        # Words here have no language. Where "um" is no filler, a cut that takes it alone divides
        # nothing either: it is shorter than a pause.
        spoken = (w for w in words if not is_filler(w.text, "en"))
        told = sorted((w.source, (w.start + w.end) / 2) for w in spoken)
        self._told = told

    def between(self, word: Shown, following: Shown) -> bool:
        """True where the speaker said something else after the word, or nothing for a while."""
        one, other = word.clip, following.clip
        if max(one, other) >= len(self._clips):  # a voice beside the clips begins or ends
            return one != other
        source = self._clips[one].source
        if one == other or source != self._clips[other].source:
            return one != other
        end, start = word.end + self._shifts[one], following.start + self._shifts[other]
        if not -OVERLAP < start - end < PAUSE:
            return True
        return bisect_left(self._told, (source, start)) > bisect_right(self._told, (source, end))


def _ends(group: list[Shown], following: Shown) -> bool:
    text = " ".join(w.text for w in [*group, following])
    return (
        group[-1].text.endswith(SENTENCE_ENDS)
        or following.start - group[-1].end >= PAUSE
        or len(text) > MOST_CHARS
        or following.end - group[0].start > LONGEST_S
    )


def with_words(timeline: Timeline, said: Mapping[str, Sequence[SpokenWord]]) -> Timeline:
    """The timeline with these words (by source) in its captions: to be written, not drawn."""
    shown = timeline.captions.words if timeline.captions else ()
    words = tuple(
        CaptionWord(source=sha, text=word.text, start=word.start, end=word.end)
        for sha, spoken in said.items()
        for word in spoken
    )
    return timeline.model_copy(update={"captions": Captions(words=shown + words)})


def write_subtitles(timeline: Timeline, folder: Path, missing: str = "") -> list[Path]:
    """captions.srt, captions.vtt and captions.txt; nothing where no words are known.

    What is `missing` in them is told in those that can: SRT has no comments.
    """
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
    paths = [folder / f"captions.{suffix}" for suffix in SUFFIXES]
    paths[0].write_text(subs.to_string("srt"), "utf-8")
    vtt, text = subs.to_string("vtt"), transcript(cues)
    if missing:
        note = " ".join(missing.split()).replace("-->", "->")  # which would end a note
        vtt = vtt.replace("WEBVTT\n", f"WEBVTT\n\nNOTE {note}\n", 1)
        text = f"[{note}]\n\n{text}"
    paths[1].write_text(vtt, "utf-8")
    paths[2].write_text(text, "utf-8")
    return paths


def transcript(cues: Sequence[Cue]) -> str:
    """The cues as text to read: paragraphs, each with the time at which it begins.

    A paragraph ends at a long pause, or with a sentence once it is long enough.
    """
    paragraphs: list[list[Cue]] = []
    for cue in cues:
        if not paragraphs or _paragraph_ends(paragraphs[-1], cue):
            paragraphs.append([])
        paragraphs[-1].append(cue)
    return "\n\n".join(map(_paragraph, paragraphs)) + "\n"


def _paragraph_ends(cues: Sequence[Cue], following: Cue) -> bool:
    long = sum(len(cue.text) for cue in cues) >= PARAGRAPH_CHARS
    return following.start - cues[-1].end >= PARAGRAPH_PAUSE or (
        long and cues[-1].text.endswith(SENTENCE_ENDS)
    )


def _paragraph(cues: Sequence[Cue]) -> str:
    seconds = int(cues[0].start)
    at = f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"[{at}] {' '.join(cue.text for cue in cues)}"
