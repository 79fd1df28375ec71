"""Who speaks when: stretches of speech grouped by how they sound. Runs in the helper.

A stretch is a cloud of mel cepstra (the shape of a throat, not its pitch). Two clouds are one voice
as long as one normal distribution describes both about as well as two do: the Bayesian information
criterion (Chen and Gopalakrishnan 1998), with a penalty for frames that are not independent. Voices
that are alike are taken for one: nothing is claimed where nothing is clear. docs/quality.md has
what we measured.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mosaic_mcp.studio.perception.opening import samples
from mosaic_mcp.studio.perception.speech import RATE, spans

FRAME, HOP, BINS = 400, 160, 512
MELS, COEFFICIENTS = 26, 12
QUIET_PERCENT = 30
"""The quietest frames of a piece are breath and room."""
PIECE_S = 3.0
"""Pieces are about so long: in less, a voice shows only together with its words."""
MOST_PIECES = 300
"""In long recordings pieces are longer: every pair is compared."""
SHORTEST_S = 0.7
"""Shorter pieces go with the voice that they resemble most, and make none of their own."""
LEAST_S = 4.0
"""Who speaks less than this is not told apart."""
PENALTY = 3.0
"""Of the criterion; 1 for independent frames. At 2, one reader is taken for two."""
CLEAR = 0.25
"""Confidence below which all is taken for one voice."""

Rows = NDArray[np.float64]


def speakers(argument: dict[str, Any]) -> dict[str, Any]:
    """`turns` ([start, end, speaker] in seconds, speakers from 0) and `confidence` of a file.

    There are no turns unless at least two voices differ clearly. `confidence` (0..1) says how much
    of the difference between the two voices that are most alike is more than one voice has.
    """
    return turns_of(samples(argument["path"], RATE))


def turns_of(sound: NDArray[np.int16]) -> dict[str, Any]:
    """The same for mono samples at 16 kHz."""
    pieces = _pieces(spans(sound))
    shaping = [n for n, (start, end) in enumerate(pieces) if end - start >= SHORTEST_S]
    clouds = [Cloud.of(cepstra(sound[int(a * RATE) : int(b * RATE)])) for a, b in pieces]
    voices = _voices([clouds[n] for n in shaping])
    least = LEAST_S * RATE / HOP * (1 - QUIET_PERCENT / 100)
    voices = [voice for voice in voices if voice.count >= least]
    confidence = _confidence(voices)
    if len(voices) < 2 or confidence < CLEAR:
        return {"turns": [], "confidence": 1.0}
    turns: list[list[float | int]] = []
    numbers: dict[int, int] = {}
    for (start, end), cloud in zip(pieces, clouds, strict=True):
        nearest = int(np.argmin([_apart(cloud, voice) for voice in voices]))
        number = numbers.setdefault(nearest, len(numbers))
        if turns and turns[-1][2] == number:
            turns[-1][1] = end
        else:
            turns.append([start, end, number])
    return {"turns": turns, "confidence": confidence}


@dataclass(frozen=True, slots=True)
class Cloud:
    """Frames as their number, sum and sum of squares: what a normal distribution needs."""

    count: int
    sums: Rows
    squares: Rows

    @classmethod
    def of(cls, rows: Rows) -> Cloud:
        """The cloud of some frames."""
        return cls(len(rows), rows.sum(axis=0), rows.T @ rows)

    def __add__(self, other: Cloud) -> Cloud:
        return Cloud(self.count + other.count, self.sums + other.sums, self.squares + other.squares)

    @property
    def spread(self) -> float:
        """Half the logarithm of its covariance's determinant, for all of its frames."""
        mean = self.sums / self.count
        covariance = self.squares / self.count - np.outer(mean, mean)
        covariance += 1e-3 * np.eye(len(mean))
        return 0.5 * self.count * float(np.linalg.slogdet(covariance)[1])


def _apart(one: Cloud, other: Cloud) -> float:
    """How many times the plain criterion's penalty two clouds differ; above PENALTY: two voices."""
    both = one + other
    free = COEFFICIENTS + COEFFICIENTS * (COEFFICIENTS + 1) / 2
    gain = both.spread - one.spread - other.spread
    return gain / (0.5 * free * float(np.log(both.count)))


def _voices(clouds: list[Cloud]) -> list[Cloud]:
    """The clouds with those that are one voice added up, the most alike first."""
    voices = list(clouds)
    apart = np.full((len(voices), len(voices)), np.inf)
    for n, one in enumerate(voices):
        apart[n, :n] = [_apart(one, other) for other in voices[:n]]
    while apart.size and apart.min() <= PENALTY:
        goes, stays = (int(i) for i in np.unravel_index(int(apart.argmin()), apart.shape))
        voices[stays] = voices[stays] + voices[goes]
        del voices[goes]
        apart = np.delete(np.delete(apart, goes, axis=0), goes, axis=1)
        for n, other in enumerate(voices):
            if n != stays:
                apart[max(n, stays), min(n, stays)] = _apart(voices[stays], other)
    return voices


def _confidence(voices: list[Cloud]) -> float:
    pairs = [_apart(one, other) for n, one in enumerate(voices) for other in voices[:n]]
    return 1 - PENALTY / min(pairs) if pairs else 1.0


def _pieces(speech: list[tuple[float, float]]) -> list[tuple[float, float]]:
    length = max(PIECE_S, sum(end - start for start, end in speech) / MOST_PIECES)
    pieces: list[tuple[float, float]] = []
    for start, end in speech:
        edges = np.linspace(start, end, max(1, round((end - start) / length)) + 1)
        pieces += [(float(a), float(b)) for a, b in itertools.pairwise(edges)]
    return pieces


def cepstra(sound: NDArray[np.int16]) -> Rows:
    """Mel cepstra of the louder frames, without the first coefficient, which is loudness."""
    signal = np.pad(sound.astype(np.float64) / 32768, (0, max(0, FRAME - len(sound))))
    signal = np.append(signal[0], signal[1:] - 0.97 * signal[:-1])
    frames = np.lib.stride_tricks.sliding_window_view(signal, FRAME)[::HOP] * np.hamming(FRAME)
    power = np.abs(np.fft.rfft(frames, BINS)) ** 2
    loudness = power.sum(axis=1)
    power = power[loudness >= np.percentile(loudness, QUIET_PERCENT)]
    return np.log(power @ _mels().T + 1e-9) @ _cosines().T


@cache
def _mels() -> Rows:
    """The triangles of the mel scale over the bins of a frame."""
    edges: Rows = np.linspace(_mel(80), _mel(7600), MELS + 2)[:, None]
    at: Rows = 2595 * np.log10(1 + np.fft.rfftfreq(BINS, 1 / RATE) / 700)
    up: Rows = (at - edges[:-2]) / (edges[1:-1] - edges[:-2])
    down: Rows = (edges[2:] - at) / (edges[2:] - edges[1:-1])
    return np.clip(np.minimum(up, down), 0, None)


def _mel(hertz: float) -> float:
    return 2595 * math.log10(1 + hertz / 700)


@cache
def _cosines() -> Rows:
    """The discrete cosine transform, without its constant row."""
    rows = np.arange(1, COEFFICIENTS + 1)[:, None]
    return np.cos(np.pi * rows * (np.arange(MELS) + 0.5) / MELS) * np.sqrt(2 / MELS)
