"""How loud a sound is, about as EBU R128 hears it. Runs in the helper.

One channel in place of all, weighted by frequency instead of through filters: within 1 LU of a
meter on speech and music. Renders are measured exactly (`render/loudness.py`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mosaic_mcp.studio.perception.opening import samples

RATE = 24_000
STEP = RATE // 10
SILENT = -120.0
_GATE_LUFS = -70.0
_RELATIVE_LU = -10.0
_TWO_CHANNELS_DB = 3.01
"""The sum of two equal channels; a mono sound is heard on both."""


def level(argument: dict[str, Any]) -> dict[str, float]:
    """`lufs` of the file at `path`."""
    return {"lufs": round(loudness(samples(argument["path"], RATE)), 2)}


def loudness(sound: NDArray[np.int16]) -> float:
    """Integrated loudness of mono samples at RATE, as played on two channels."""
    usable = len(sound) // STEP * STEP
    steps = sound[:usable].reshape(-1, STEP)
    weights = _weights()
    powers = [
        (np.abs(np.fft.rfft(steps[at : at + 600] / 32768, axis=1)) ** 2 @ weights)
        for at in range(0, len(steps), 600)
    ]
    if len(steps) < 4:
        return SILENT
    # Blocks of 0.4 s, overlapping by three quarters.
    blocks = np.convolve(np.concatenate(powers), np.ones(4) / 4, "valid")
    heard = blocks[_lufs(blocks) > _GATE_LUFS]
    if not len(heard):
        return SILENT
    loud = heard[_lufs(heard) > _lufs(heard.mean()) + _RELATIVE_LU]
    return float(_lufs(loud.mean()))


def _lufs(power: Any) -> Any:
    return -0.691 + _TWO_CHANNELS_DB + 10 * np.log10(power + 1e-15)


def _weights() -> NDArray[np.float64]:
    """What each frequency adds to the mean square: K-weighting (ITU-R BS.1770), squared."""
    z = np.exp(-2j * np.pi * np.fft.rfftfreq(STEP, 1 / RATE) / 48_000)
    shelf = (1.53512485958697 - 2.69169618940638 * z + 1.19839281085285 * z**2) / (
        1 - 1.69065929318241 * z + 0.73248077421585 * z**2
    )
    high_pass = (1 - 2 * z + z**2) / (1 - 1.99004745483398 * z + 0.99007225036621 * z**2)
    both_sides = np.full(len(z), 2.0)
    both_sides[[0, -1]] = 1.0
    return np.abs(shelf * high_pass) ** 2 * both_sides / STEP**2
