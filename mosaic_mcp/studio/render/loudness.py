"""Finish a sound: less noise, the wanted loudness, no overs; and encode it.

Loudness is measured (EBU R128), raised by one gain, and its peaks are limited at four times the
sample rate, which is what a true peak is. The encoded result is measured again, because limiting
makes it softer and AAC moves peaks; gain and ceiling are corrected until both figures hold.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import anyio.to_thread

from mosaic_mcp.studio.perception.model import Loudness
from mosaic_mcp.studio.render.ffmpeg import run_ffmpeg
from mosaic_mcp.studio.render.sound import CHANNELS, PROGRAMME, RATE, noise_floor
from mosaic_mcp.studio.timeline.model import Sound

ENCODED = "sound.m4a"
TOLERANCE_LU = 0.3
"""How near to the target the result must be; ±0.5 is promised."""

ENCODER = ("-c:a", "aac", "-aac_coder", "fast", "-b:a", "192k")
"""The fast coder costs a third; at 192 kbit/s speech does not tell."""

_CLEAN = "clean.pcm"
_SILENT_LUFS = -69.0
"""EBU R128 gates at -70: what is measured below has no loudness to raise."""
_MOST_GAIN_DB = 40.0
ROUNDS = 5
"""How often gain and ceiling are corrected at most."""
_DENOISE_DELAY = RATE // 40
"""Samples by which FFmpeg's afftdn delays the sound, and does not say so."""
_CLEAN_DB = -75.0
"""Noise below this is not heard: nothing to reduce."""
_PCM = ("-f", "s16le", "-ar", str(RATE), "-ch_layout", "stereo")


@dataclass(frozen=True, slots=True)
class _Setting:
    gain_db: float
    ceiling_db: float


async def clean(sound: Sound | None, samples: int, *, ffmpeg: Path, job: Path) -> str:
    """The file with the programme of `samples` samples, with less noise where that is asked."""
    if sound is None or not sound.denoise:
        return PROGRAMME
    floor = await anyio.to_thread.run_sync(noise_floor, job / PROGRAMME)
    if floor <= _CLEAN_DB:
        return PROGRAMME
    steps = f"{_denoise(floor)},{_exactly(samples)}"
    await run_ffmpeg(ffmpeg, [*_PCM, "-i", PROGRAMME, "-af", steps, *_PCM, _CLEAN], cwd=job)
    return _CLEAN


async def finish(
    sound: Sound | None,
    name: str,
    samples: int,
    *,
    ffmpeg: Path,
    job: Path,
    rounds: int = ROUNDS,
) -> list[str]:
    """Encode the `samples` samples of the file `name` to `ENCODED`; returns notes.

    Loudness is corrected in at most `rounds` tries.
    """
    if sound is None or sound.loudness_lufs is None:
        await _encode(name, None, samples, ffmpeg, job)
        return []
    return await _levelled(name, sound, sound.loudness_lufs, samples, ffmpeg, job, rounds)


def _denoise(floor: float) -> str:
    """Filters that lower noise of this level by 12 dB, and rumble.

    The level is told, not tracked: FFmpeg's own tracking found too little (3 dB less noise at
    -49 dBFS, where the told level gives 12).
    """
    level = min(max(floor + 3, -80.0), -30.0)
    return (
        f"highpass=f=60,apad=pad_len={_DENOISE_DELAY},"
        f"afftdn=noise_reduction=12:noise_floor={level:.1f},"
        f"atrim=start_sample={_DENOISE_DELAY},asetpts=N/SR/TB"
    )


async def _levelled(
    name: str, sound: Sound, target: float, samples: int, ffmpeg: Path, job: Path, rounds: int
) -> list[str]:
    found = await measure([*_PCM, "-i", name], ffmpeg=ffmpeg, job=job)
    if found.integrated_lufs < _SILENT_LUFS:
        await _encode(name, None, samples, ffmpeg, job)
        return ["The sound is silent or shorter than 0.4 s: its loudness was left as it is."]
    gain = min(target - found.integrated_lufs, _MOST_GAIN_DB)
    ceiling = sound.true_peak_db - 0.3
    short = 0.0
    for _ in range(rounds):
        await _encode(name, _Setting(gain, ceiling), samples, ffmpeg, job)
        found = await measure(["-i", ENCODED], ffmpeg=ffmpeg, job=job)
        short = target - found.integrated_lufs
        over = found.true_peak_db - sound.true_peak_db
        if (abs(short) <= TOLERANCE_LU or gain >= _MOST_GAIN_DB) and over <= 0:
            break
        gain = min(gain + short, _MOST_GAIN_DB)
        ceiling -= over + 0.1 if over > 0 else 0.0
    if abs(short) > TOLERANCE_LU:
        return [f"The sound reached {found.integrated_lufs:.1f} LUFS instead of {target:.1f}."]
    return []


async def measure(source: list[str], *, ffmpeg: Path, job: Path) -> Loudness:
    """Integrated loudness and true peak; `source` are FFmpeg's input arguments."""
    args = [*source, "-map", "0:a:0", "-af", "ebur128=peak=true:framelog=quiet", "-f", "null", "-"]
    ended = await run_ffmpeg(ffmpeg, args, cwd=job)
    return parse_loudness(ended.log)


def parse_loudness(log: str) -> Loudness:
    """The summary that FFmpeg's ebur128 filter prints at the end."""

    def last(pattern: str) -> float:
        found = re.findall(pattern, log)
        # "-inf" and "nan" are what it says about silence.
        return float(found[-1]) if found and re.match(r"-?\d", found[-1]) else -120.0

    return Loudness(
        integrated_lufs=last(r"I:\s+(\S+) LUFS"), true_peak_db=last(r"Peak:\s+(\S+) dBFS")
    )


async def _encode(
    name: str, setting: _Setting | None, samples: int, ffmpeg: Path, job: Path
) -> None:
    steps: list[str] = []
    if setting:
        limit = min(1.0, max(0.0625, 10 ** (setting.ceiling_db / 20)))
        steps = [
            f"volume={setting.gain_db:.3f}dB:precision=float",
            f"aresample={4 * RATE}",
            # `latency` takes the look-ahead's delay out again; `level` would undo the gain.
            f"alimiter=limit={limit:.6f}:attack=5:release=50:level=false:latency=true",
            f"aresample={RATE}",
        ]
    steps.append(_exactly(samples))
    args = [*_PCM, "-i", name, "-af", ",".join(steps), *ENCODER, "-ac", str(CHANNELS)]
    await run_ffmpeg(ffmpeg, [*args, ENCODED], cwd=job)


def _exactly(samples: int) -> str:
    """Filters that make the sound `samples` long: some of the others round to their blocks."""
    return f"apad=whole_len={samples},atrim=end_sample={samples}"
