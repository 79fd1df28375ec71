"""Beats and level of sounds whose truth is known."""

import numpy as np
import pytest

from mosaic_mcp.studio.perception.beats import RATE, find_beats
from mosaic_mcp.studio.perception.level import SILENT, loudness


def struck(bpm, seconds=16, offset=0.33, sound=None):
    """A sound at every beat; the samples and the beats."""
    if sound is None:
        at = np.arange(600) / RATE
        sound = np.sin(2 * np.pi * 1500 * at) * np.exp(-at * 300)
    beats = np.arange(offset, seconds - 0.2, 60 / bpm)
    mix = np.zeros(seconds * RATE + len(sound))
    for beat in beats:
        place = round(beat * RATE)
        mix[place : place + len(sound)] += sound
    return mix, beats


def like_music(bpm, seconds=20):
    """Kick and snare in turns, hats between, a chord a bar, noise: and the beats."""
    chance = np.random.default_rng(1)
    at = np.arange(RATE) / RATE
    noise = chance.standard_normal(RATE)
    kick = np.sin(2 * np.pi * (50 * at + 0.5 * (1 - np.exp(-at * 40)))) * np.exp(-at * 12)
    hat = np.diff(noise, prepend=0) * np.exp(-at * 80) * 0.1
    mix, beats = struck(bpm, seconds, 0.2, hat)
    mix += 0.6 * struck(bpm, seconds, 0.2 + 30 / bpm, hat)[0]
    mix += struck(bpm / 2, seconds, 0.2, kick)[0]
    mix += struck(bpm / 2, seconds, 0.2 + 60 / bpm, noise * np.exp(-at * 20) * 0.3)[0]
    chord = sum(np.sin(2 * np.pi * f * at) for f in (220, 277, 330)) * np.minimum(1, at / 0.05)
    mix += 0.1 * struck(bpm / 4, seconds, 0.2, chord * (1 - at))[0]
    return mix + chance.standard_normal(len(mix)) * 0.003, beats


def samples(mix):
    return (mix / np.abs(mix).max() * 25_000).astype(np.int16)


def check(found, bpm, beats):
    assert found["tempo"] == pytest.approx(bpm, abs=1)
    near = np.abs(np.subtract.outer(beats, np.array(found["beats"]))).min(axis=1)
    assert np.mean(near < 0.04) >= 0.95
    assert len(found["beats"]) <= len(beats) + 2


@pytest.mark.parametrize("bpm", [45, 75, 100, 128, 174])
def test_clicks_are_found_with_their_tempo(bpm):
    mix, beats = struck(bpm)
    check(find_beats(samples(mix)), bpm, beats)


@pytest.mark.parametrize("bpm", [110, 125, 140])
def test_sounds_that_are_louder_between_the_beats_are_not_taken_for_them(bpm):
    """A shaker off the beat, and chords that change on it."""
    loud, beats = struck(bpm, offset=0.2)
    off = np.roll(loud, round(30 / bpm * RATE))
    at = np.arange(round(60 / bpm * RATE)) / RATE
    rising = np.minimum(1, at / 0.05) * np.minimum(1, (at[-1] - at) / 0.05)
    chords = np.zeros(len(loud))
    for number, beat in enumerate(beats[:-1]):
        pitches = ((220, 277, 330), (247, 294, 370))[number // 2 % 2]
        place = round(beat * RATE)
        chord = sum(np.sin(2 * np.pi * f * at) for f in pitches)
        chords[place : place + len(at)] += 0.1 * chord * rising
    check(find_beats(samples(off + 0.5 * loud + chords)), bpm, beats)


@pytest.mark.parametrize("bpm", [84, 110, 140])
def test_the_beats_of_something_like_music_are_found(bpm):
    mix, beats = like_music(bpm)
    check(find_beats(samples(mix)), bpm, beats)


def test_noise_silence_and_a_moment_have_no_beats():
    noise = np.random.default_rng(2).standard_normal(12 * RATE)
    for mix in (noise, np.zeros(12 * RATE) + 1e-9, noise[:500]):
        assert find_beats((mix / 5 * 25_000).astype(np.int16))["beats"] == []
    assert find_beats(np.zeros(0, np.int16))["tempo"] == 0


def test_beats_begin_and_end_with_the_music():
    mix, beats = struck(120, 10)
    quiet = np.zeros(4 * RATE)
    found = find_beats(samples(np.concatenate([quiet, mix, quiet])))["beats"]
    assert found[0] == pytest.approx(4 + beats[0], abs=0.04)
    assert found[-1] == pytest.approx(4 + beats[-1], abs=0.04)


def test_a_sine_of_minus_20_dbfs_on_two_channels_is_minus_20_lufs():
    """EBU Tech 3341: 1000 Hz at -23 dBFS on both channels is -23 LUFS."""
    wave = np.sin(2 * np.pi * 1000 * np.arange(5 * RATE) / RATE) * 10 ** (-20 / 20)
    assert loudness((wave * 32767).astype(np.int16)) == pytest.approx(-20, abs=0.2)
    pause = np.concatenate([wave, np.zeros(5 * RATE)])
    assert loudness((pause * 32767).astype(np.int16)) == pytest.approx(-20, abs=0.3)
    assert loudness(np.zeros(RATE, np.int16)) == SILENT
