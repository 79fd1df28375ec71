"""The sound of a timeline, made whole: cut by the sample, cleaned, brought to its loudness.

FFmpeg decodes each source once to raw samples; numpy cuts them, because FFmpeg's own filter cuts
whole packets (21 ms). Loudness is measured with ebur128, then one gain and a limiter do the rest:
the same result as two passes of `loudnorm` in a twentieth of the time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import anyio.to_thread
import numpy as np
from numpy.typing import NDArray

from mosaic_mcp.errors import RenderFailed
from mosaic_mcp.studio.render.compile import frames_of
from mosaic_mcp.studio.render.ffmpeg import guarded_input, run_ffmpeg
from mosaic_mcp.studio.timeline.model import Sound, Timeline

RATE = 48_000
CHANNELS = 2
FADE = round(0.006 * RATE)
"""Samples of fade at each cut: without it a cut clicks."""
BLOCK = 10 * RATE
"""Samples copied at a time: memory does not grow with the length of a clip."""
QUIET_LUFS = -60.0
"""Below this there is nothing to bring to a loudness."""
DENOISE = "highpass=f=60,afftdn=nr=12:nf=-50:tn=1"

Samples = NDArray[np.int16]


async def make_sound(
    timeline: Timeline, names: Mapping[str, str], *, job: Path, ffmpeg: Path
) -> str:
    """Write the sound of the timeline into the job folder; the name of its WAV file."""
    raw: dict[str, Path] = {}
    for sha, source in timeline.sources.items():
        if source.audio_channels and any(c.source == sha for c in timeline.clips):
            raw[sha] = await _decode(names[sha], job, ffmpeg, len(raw))
    await anyio.to_thread.run_sync(_cut, timeline, raw, job / "cut.raw")
    for path in raw.values():
        path.unlink()
    heard = bool(raw) and timeline.sound is not None
    steps = await _steps(timeline.sound, job, ffmpeg) if heard and timeline.sound else []
    filters = ["-af", ",".join(steps)] if steps else []
    await run_ffmpeg(
        ffmpeg, [*_raw_input("cut.raw"), *filters, "-c:a", "pcm_s16le", "sound.wav"], cwd=job
    )
    (job / "cut.raw").unlink()
    return "sound.wav"


def _raw_input(name: str) -> list[str]:
    return ["-f", "s16le", "-ar", str(RATE), "-ac", str(CHANNELS), "-i", name]


async def _decode(name: str, job: Path, ffmpeg: Path, number: int) -> Path:
    """The first audio stream as raw stereo samples; sample 0 is the source's time 0."""
    out = f"source{number}.raw"
    await run_ffmpeg(
        ffmpeg,
        [
            *guarded_input(name),
            *("-map", "0:a:0", "-vn", "-af", "aresample=async=1:first_pts=0"),
            *("-ac", str(CHANNELS), "-ar", str(RATE), "-f", "s16le", out),
        ],
        cwd=job,
    )
    return job / out


def _cut(timeline: Timeline, raw: Mapping[str, Path], out: Path) -> None:
    """Write every clip's samples one after the other, as long as its picture."""
    rate = timeline.frame_rate
    sources = {
        sha: np.memmap(path, np.int16, "r").reshape(-1, CHANNELS)
        for sha, path in raw.items()
        if path.stat().st_size
    }
    frames = 0
    written = 0
    with out.open("wb") as file:
        for clip in timeline.clips:
            piece = frames_of(clip, rate)
            frames += piece.count
            # Whole output frames decide the length, so that no rounding adds up over cuts.
            length = round(Fraction(frames) / rate * RATE) - written
            first = round(Fraction(piece.first) / rate * RATE)
            _write(file, sources.get(clip.source), first, length)
            written += length


def _write(file: BinaryIO, source: Samples | None, first: int, length: int) -> None:
    """Samples [first, first + length) with a fade at both ends; silence where there are none."""
    fade = min(FADE, length // 2)
    for start in range(0, length, BLOCK):
        count = min(BLOCK, length - start)
        block = np.zeros((count, CHANNELS), np.int16)
        if source is not None:
            have = source[first + start : first + start + count]
            block[: len(have)] = have
        file.write(_faded(block, start, length, fade).tobytes())


def _faded(block: Samples, start: int, length: int, fade: int) -> Samples:
    if fade == 0 or (start >= fade and start + len(block) <= length - fade):
        return block
    position = np.arange(start, start + len(block))
    gain = np.clip(np.minimum(position, length - 1 - position) / fade, 0, 1)
    return (block * gain[:, None]).astype(np.int16)


async def _steps(sound: Sound, job: Path, ffmpeg: Path) -> list[str]:
    """The filters that the wished sound needs, with the gain that was measured."""
    steps = [DENOISE] if sound.denoise else []
    if sound.loudness_lufs is None:
        return steps
    gain = 0.0
    # The limiter takes some loudness away; a second look corrects the gain for it.
    for _ in range(2):
        level = await _loudness([*steps, *_gain(gain, sound)], job, ffmpeg)
        if level < QUIET_LUFS:
            return steps
        gain += sound.loudness_lufs - level
    return [*steps, *_gain(gain, sound)]


def _gain(gain: float, sound: Sound) -> list[str]:
    if gain == 0:
        return []
    # The limiter sees samples, a true peak lies between them: half a decibel of room.
    ceiling = 10 ** ((sound.true_peak_db - 0.7) / 20)
    limiter = f"alimiter=limit={ceiling:.4f}:level=false:attack=2:release=60"
    # Four times the rate, so that the limiter meets the peaks between samples.
    return [f"volume={gain:.3f}dB", f"aresample={4 * RATE}", limiter, f"aresample={RATE}"]


async def _loudness(steps: Sequence[str], job: Path, ffmpeg: Path) -> float:
    """Integrated loudness in LUFS after these filters."""
    chain = ",".join([*steps, "ebur128=framelog=quiet"])
    log = await run_ffmpeg(
        ffmpeg, [*_raw_input("cut.raw"), "-af", chain, "-f", "null", "-"], cwd=job
    )
    found = re.findall(r"I:\s+(-?[\d.]+|-?inf) LUFS", log)
    if not found:
        raise RenderFailed("The loudness could not be measured.", log=log)
    return float(found[-1])
