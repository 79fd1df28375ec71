"""Sentences from words: ended by punctuation where the transcript has it, else by pauses."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

from mosaic_mcp.studio.perception.model import ESTIMATED, Interval
from mosaic_mcp.studio.timeline.edit import PlacedWord, offsets
from mosaic_mcp.studio.timeline.model import Timeline

PAUSE = Fraction(7, 10)
"""Seconds of silence that end a sentence where no punctuation does."""

_LONG_PAUSE = Fraction(2)
"""The same in a transcript with punctuation: a speaker who searches for a word pauses too, and a
filler that was cut out leaves such a gap."""

_PUNCTUATED = 40
"""A transcript has punctuation when a sentence ends at least once in so many words."""

_OVERLAP = Fraction(1, 2)
"""Words of one breath may overlap a little where their times are estimates. Seconds."""

_ASTRAY = Fraction(4, 10)
"""How far an estimated word may be from where it is said. Seconds."""

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


def sentences(
    timeline: Timeline, words: Sequence[PlacedWord], *, pause_ends: bool = True
) -> list[Sentence]:
    """Group the words of a timeline; pauses count as spoken, also where a cut removed them.

    Without `pause_ends` a pause within a punctuated sentence divides nothing unless it is long.
    """
    # Output time + shift of the clip, or of the track that says it, = source time.
    clips = zip(timeline.clips, offsets(timeline), strict=False)
    shifts = [clip.start - at for clip, at in clips]
    shifts += [track.start - track.at for track in timeline.tracks]
    longest = PAUSE if pause_ends or not _punctuated(words) else _LONG_PAUSE
    groups: list[list[PlacedWord]] = [[words[0]]] if words else []
    for earlier, later in pairwise(words):
        pause = later.start + shifts[later.clip] - earlier.end - shifts[earlier.clip]
        # Another source, or earlier in the same one: the speaker did not go on.
        torn = earlier.source != later.source or pause < -_OVERLAP
        if torn or pause >= longest or ends_sentence(earlier.text):
            groups.append([])
        groups[-1].append(later)
    return [Sentence(tuple(g)) for g in groups]


def settled(found: Sequence[Sentence], speech: Sequence[Interval]) -> list[Sentence]:
    """Sentences whose borders are where the sound has a pause, if their times are estimates.

    Subtitles that cannot be aligned give a word's time by its place in the cue, off by some
    tenths of a second; the pause that is heard near by is the true border.
    """
    pauses = [Interval(start=a.end, end=b.start) for a, b in pairwise(speech)]
    starts, ends = [p.start for p in pauses], [p.end for p in pauses]
    exact = list(found)
    for i, (a, b) in enumerate(pairwise(found)):
        if min(a.words[-1].confidence, b.words[0].confidence) > ESTIMATED:
            continue
        first = bisect_left(ends, a.end - _ASTRAY)
        last = bisect_right(starts, b.start + _ASTRAY)
        near = pauses[first:last]
        if near:
            pause = min(near, key=lambda p: max(p.start - b.start, a.end - p.end, Fraction(0)))
            exact[i] = _bounded(exact[i], exact[i].start, pause.start)
            exact[i + 1] = _bounded(exact[i + 1], pause.end, exact[i + 1].end)
    return exact


def _bounded(sentence: Sentence, start: Fraction, end: Fraction) -> Sentence:
    """The sentence from `start` to `end`, its words pushed inside."""
    if start >= end:
        return sentence
    inside = [
        word.model_copy(
            update={
                "start": min(max(word.start, start), end),
                "end": min(max(word.end, start), end),
            }
        )
        for word in sentence.words
    ]
    inside[0] = inside[0].model_copy(update={"start": start})
    inside[-1] = inside[-1].model_copy(update={"end": end})
    return replace(sentence, words=tuple(inside))


def _punctuated(words: Sequence[PlacedWord]) -> bool:
    return sum(ends_sentence(w.text) for w in words) * _PUNCTUATED >= len(words)


def ends_sentence(text: str) -> bool:
    """True for a word with the punctuation that closes a sentence behind it."""
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
