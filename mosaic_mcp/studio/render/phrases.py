"""Captions as phrases: which words are shown together, from when until when."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise

import pysubs2

from mosaic_mcp.studio.render import fonts
from mosaic_mcp.studio.render.ass import clean
from mosaic_mcp.studio.render.places import Taken
from mosaic_mcp.studio.timeline.edit import all_placed, offsets, track_end
from mosaic_mcp.studio.timeline.model import (
    Captions,
    CaptionStyle,
    CaptionWord,
    CinematicStyle,
    Timeline,
)

PAUSE = Fraction(6, 10)
"""A pause this long ends a group."""
LINGER = Fraction(3, 10)
"""The last word of a group stays this long when nothing follows."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A word in output time."""

    text: str
    start: Fraction
    end: Fraction
    clip: int
    """What says it: the index of a clip, or of a track counted on behind the clips."""
    strong: bool = False
    emoji: str = ""

    def without(self, signs: Collection[str]) -> Shown:
        """The word without signs that cannot be drawn; its text may be empty then."""
        return replace(self, text=fonts.without(self.text, signs))


@dataclass(slots=True)
class Drawn:
    """Captions as events, the look that they share, where they stand, and what was substituted."""

    style: pysubs2.SSAStyle
    note: str = ""
    events: list[pysubs2.SSAEvent] = field(default_factory=list[pysubs2.SSAEvent])
    taken: list[Taken] = field(default_factory=list[Taken])


def shown_words(timeline: Timeline, captions: Captions) -> list[Shown]:
    """The words that the output says; one that a cut removed by more than half is not shown.

    They are as they were said: what draws them leaves out the symbols that its font lacks.
    """
    said: dict[str, list[CaptionWord]] = {}
    for word in sorted(captions.words, key=lambda w: w.start + w.end):
        said.setdefault(word.source, []).append(word)
    return [
        Shown(text, start, end, number, word.strong, word.emoji)
        for word, start, end, number in all_placed(timeline, said)
        if (text := clean(word.text))
    ]


def groups_of(words: Sequence[Shown], look: CaptionStyle | CinematicStyle) -> list[list[Shown]]:
    """Words that are shown together: min..max of them, ended by sentences, pauses and cuts.

    A cut or a pause may leave a group shorter than min; a group is never longer than max.
    """
    groups: list[list[Shown]] = []
    phrase: list[Shown] = []
    for word, following in pairwise([*words, None]):
        assert word is not None  # noqa: S101 - only the last of the pairs' seconds is None
        phrase.append(word)
        must = (
            following is None or following.clip != word.clip or following.start - word.end >= PAUSE
        )
        may = len(phrase) >= look.min_words and word.text.endswith(tuple(".?!…,;:"))
        if must or may:
            groups += _shared_out(phrase, look.max_words)
            phrase = []
    return groups


def _shared_out(phrase: list[Shown], most: int) -> Iterator[list[Shown]]:
    """A phrase in groups of nearly equal size: 4 + 3 words rather than 6 + 1."""
    count = -(-len(phrase) // most)
    for i in range(count):
        yield phrase[i * len(phrase) // count : (i + 1) * len(phrase) // count]


def ends_of(timeline: Timeline, groups: Sequence[Sequence[Shown]]) -> Iterator[Fraction]:
    """Until when each group is shown."""
    ends = [*offsets(timeline)[1:], *(track_end(track, timeline) for track in timeline.tracks)]
    for group, following in pairwise([*groups, None]):
        assert group is not None  # noqa: S101 - only the last of the pairs' seconds is None
        # Not longer than what says it, nor into what is said next.
        until = min(following[0].start, ends[group[-1].clip]) if following else timeline.duration
        yield max(group[-1].end, min(group[-1].end + LINGER, until))
