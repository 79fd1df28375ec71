"""The beats of a music, and its tempo. Runs in the helper.

Where energy rises, band by band, is the onset strength; its autocorrelation tells the tempo, and
dynamic programming finds the evenly spaced moments that agree best with it (D. Ellis, "Beat
Tracking by Dynamic Programming", 2007). Where chords change between these, they were the off-beats
(a hi-hat may be louder than the drum), and the beats are taken instead.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mosaic_mcp.studio.perception.opening import samples

RATE = 24_000
HOP = 240
"""Samples of a step: 10 ms."""
WINDOW = 1024
BANDS = 40
LOWEST_HZ, HIGHEST_HZ = 30.0, 11_000.0
USUAL_BPM = 120.0
"""People tap near this tempo; the further away, the less it is expected."""
SPREAD = 1.2
"""Octaves within which tempos are about as likely."""
SLOWEST_BPM, FASTEST_BPM = 40.0, 220.0
COMB = ((1, 0.5), (2, 0.2), (3, 0.1), (4, 0.2))
"""Beats after which the strength must repeat, and how much that counts."""
TIGHT = 100.0
"""How much an uneven beat costs, against onset strength (Ellis' alpha)."""
EQUAL = 0.9
"""Beats between the beats that are so strong are beats themselves."""
SURE = 0.12
"""Least share of the onset strength's power that repeats with the beat; speech reaches less."""
_LAG_S = 0.011
"""By how much the strength of an onset peaks before it: half a window sees it coming."""
CHORD_WINDOW = 4096
"""Samples, long enough to tell semitones apart."""
CHORD_HZ = (80.0, 1200.0)
CHORD_BEATS = 8
"""Beats on either side that say together where chords change: two bars."""
CHANGES_MORE = 1.2
"""So many times more they change between the beats where those are none."""
LEAST_CHANGE = 0.03
"""Of 1; what has no chords changes less."""
Curve = NDArray[np.floating[Any]]


def beats(argument: dict[str, Any]) -> dict[str, Any]:
    """`tempo` in beats a minute, `beats` in seconds, `confidence` 0..1; for the file at `path`.

    Tempo 0 and no beats where nothing repeats.
    """
    return find_beats(samples(argument["path"], RATE))


def find_beats(sound: NDArray[np.int16]) -> dict[str, Any]:
    """As `beats`, of mono samples at RATE."""
    nothing: dict[str, Any] = {"tempo": 0.0, "beats": [], "confidence": 0.0}
    onsets = onset_strength(sound)
    if len(onsets) < 3 * RATE // HOP or not onsets.any():
        return nothing
    period, confidence = _period(onsets)
    if confidence < SURE:
        return {**nothing, "confidence": round(confidence, 3)}
    places = _track(onsets, period)
    if _between(onsets, places) > EQUAL and 2 * _bpm(period) <= FASTEST_BPM:
        period /= 2
        places = _track(onsets, period)
    if len(places) < 4:
        return nothing
    places = _where_chords_change(sound, places, period)
    places = places + _LAG_S * RATE / HOP
    return {
        "tempo": round(_bpm(period), 2),
        "beats": [round(max(0.0, float(at)) * HOP / RATE, 3) for at in places],
        "confidence": round(confidence, 3),
    }


def onset_strength(sound: NDArray[np.int16]) -> Curve:
    """How much energy rises at each step, over all bands; its own ups and downs taken out."""
    filters = _bands()
    padded = np.pad(sound, (WINDOW // 2, WINDOW))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    window = np.hanning(WINDOW)
    rises: list[Curve] = []
    before = np.zeros((1, BANDS))
    for at in range(0, len(frames), 2000):
        spectrum = np.abs(np.fft.rfft(frames[at : at + 2000] / 32768 * window, axis=1))
        loud = np.log1p(100 * spectrum @ filters)
        if at == 0:
            before = loud[:1]
        rises.append(np.maximum(np.diff(loud, axis=0, prepend=before), 0).mean(axis=1))
        before = loud[-1:]
    rise = np.concatenate(rises) if rises else np.zeros(0)
    if len(rise) < 100:
        return np.zeros(0)
    around = np.convolve(rise, np.ones(41) / 41, "same")
    onsets = np.maximum(rise - around, 0)
    spread = onsets.std()
    return onsets / spread if spread > 1e-6 else np.zeros_like(onsets)


def _bands() -> Curve:
    """Triangles on the mel scale: (frequencies, BANDS)."""
    low, high = _mel(np.array([LOWEST_HZ, HIGHEST_HZ]))
    edges: Curve = np.linspace(float(low), float(high), BANDS + 2)
    wide: Curve = np.diff(edges)
    at: Curve = _mel(np.fft.rfftfreq(WINDOW, 1 / RATE))[:, None]
    rising = (at - edges[:-2]) / wide[:-1]
    falling = (edges[2:] - at) / wide[1:]
    return np.maximum(np.minimum(rising, falling), 0)


def _mel(hertz: Curve) -> Curve:
    return 2595 * np.log10(1 + hertz / 700)


def _bpm(period: float) -> float:
    return 60 * RATE / HOP / period


def _period(onsets: Curve) -> tuple[float, float]:
    """Steps from beat to beat, and how much of the whole repeats so."""
    longest, shortest = (round(60 * RATE / HOP / bpm) for bpm in (SLOWEST_BPM, FASTEST_BPM))
    repeats = _repeats(onsets, 17 * longest)
    periods = np.arange(shortest, longest, 0.1)
    lags = np.arange(len(repeats))
    combs = np.zeros(len(periods))
    for count, share in COMB:
        combs += share * np.interp(count * periods, lags, repeats)
    octaves = np.log2(60 * RATE / HOP / periods / USUAL_BPM)
    best = int(np.argmax(combs * np.exp(-0.5 * (octaves / SPREAD) ** 2)))
    return _refined(repeats, float(periods[best])), float(max(combs[best], 0))


def _repeats(onsets: Curve, most: int) -> Curve:
    """How much is again as it was so many steps before, 1 for all; up to `most` steps."""
    centred = onsets - onsets.mean()
    size = 1 << (2 * len(centred) - 1).bit_length()
    spectrum = np.fft.rfft(centred, size)
    repeats = np.fft.irfft(np.abs(spectrum) ** 2, size)[: min(most, len(centred))]
    # A beat may be off by half a step.
    return np.convolve(repeats / repeats[0], (0.25, 0.5, 0.25), "same")


def _track(onsets: Curve, period: float) -> Curve:
    """The steps of the beats."""
    steps = np.arange(-round(2 * period), -round(period / 2) + 1)
    lead = -int(steps[0])
    # In front there is room for a beat before the first.
    smooth = np.convolve(
        np.pad(onsets, (lead, 0)), np.exp(-0.5 * (np.arange(-3, 4) / 1.5) ** 2), "same"
    )
    costs = -TIGHT * np.log(-steps / period) ** 2
    total = smooth.copy()
    link = np.full(len(smooth), -1)
    for at in range(lead, len(smooth)):
        scores = total[at + steps[0] : at + steps[-1] + 1] + costs
        best = int(np.argmax(scores))
        total[at] += scores[best]
        link[at] = at + steps[best]
    tail = total[-round(period) :] if len(total) > period else total
    at = len(total) - len(tail) + int(np.argmax(tail))
    found: list[int] = []
    while at >= 0:
        found.append(at)
        at = int(link[at])
    return _audible(np.array(found[::-1]), smooth).astype(np.float64) - lead


def _audible(places: NDArray[np.int_], smooth: Curve) -> NDArray[np.int_]:
    """Without the beats before the music begins and after it has ended."""
    strength = smooth[places]
    heard = np.flatnonzero(strength > 0.3 * np.sqrt((strength**2).mean()))
    return places[heard[0] : heard[-1] + 1] if len(heard) else places[:0]


def _between(onsets: Curve, places: Curve) -> float:
    """How strong the middles between the beats are, against the beats."""
    if len(places) < 3:
        return 0.0
    wide = np.max([np.roll(onsets, shift) for shift in range(-3, 4)], axis=0)
    beats_at = places.astype(int)
    middles = ((places[:-1] + places[1:]) / 2).astype(int)
    return float(np.median(wide[middles]) / max(np.median(wide[beats_at]), 1e-9))


def _where_chords_change(sound: NDArray[np.int16], places: Curve, period: float) -> Curve:
    """The beats: of the moments found, or of those between them, the ones with the new chords."""
    middles = (places[:-1] + places[1:]) / 2
    half = round(0.45 * period)
    chroma = _chroma(sound)
    sums = np.vstack([np.zeros(12), np.cumsum(chroma, axis=0)])
    usual = max(half * float(np.linalg.norm(chroma, axis=1).mean()), 1e-9)

    def change(moments: Curve) -> Curve:
        """How much the notes after each moment are others than before, and around it."""
        at = np.clip(np.round(moments).astype(int), half, max(half, len(sums) - 1 - half))
        before = sums[at] - sums[at - half]
        after = sums[np.minimum(at + half, len(sums) - 1)] - sums[at]
        one, other = np.linalg.norm(before, axis=1), np.linalg.norm(after, axis=1)
        new = 1 - (before * after).sum(axis=1) / np.maximum(one * other, 1e-9)
        # What begins after silence is no change of chords.
        new *= np.minimum(1, np.minimum(one, other) / usual)
        wide = np.pad(new, CHORD_BEATS)
        return np.lib.stride_tricks.sliding_window_view(wide, 2 * CHORD_BEATS + 1).mean(axis=1)

    new = change(middles)
    between = (new > CHANGES_MORE * change(places[:-1])) & (new > LEAST_CHANGE)
    chosen = np.append(np.where(between, middles, places[:-1]), [] if between[-1] else places[-1:])
    # Where one changes into the other, two may lie too near each other.
    apart = np.diff(chosen, prepend=-np.inf) > 0.6 * period
    return chosen[apart]


def _chroma(sound: NDArray[np.int16]) -> Curve:
    """How strong each of the twelve notes is at each step, in any octave: (steps, 12)."""
    hertz = np.fft.rfftfreq(CHORD_WINDOW, 1 / RATE)
    among = (hertz >= CHORD_HZ[0]) & (hertz <= CHORD_HZ[1])
    notes = np.round(12 * np.log2(hertz[among] / 440)).astype(int) % 12
    folded = (notes[:, None] == np.arange(12)).astype(np.float64)
    padded = np.pad(sound, (CHORD_WINDOW // 2, CHORD_WINDOW))
    frames = np.lib.stride_tricks.sliding_window_view(padded, CHORD_WINDOW)[::HOP]
    window = np.hanning(CHORD_WINDOW) / 32768
    parts = (frames[at : at + 1000] * window for at in range(0, len(frames), 1000))
    return np.concatenate([np.abs(np.fft.rfft(part, axis=1))[:, among] @ folded for part in parts])


def _refined(repeats: Curve, period: float) -> float:
    """The period near this one after whose multiples the most repeats: far ones are exact."""
    near = period * np.arange(0.97, 1.03, 0.0004)
    lags = np.arange(len(repeats))
    score = np.zeros(len(near))
    for count in range(1, 17):
        if count * near[-1] < len(repeats) * 0.8:
            score += np.interp(count * near, lags, repeats)
    return float(near[np.argmax(score)])
