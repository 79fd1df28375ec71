"""Sound beside that of the clips, mixed in by the sample: music under speech, a voice over all.

What somebody says is found by its level, in windows of 20 ms: the programme's and the voices'. A
gain follows it slowly, so that music neither pumps nor covers the first syllable.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio.to_thread
import numpy as np
from numpy.typing import NDArray

from mosaic_mcp.studio.render.facts import Facts
from mosaic_mcp.studio.render.sound import CHANNELS, RATE, Samples, decode_track, mapped
from mosaic_mcp.studio.timeline.model import Timeline, Track

MIXED = "mixed.pcm"
WINDOW = RATE // 50
EARLY_S = 0.2
"""Music is soft this long before somebody speaks, and stays so for HOLD_S after."""
HOLD_S = 0.5
QUIET_DB = -55.0
"""Below this nobody speaks, however quiet the rest is."""
KNEE = 32767 * 0.9
"""Samples up to here are left as they are."""
Gain = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Laid:
    """A track with its samples, where they lie in the output."""

    track: Track
    samples: Samples

    def block(self, first: int, count: int, total: int) -> NDArray[np.float32]:
        """`count` samples of the output from `first`, faded and at the track's gain."""
        at = round(self.track.at * RATE)
        out = np.zeros((count, CHANNELS), np.float32)
        length = len(self.samples)
        ends = total if self.track.loop else min(total, at + length)
        if self.track.until is not None:
            ends = min(ends, round(self.track.until * RATE))
        begin, end = max(first, at), min(first + count, ends)
        if begin >= end or not length:
            return out
        places = np.arange(begin - at, end - at)
        part = self.samples[places % length].astype(np.float32)
        fade = max(1, min(round(self.track.fade_s * RATE), (ends - at) // 2))
        edge = np.minimum(places + 1, ends - at - places) / fade
        gain = 10 ** (self.track.gain_db / 20)
        out[begin - first : end - first] = part * (gain * np.minimum(edge, 1.0))[:, None]
        return out


async def mixed(
    timeline: Timeline,
    name: str,
    samples: int,
    facts: Mapping[str, Facts],
    names: Mapping[str, str],
    *,
    ffmpeg: Path,
    job: Path,
) -> str:
    """The file with the `samples` samples of `name` and the timeline's tracks; both in `job`."""
    if not timeline.tracks:
        return name
    laid: list[Laid] = []
    for index, track in enumerate(timeline.tracks):
        path = job / f"track{index}.pcm"
        source = timeline.sources[track.source]
        stored, file = facts[track.source], names[track.source]
        before = await decode_track(track, source, stored, file, path, ffmpeg=ffmpeg)
        end = source.duration if track.end is None else track.end
        count = max(0, round((end - track.start) * RATE))
        laid.append(Laid(track, mapped(path)[before : before + count]))
    await anyio.to_thread.run_sync(_mix, mapped(job / name), laid, samples, job / MIXED)
    return MIXED


def _mix(programme: Samples, laid: Sequence[Laid], total: int, out: Path) -> None:
    voices = [one for one in laid if one.track.kind == "voice"]
    speech = _speaking(programme, total) | _speaking_over(voices, total)
    under_voice = _smooth(_speaking_over(voices, total))
    under_speech = _smooth(speech)
    beside_voice = min((one.track.duck_db for one in voices), default=0.0)
    with out.open("wb") as file:
        for first, count in _blocks(total):
            windows = slice(first // WINDOW, -(-(first + count) // WINDOW))
            block = np.zeros((count, CHANNELS), np.float32)
            piece = programme[first : first + count].astype(np.float32)
            block[: len(piece)] = piece
            block *= _gain(under_voice[windows], beside_voice, count)
            for one in laid:
                sound = one.block(first, count, total)
                if one.track.kind == "music" and one.track.duck_db:
                    sound *= _gain(under_speech[windows], one.track.duck_db, count)
                elif (
                    one.track.kind == "music"
                ):  # laid where nobody spoke: as all else beside a voice
                    sound *= _gain(under_voice[windows], beside_voice, count)
                block += sound
            file.write(np.rint(_rounded(block)).astype(np.int16).tobytes())


def _rounded(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """What together would be too loud is bent below full scale, where clipping would crack."""
    over = np.abs(block) > KNEE
    room = 32767 - KNEE
    block[over] = np.sign(block[over]) * (
        KNEE + room * np.tanh((np.abs(block[over]) - KNEE) / room)
    )
    return block


def _blocks(total: int) -> Iterator[tuple[int, int]]:
    size = WINDOW * 500
    for first in range(0, total, size):
        yield first, min(size, total - first)


def _levels(sound: Samples, total: int) -> NDArray[np.float64]:
    """Level of each window, dB below full scale."""
    levels: list[NDArray[np.float64]] = []
    for first, count in _blocks(total):
        block = np.zeros((-(-count // WINDOW) * WINDOW, CHANNELS), np.float32)
        piece = sound[first : first + count]
        block[: len(piece)] = piece
        power = (block.reshape(-1, WINDOW * CHANNELS).astype(np.float64) ** 2).mean(axis=1)
        levels.append(10 * np.log10(power / 32768**2 + 1e-12))
    return np.concatenate(levels) if levels else np.zeros(0)


def _speaking(sound: Samples, total: int) -> NDArray[np.bool_]:
    """Windows in which the sound is loud for what it is."""
    levels = _levels(sound, total)
    if not len(levels):
        return np.zeros(0, bool)
    low, high = np.percentile(levels, [10, 95])
    return levels > max(low + 0.35 * (high - low), QUIET_DB)


def _speaking_over(voices: Sequence[Laid], total: int) -> NDArray[np.bool_]:
    """Windows in which one of the voices is heard."""
    loud = np.zeros(-(-total // WINDOW), bool)
    for voice in voices:
        for first, count in _blocks(total):
            block = voice.block(first, -(-count // WINDOW) * WINDOW, total)
            peak = np.abs(block).reshape(-1, WINDOW * CHANNELS).max(axis=1)
            loud[first // WINDOW : first // WINDOW + len(peak)] |= peak > 32768 * 10 ** (-45 / 20)
    return loud


def _smooth(loud: NDArray[np.bool_]) -> Gain:
    """0 where everything is as loud as it is, 1 where it is to be soft, and ramps between."""
    early, hold = round(EARLY_S * RATE / WINDOW), round(HOLD_S * RATE / WINDOW)
    wide = loud.copy()
    for index in np.flatnonzero(loud):
        wide[max(0, index - early) : index + hold] = True
    ramp = np.hanning(2 * early + 3)[1:-1]
    padded = np.pad(wide.astype(np.float64), early, mode="edge")
    return np.convolve(padded, ramp / ramp.sum(), mode="valid").astype(np.float32)


def _gain(depth: Gain, duck_db: float, count: int) -> NDArray[np.float32]:
    """Gain of each of `count` samples, from the depth of each window."""
    if not duck_db or not len(depth):
        return np.ones((count, 1), np.float32)
    middles = (np.arange(len(depth)) + 0.5) * WINDOW
    each = np.interp(np.arange(count), middles, depth)
    return (10 ** (duck_db * each / 20)).astype(np.float32)[:, None]
