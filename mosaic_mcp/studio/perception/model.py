"""What the studio can see and hear in a source. All times are seconds of source time."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Protocol

from mosaic_mcp.contract.languages import UNKNOWN, is_english
from mosaic_mcp.studio.timeline.model import Part, Seconds, Source

ESTIMATED = 0.5
"""A word of this confidence or less is timed by its place in the text, not by the sound."""
LEAST_FITTING = 0.5
"""Share of an English text's words below which it may well be another video's."""


class Interval(Part):
    """[start, end) in seconds."""

    start: Seconds
    end: Seconds

    @property
    def duration(self) -> Fraction:
        """Seconds between the ends."""
        return self.end - self.start


class SpokenWord(Part):
    """A word as it was said. `filler` marks "um", "uh", "er" and their kin."""

    text: str
    start: Seconds
    end: Seconds
    confidence: float = 1.0
    filler: bool = False
    speaker: str | None = None
    """Who says it, where several voices are told apart: "1", "2", … in order of appearance."""


class Words(Part):
    """A transcript: the words, where they come from, and how far to trust them.

    `origin` is `user` (their subtitles, word times by forced alignment or by share of the cue),
    or a recogniser's name. `confidence` is the words' mean. `reliable` is False below the
    confidence that the recogniser's module states: then captions, filler removal and ranking do
    not build on it. The user's own text is always built on.
    """

    origin: str
    language: str = UNKNOWN
    confidence: float = 1.0
    reliable: bool = True
    note: str = ""
    words: tuple[SpokenWord, ...] = ()

    @property
    def timed(self) -> float:
        """Share of the words, 0..1, whose times are from the sound; 1 where there are none."""
        certain = sum(word.confidence > ESTIMATED for word in self.words)
        return certain / len(self.words) if self.words else 1.0

    @property
    def fits(self) -> bool:
        """False for a user's English text of which less than half is found in the sound.

        In other languages nothing is looked for.
        """
        brought = self.origin == "user" and is_english(self.language)
        return not brought or self.timed >= LEAST_FITTING


class Turn(Interval):
    """A stretch in which one voice speaks."""

    speaker: str


class Voices(Part):
    """Who speaks when. No turns unless several voices differ clearly.

    `confidence` is 0..1: how much of the difference between the two voices that are most alike is
    more than one voice has.
    """

    turns: tuple[Turn, ...] = ()
    confidence: float = 1.0


class Face(Part):
    """A face at a moment: centre and size in fractions of the shown picture."""

    time: Seconds
    x: float
    y: float
    width: float
    height: float


class Colours(Part):
    """Levels 0..1 of each colour, the darkest 2 percent of all pixels first, the brightest last.

    All three have the same number of levels, for the same shares of pixels.
    """

    red: tuple[float, ...]
    green: tuple[float, ...]
    blue: tuple[float, ...]


class Loudness(Part):
    """EBU R128 measurement of a sound."""

    integrated_lufs: float
    true_peak_db: float


class Beats(Part):
    """The beats of a music; none, and tempo 0, where nothing repeats."""

    tempo: float
    """Beats a minute. Half or twice of what another listener would tap is as true."""
    times: tuple[Seconds, ...] = ()
    confidence: float = 0.0
    """Share of the onsets' power that repeats with the beat, 0..1."""


class Moment(Part):
    """How a picture is at a moment, beside the others of its source."""

    time: Seconds
    motion: float
    """Mean change of brightness a second, 0..255; at a cut that of the moment after."""
    sharpness: float
    """Mean square of the brightness' second derivative: blur has little."""


class Perception(Protocol):
    """Facts about a source, computed once per content and cached.

    Every method raises `MediaError` for a source that cannot be read.
    """

    async def speech(self, source: Source) -> tuple[Interval, ...]:
        """Where somebody speaks; empty without sound."""
        ...

    async def words(self, source: Source) -> Words:
        """The transcript: the user's when the source carries one, else the recogniser's."""
        ...

    async def known_words(self, source: Source) -> Words | None:
        """As `words` where that is no work: they were brought or heard before. Else None."""
        ...

    async def voices(self, source: Source) -> Voices:
        """Who speaks when; empty for one voice, or for voices that are alike."""
        ...

    async def shots(
        self, source: Source, within: Sequence[Interval] | None = None
    ) -> tuple[Fraction, ...]:
        """Where each shot begins, the first at 0.

        With `within` only that much of the source is looked at, and a little beside it; elsewhere
        shots stay unknown.
        """
        ...

    async def faces(
        self, source: Source, within: Sequence[Interval] | None = None
    ) -> tuple[Face, ...]:
        """The main face at each sampled moment, `within` as for shots; empty when there is none."""
        ...

    async def colours(self, source: Source) -> Colours:
        """How dark, bright and coloured a picture or the key frames of a video are."""
        ...

    async def beats(self, source: Source) -> Beats:
        """The beats of the sound."""
        ...

    async def level(self, source: Source) -> float:
        """Integrated loudness of the sound on two channels, about LUFS; -120 for silence."""
        ...

    async def moments(self, source: Source) -> tuple[Moment, ...]:
        """How the picture moves and how sharp it is, some times a second; empty without one."""
        ...
