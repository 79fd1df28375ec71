"""A recipe as a WAV file: the score played, mixed and brought to its level. Runs in the helper."""

from __future__ import annotations

import wave
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mosaic_mcp.studio.composing.instruments import RATE, drum, note
from mosaic_mcp.studio.composing.moods import named
from mosaic_mcp.studio.composing.score import Event, Score
from mosaic_mcp.studio.perception.level import loudness

LEVEL_LUFS = -18.0
PEAK = 10 ** (-1.5 / 20)
RING_S = 1.8
"""The last chord has at least this long to fade."""
LOOP_BARS = 32
Mix = NDArray[np.float32]


def compose(argument: dict[str, Any]) -> dict[str, Any]:
    """Write the piece of a recipe to the file `path`; answers how many bars it has.

    A recipe: `mood`, `bpm`, `intensity`, `seed`, `seconds` (None: a loop of LOOP_BARS bars).
    """
    mix, bars = play(
        argument["mood"],
        bpm=float(argument["bpm"]),
        intensity=argument["intensity"],
        seed=int(argument["seed"]),
        seconds=argument["seconds"],
    )
    with wave.open(argument["path"], "wb") as file:
        file.setparams((2, 2, RATE, 0, "NONE", ""))
        file.writeframes(np.rint(mix * 32767).astype("<i2").tobytes())
    return {"bars": bars}


def play(
    mood: str, *, bpm: float, intensity: Any, seed: int, seconds: float | None
) -> tuple[Mix, int]:
    """The piece, (samples, 2) within -1..1, and its bars; it lasts `seconds` to the sample."""
    beat = 60 / bpm
    loop = seconds is None
    bars = LOOP_BARS if seconds is None else max(1, int((seconds - RING_S) / (4 * beat)))
    length = round((4 * beat * bars if seconds is None else seconds) * RATE)
    mix = np.zeros((length, 2), np.float32)
    for event in Score(named(mood), intensity, bars, seed, loop=loop).events():
        _add(mix, event, beat, loop=loop)
    if not loop:
        _fade(mix, round(4 * beat * bars * RATE))
    return _level(mix), bars


def _add(mix: Mix, event: Event, beat: float, *, loop: bool) -> None:
    """Lay a note into the mix; what rings past the end of a loop is heard at its beginning."""
    if event.pitch is None:
        sound = drum(event.sound)  # pyright: ignore[reportArgumentType]
    else:
        held = round(event.beats * beat, 4)
        sound = note(event.sound, event.pitch, held)  # pyright: ignore[reportArgumentType]
    sides = np.array((min(1.0, 1 - event.pan), min(1.0, 1 + event.pan)), np.float32) * event.gain
    at = round(event.at * beat * RATE)
    while len(sound) and (at < len(mix) or loop):
        at %= len(mix)
        part = sound[: len(mix) - at]
        mix[at : at + len(part)] += part * sides
        sound, at = sound[len(part) :], at + len(part)
        if not loop:
            return


def _fade(mix: Mix, last: int) -> None:
    """Let what rings after the last bar fade to nothing at the end."""
    last = min(last, max(0, len(mix) - RATE // 2))
    ring = len(mix) - last
    mix[last:] *= np.linspace(1, 0, ring, dtype=np.float32)[:, None] ** 1.5
    rise = min(RATE // 100, len(mix))
    mix[:rise] *= np.linspace(0, 1, rise, dtype=np.float32)[:, None]


def _level(mix: Mix) -> Mix:
    """At LEVEL_LUFS; what would be above PEAK is rounded off, never cut."""
    half = mix[: len(mix) // 2 * 2].reshape(-1, 2, 2).mean(axis=(1, 2))
    scale = 0.5 / max(float(np.abs(half).max(initial=0.0)), 1e-6)
    found = loudness(np.rint(half * scale * 32767).astype(np.int16))
    gain = scale * 10 ** ((LEVEL_LUFS - found) / 20) if found > -100 else 1.0
    mix = mix * np.float32(gain)
    knee = np.float32(0.7 * PEAK)
    over = np.abs(mix) > knee
    room = PEAK - knee
    mix[over] = np.sign(mix[over]) * (knee + room * np.tanh((np.abs(mix[over]) - knee) / room))
    return mix
