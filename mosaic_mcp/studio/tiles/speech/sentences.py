"""Sentences from words: ended by punctuation where the transcript has it, else by pauses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from mosaic_mcp.studio.perception.model import Interval
from mosaic_mcp.studio.timeline.edit import PlacedWord, offsets
from mosaic_mcp.studio.timeline.model import Timeline

PAUSE = Fraction(7, 10)
"""Seconds of silence that end a sentence where no punctuation does."""

_OVERLAP = Fraction(1, 2)
"""Words of one breath may overlap a little where their times are estimates. Seconds."""

_ENDINGS = (".", "!", "?", "…", "。", "？", "！")
_ABBREVIATIONS = frozenset({"mr.", "mrs.", "ms.", "dr.", "prof.", "st.", "vs.", "e.g.", "i.e."})


@dataclass(frozen=True, slots=True)
class Sentence:
    """Words that belong together. Times are output time."""

    words: tuple[PlacedWord, ...]
    whole: bool = True
    """False when it is a part of a sentence that was too long."""

    @property
    def start(self) -> Fraction:
        """Where its first word begins."""
        return self.words[0].start

    @property
    def end(self) -> Fraction:
        """Where its last word ends."""
        return self.words[-1].end

    @property
    def span(self) -> Interval:
        """From its first word to its last."""
        return Interval(start=self.start, end=self.end)

    @property
    def text(self) -> str:
        """As it was said."""
        return " ".join(w.text for w in self.words)


def sentences(timeline: Timeline, words: Sequence[PlacedWord]) -> list[Sentence]:
    """Group the words of a timeline; pauses count as spoken, also where a cut removed them."""
    # Output time + shift of the clip = source time.
    clips = zip(timeline.clips, offsets(timeline), strict=False)
    shifts = [clip.start - at for clip, at in clips]
    groups: list[list[PlacedWord]] = [[words[0]]] if words else []
    for earlier, later in pairwise(words):
        pause = later.start + shifts[later.clip] - earlier.end - shifts[earlier.clip]
        # Another source, or earlier in the same one: the speaker did not go on.
        torn = earlier.source != later.source or pause < -_OVERLAP
        if torn or pause >= PAUSE or _ends(earlier.text):
            groups.append([])
        groups[-1].append(later)
    return [Sentence(tuple(g)) for g in groups]


def _ends(text: str) -> bool:
    return text.rstrip("\"'”’)").endswith(_ENDINGS) and text.lower() not in _ABBREVIATIONS


def shortened(sentence: Sentence, longest: Fraction) -> Iterator[Sentence]:
    """The sentence, or its parts of at most `longest` seconds, divided at its longest pauses.

    A single word is never divided.
    """
    if sentence.end - sentence.start <= longest or len(sentence.words) < 2:
        yield sentence
        return
    pauses = [b.start - a.end for a, b in pairwise(sentence.words)]
    # Of equal pauses the middle one, so that the parts are of similar length.
    middle = len(pauses) / 2
    at = max(range(len(pauses)), key=lambda i: (pauses[i], -abs(i - middle))) + 1
    for part in (sentence.words[:at], sentence.words[at:]):
        yield from shortened(Sentence(part, whole=False), longest)
