"""What is played when: chords, bass, accompaniment, melody and drums of a mood, bar by bar."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np

from mosaic_mcp.studio.composing.instruments import Drum, Tone
from mosaic_mcp.studio.composing.moods import Mood

Intensity = Literal["low", "medium", "high"]
PHRASE = 4
"""Bars: the chords come round after so many."""

_PATTERNS: dict[str, dict[Drum, tuple[float, ...]]] = {
    "none": {},
    "soft": {"kick": (0, 2), "shaker": (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5), "clap": (1, 3)},
    "pop": {"kick": (0, 1.5, 2), "snare": (1, 3), "hat": (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5)},
    "four": {"kick": (0, 1, 2, 3), "clap": (1, 3), "hat": (0.5, 1.5, 2.5, 3.5)},
    "big": {"tom": (0, 1.5, 2, 3), "shaker": (0.5, 1.5, 2.5, 3.5)},
    "swing": {"kick": (0, 2.66), "snare": (1, 3), "hat": (0, 0.66, 1, 1.66, 2, 2.66, 3, 3.66)},
}
"""Beats of a bar on which each drum is struck."""
_RHYTHMS = ((0, 1.5, 2), (0, 1, 2.5), (0.5, 1, 2, 3), (0, 2, 3, 3.5), (1, 2), (0, 1.5, 3))
"""Beats on which a melody's notes begin."""


@dataclass(frozen=True, slots=True)
class Event:
    """A note or a beat; times in beats from the beginning."""

    at: float
    sound: Tone | Drum
    gain: float
    pan: float = 0.0
    """-1 left, 1 right."""
    pitch: int | None = None
    """None: a drum."""
    beats: float = 0.0
    """How long it is held."""


@dataclass(frozen=True, slots=True)
class Layers:
    """Which of the players play in a bar."""

    bass: bool
    figure: bool
    melody: bool
    drums: bool
    light: bool
    """Only the quiet half of the drums."""


