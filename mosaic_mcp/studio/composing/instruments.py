"""Notes and drum beats as samples: sums of sines and shaped noise, with a little room around."""

from __future__ import annotations

from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

RATE = 48_000
HALL = round(1.1 * RATE)
"""Samples for which a room sounds on."""
STRUCK_S = 1.6
Wave = NDArray[np.float32]
"""(samples, 2)"""
Drum = Literal["kick", "snare", "clap", "hat", "shaker", "tom"]
Tone = Literal["pad", "strings", "bass", "pluck", "keys", "bell"]


@cache
def note(tone: Tone, pitch: int, seconds: float) -> Wave:
    """A note of a MIDI pitch, held for `seconds` and then fading, at about equal loudness."""
    hertz = 440 * 2 ** ((pitch - 69) / 12)
    match tone:
        case "pad" | "strings":
            return _room(_held(hertz, seconds, rich=tone == "strings"), 0.35)
        case "bass":
            return _centred(_bass(hertz, seconds))
        case "pluck":
            # (partial, share, seconds to fade by 1/e)
            return _room(_struck(hertz, ((1, 1, 0.5), (2, 0.5, 0.3), (3, 0.25, 0.15)), 0.13), 0.22)
        case "keys":
            return _room(_struck(hertz, ((1, 1, 1.1), (2, 0.25, 0.5), (4, 0.12, 0.12)), 0.14), 0.25)
        case "bell":
            return _room(_struck(hertz, ((1, 1, 1.4), (2.76, 0.2, 0.5), (5.4, 0.1, 0.2)), 0.1), 0.4)


@cache
def drum(name: Drum) -> Wave:
    """One beat."""
    at = np.arange(round(0.6 * RATE)) / RATE
    noise = np.random.default_rng(len(name) * 7).standard_normal(len(at))
    match name:
        case "kick":
            sweep = 48 * at + 2.2 * (1 - np.exp(-at * 38))
            return _centred(np.sin(2 * np.pi * sweep) * np.exp(-at * 9) * 0.5)
        case "snare":
            body = np.sin(2 * np.pi * 186 * at) * np.exp(-at * 24) * 0.16
            return _room(body + _bright(noise) * np.exp(-at * 20) * 0.09, 0.2)
        case "clap":
            bursts = sum(np.exp(-np.abs(at - d) * 170) * (at >= d) for d in (0, 0.011, 0.022))
            return _room(_bright(noise) * (bursts + np.exp(-at * 18)) * 0.05, 0.3)
        case "hat":
            return _centred(_bright(_bright(noise)) * np.exp(-at * 75) * 0.05)
        case "shaker":
            swell = np.minimum(at / 0.03, 1) * np.exp(-at * 32)
            return _centred(_bright(_bright(noise)) * swell * 0.03)
        case "tom":
            sweep = 62 * at + 1.1 * (1 - np.exp(-at * 20))
            return _room(np.sin(2 * np.pi * sweep) * np.exp(-at * 6) * 0.4, 0.4)


def _held(hertz: float, seconds: float, *, rich: bool) -> NDArray[np.float64]:
    """Three voices slightly out of tune, with soft ends: stereo."""
    fade = 0.7
    at = np.arange(round((seconds + fade) * RATE)) / RATE
    sides = np.zeros((len(at), 2))
    for voice, (detune, left) in enumerate(((-0.0016, 0.8), (0.0, 0.5), (0.0017, 0.2))):
        partials = range(1, 7 if rich else 5)
        wave = sum(
            np.sin(2 * np.pi * n * hertz * (1 + detune) * at + voice * n)
            / n ** (1.4 if rich else 1.9)
            for n in partials
            if n * hertz < 9000
        )
        sides += np.outer(wave, (left, 1 - left))
    rise = np.minimum(at / min(0.35, max(seconds / 2, 0.02)), 1)
    fall = np.clip((seconds + fade - at) / fade, 0, 1)
    return sides * (np.sin(rise * np.pi / 2) * fall**2 * 0.045)[:, None]


def _bass(hertz: float, seconds: float) -> NDArray[np.float64]:
    at = np.arange(round((seconds + 0.08) * RATE)) / RATE
    wave = np.sin(2 * np.pi * hertz * at) + 0.35 * np.sin(4 * np.pi * hertz * at + 0.4)
    wave += 0.12 * np.sin(6 * np.pi * hertz * at)
    ends = np.minimum(at / 0.008, 1) * np.clip((seconds + 0.08 - at) / 0.08, 0, 1)
    return np.tanh(wave) * ends * np.exp(-at * 0.9) * 0.2


def _struck(
    hertz: float, partials: tuple[tuple[float, float, float], ...], level: float
) -> NDArray[np.float64]:
    at = np.arange(round(STRUCK_S * RATE)) / RATE
    wave = sum(
        share * np.sin(2 * np.pi * n * hertz * at) * np.exp(-at / fade)
        for n, share, fade in partials
        if n * hertz < 12_000
    )
    return wave * np.minimum(at / 0.004, 1) * np.clip((STRUCK_S - at) / 0.3, 0, 1) * level


def _bright(noise: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.diff(noise, prepend=0.0)


def _centred(wave: NDArray[np.float64]) -> Wave:
    return np.repeat(wave.astype(np.float32)[:, None], 2, axis=1)


def _room(wave: NDArray[np.float64], wet: float) -> Wave:
    """With the sound of a small hall: noise that fades, another one for each ear."""
    ears = wave.T if wave.ndim == 2 else wave[None, :]
    length = ears.shape[1] + HALL - 1
    size = 1 << (length - 1).bit_length()
    echo = np.fft.irfft(np.fft.rfft(ears, size) * _hall_spectrum(size), size)[:, :length]
    echo *= wet
    echo[:, : ears.shape[1]] += ears
    return np.ascontiguousarray(echo.T, np.float32)


@cache
def _hall_spectrum(size: int) -> NDArray[np.complex128]:
    return np.fft.rfft(_hall().T, size)


@cache
def _hall() -> NDArray[np.float64]:
    at = np.arange(HALL) / RATE
    noise = np.random.default_rng(11).standard_normal((len(at), 2))
    smooth = (noise + np.roll(noise, 1, axis=0) + np.roll(noise, 2, axis=0)) / 3
    hall = smooth * (np.exp(-at * 4.5) * np.minimum(at / 0.012, 1))[:, None]
    return hall / np.sqrt((hall**2).sum(axis=0))