class Score:
    """The events of a piece of `bars` bars; a loop has neither beginning nor end."""

    def __init__(
        self, mood: Mood, intensity: Intensity, bars: int, seed: int, *, loop: bool
    ) -> None:
        self._mood = mood
        self._intensity = intensity
        self.bars = bars
        self._loop = loop
        chance = np.random.default_rng(seed)
        self._root = 57 + int(chance.integers(-4, 4))
        self._chords = mood.progressions[int(chance.integers(len(mood.progressions)))]
        self._figure = [int(n) for n in chance.permutation((0, 1, 2, 3))]
        self._rhythms = [_RHYTHMS[int(n)] for n in chance.integers(len(_RHYTHMS), size=2)]
        self._steps = chance.integers(-1, 3, size=32)
        self._voicing = [self._root + degree for degree in (0, 4, 7)]

    def events(self) -> Iterator[Event]:
        """All of them; those of a piece that ends close with its first chord."""
        for bar in range(self.bars):
            chord = self._chord(bar)
            layers = self._layers(bar)
            at = 4.0 * bar
            yield from self._pad(chord, at, 4.0)
            if layers.bass:
                yield from self._bass(bar, at)
            if layers.figure:
                yield from self._accompaniment(chord, at)
            if layers.melody:
                yield from self._melody(bar, at)
            if layers.drums:
                yield from self._drums(bar, at, light=layers.light)
        if not self._loop:
            yield from self._close(4.0 * self.bars)

    def _layers(self, bar: int) -> Layers:
        """They come one after the other, step back in the middle, and are all there at the end."""
        section, sections = bar // PHRASE, max(1, self.bars // PHRASE)
        low, high = self._intensity == "low", self._intensity == "high"
        calm = not self._loop and (bar < 2 or (sections >= 4 and section == sections // 2))
        early = not self._loop and section == 0 and sections > 1 and not high
        return Layers(
            bass=self._mood.bass and not calm,
            figure=not (calm and bar == 0),
            melody=not early and section % 2 == 1 and not low,
            drums=not calm and not low and not early,
            light=self._intensity == "medium" and section % 4 == 1,
        )

    def _pitch(self, degree: int) -> int:
        octave, step = divmod(degree, 7)
        return self._root + 12 * octave + self._mood.scale[step]

    def _chord(self, bar: int) -> list[int]:
        """The chord's notes as near as may be to those of the chord before."""
        degree = self._chords[bar % PHRASE]
        count = 4 if self._mood.seventh else 3
        notes = [self._pitch(degree + 2 * n) for n in range(count)]
        centre = self._root + 4
        return sorted(centre - 6 + (pitch - centre + 6) % 12 for pitch in notes)

    def _pad(self, chord: list[int], at: float, beats: float) -> Iterator[Event]:
        tone: Tone = "strings" if self._mood.drums == "big" else "pad"
        for pitch in chord:
            yield Event(at, tone, 0.7, 0.0, pitch, beats)

    def _bass(self, bar: int, at: float) -> Iterator[Event]:
        pitch = self._pitch(self._chords[bar % PHRASE]) - 24
        pitch += 12 if pitch < 31 else 0
        if self._mood.drums == "four":
            for step in range(8):
                yield Event(at + step / 2, "bass", 0.75 if step % 2 else 0.5, 0.0, pitch, 0.4)
        elif self._mood.drums in ("none", "big"):
            yield Event(at, "bass", 0.8, 0.0, pitch, 3.8)
        else:
            for beat, held in ((0.0, 1.4), (1.5, 0.4), (2.0, 1.4), (3.5, 0.4)):
                yield Event(at + beat, "bass", 0.8, 0.0, pitch, held)

    def _accompaniment(self, chord: list[int], at: float) -> Iterator[Event]:
        """Broken chords, in the same order all the time."""
        tone = cast(Tone, self._mood.lead)
        ladder = [*chord, *(pitch + 12 for pitch in chord)]
        rate = self._mood.rate
        for step in range(rate):
            beat = 4 * step / rate
            if self._mood.drums == "swing" and step % 2:
                beat += 0.16
            place = self._figure[step % 4] + (step // 4) % 2
            strong = 0.8 if step % 4 == 0 else 0.55
            if rate == 16:
                strong *= 0.7
            side = 0.35 if step % 2 else -0.35
            yield Event(at + beat, tone, strong, side, ladder[place % len(ladder)], 0.5)

    def _melody(self, bar: int, at: float) -> Iterator[Event]:
        """A motif of two bars that walks along the scale and rests on the chords."""
        rhythm = self._rhythms[bar % 2]
        degree = self._chords[bar % PHRASE] + 7
        for number, beat in enumerate(rhythm):
            step = int(self._steps[(bar % 4) * 4 + number])
            # The first note of a bar belongs to the chord.
            degree = degree if number == 0 else degree + step
            yield Event(at + beat, "bell", 0.5, 0.1, self._pitch(degree), 1.0)

    def _drums(self, bar: int, at: float, *, light: bool) -> Iterator[Event]:
        for name, beats in _PATTERNS[self._mood.drums].items():
            if light and name in ("snare", "clap", "tom"):
                continue
            for beat in beats:
                quiet = 0.7 if beat % 1 else 1.0
                yield Event(at + beat, name, quiet, 0.15 if name in ("hat", "shaker") else 0.0)
        if bar % PHRASE == PHRASE - 1 and not light and self._mood.drums in ("pop", "big"):
            name: Drum = "snare" if self._mood.drums == "pop" else "tom"
            for beat in (3.25, 3.5, 3.75):
                yield Event(at + beat, name, 0.5)

    def _close(self, at: float) -> Iterator[Event]:
        home = sorted({self._root, self._root + 4 - (self._mood.scale[2] == 3), self._root + 7})
        yield from self._pad(home, at, 8.0)
        for number, pitch in enumerate((*home, self._root + 12)):
            yield Event(at + number * 0.06, cast(Tone, self._mood.lead), 0.8, 0.0, pitch, 4.0)
        yield Event(at, "bass", 0.8, 0.0, max(self._root - 24, 31), 4.0)
        if self._mood.drums != "none" and self._intensity != "low":
            yield Event(at, "tom" if self._mood.drums == "big" else "kick", 0.8)
