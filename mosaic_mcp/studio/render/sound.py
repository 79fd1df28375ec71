"""The whole sound of a video, cut by the sample.

Each needed stretch of each source is decoded once to 48 kHz stereo 16-bit samples in the job's
folder. The programme is put together from slices of these files (mapped, not loaded), with a short
fade at both sides of every cut, so that a cut never clicks. Its length is that of the picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import anyio
import anyio.to_thread
import numpy as np
from numpy.typing import NDArray

from mosaic_mcp.studio.render.facts import Facts
from mosaic_mcp.studio.render.ffmpeg import guarded_input, run_ffmpeg
from mosaic_mcp.studio.render.pieces import FAR_S
from mosaic_mcp.studio.side_by_side import side_by_side
from mosaic_mcp.studio.timeline.edit import offsets
from mosaic_mcp.studio.timeline.model import Clip, Source, Timeline, Track

RATE = 48_000
CHANNELS = 2
AT_ONCE = 4
"""Stretches that are decoded side by side."""
FADE = RATE * 6 // 1000
"""Samples of the fade at a cut: 6 ms."""
PROGRAMME = "programme.pcm"

_PREROLL_S = 1
"""Decoders need some packets before the first sample that counts (AAC 21 ms, Opus 80 ms)."""
_BLOCK = 1 << 20
Samples = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a source's sound that is decoded in one go, in whole seconds of source time."""

    source: str
    start: int
    end: int

    def holds(self, clip: Clip) -> bool:
        """True when the clip's sound lies inside."""
        return self.source == clip.source and self.start <= clip.start and clip.end <= self.end


def stretches(timeline: Timeline) -> list[Stretch]:
    """What must be decoded: clips that lie near each other share a stretch."""
    found: list[Stretch] = []
    for clip in sorted(timeline.clips, key=lambda c: (c.source, c.start)):
        if not timeline.sources[clip.source].audio_channels or clip.muted:
            continue
        start, end = max(0, int(clip.start) - _PREROLL_S), int(clip.end) + 2
        before = found[-1] if found else None
        if before and before.source == clip.source and start - before.end < FAR_S:
            found[-1] = Stretch(clip.source, before.start, max(before.end, end))
        else:
            found.append(Stretch(clip.source, start, end))
    return found


async def programme(
    timeline: Timeline,
    facts: Mapping[str, Facts],
    names: Mapping[str, str],
    *,
    ffmpeg: Path,
    job: Path,
) -> int:
    """Write the sound of a settled timeline to `PROGRAMME` in the job's folder.

    Returns its length in samples. Without any sound it is silence.
    """
    wanted = stretches(timeline)
    decoded = {stretch: job / f"stretch{i}.pcm" for i, stretch in enumerate(wanted)}
    limit = anyio.CapacityLimiter(AT_ONCE)

    async def decode(stretch: Stretch, path: Path) -> None:
        source = timeline.sources[stretch.source]
        stored, name = facts[stretch.source], names[stretch.source]
        async with limit:
            await _decode(stretch, source, stored, name, path, ffmpeg)

    async with side_by_side() as group:
        for stretch, path in decoded.items():
            group.start_soon(decode, stretch, path)
    return await anyio.to_thread.run_sync(assemble, timeline, decoded, job)


async def decode_track(
    track: Track, source: Source, facts: Facts, name: str, to: Path, *, ffmpeg: Path
) -> int:
    """Write the samples of a track's source from the whole second before its start to `to`.

    Returns how many samples of them lie before the start.
    """
    start = int(track.start)
    end = source.duration if track.end is None else min(track.end, source.duration)
    await _decode(Stretch(source.sha256, start, int(end) + 1), source, facts, name, to, ffmpeg)
    return round((track.start - start) * RATE)


async def _decode(
    stretch: Stretch, source: Source, facts: Facts, name: str, to: Path, ffmpeg: Path
) -> None:
    """Samples of a stretch; gaps in the source's sound become silence of the same length."""
    seek = stretch.start if facts.seekable else 0
    options = ["-ss", str(seek)] if seek else []
    options += ["-t", str(stretch.end - seek)]
    # `first_pts=0` pads or trims to the input's start; `async=1` fills gaps in the timestamps.
    filters = [f"aresample={RATE}:async=1:first_pts=0"]
    if stretch.start > seek:
        filters.append(f"atrim=start={stretch.start}")
    # FFmpeg would turn a mono sound down by 3 dB; on two channels it shall be as loud.
    stereo = "pan=stereo|c0=c0|c1=c0" if source.audio_channels == 1 else ""
    filters += [*([stereo] if stereo else []), "aformat=sample_fmts=s16:channel_layouts=stereo"]
    args = [
        *guarded_input(name, *options),
        *("-map", "0:a:0", "-vn", "-sn", "-dn", "-af", ",".join(filters), "-f", "s16le", to.name),
    ]
    await run_ffmpeg(ffmpeg, args, cwd=to.parent)


def assemble(timeline: Timeline, decoded: Mapping[Stretch, Path], job: Path) -> int:
    """Write the slices of all clips one after the other; returns the length in samples."""
    sounds = {stretch: mapped(path) for stretch, path in decoded.items()}
    starts = [round(at * RATE) for at in offsets(timeline)]
    with (job / PROGRAMME).open("wb") as out:
        for clip, first, last in zip(timeline.clips, starts, starts[1:], strict=False):
            stretch = next((s for s in sounds if s.holds(clip)), None)
            if stretch is None or clip.muted:
                _write_silence(out, last - first)
            else:
                begin = round((clip.start - stretch.start) * RATE)
                _write_slice(out, sounds[stretch], begin, last - first, clip.volume)
    return starts[-1]


def mapped(path: Path) -> Samples:
    """The samples of a file, (count, channels), read as they are needed."""
    frame = CHANNELS * 2
    count = path.stat().st_size // frame
    if count == 0:
        return np.zeros((0, CHANNELS), np.int16)
    return np.memmap(path, np.int16, "r", shape=(count, CHANNELS))


def _write_slice(
    out: BinaryIO, sound: Samples, begin: int, length: int, volume: float = 1.0
) -> None:
    """`length` samples from `begin`, faded at both ends; silence where the sound has ended."""
    fade = min(FADE, length // 2)
    ramp = np.linspace(0.0, 1.0, fade, dtype=np.float32)[:, None]
    for at in range(0, length, _BLOCK):
        size = min(_BLOCK, length - at)
        block = np.zeros((size, CHANNELS), np.int16)
        piece = sound[begin + at : begin + at + size]
        block[: len(piece)] = piece if volume == 1 else piece * volume
        _faded(block, at, length, ramp)
        out.write(block.tobytes())


def _faded(block: Samples, at: int, length: int, ramp: NDArray[np.float32]) -> None:
    """Apply the part of the fades that falls into `block`, which begins at sample `at`."""
    fade = len(ramp)
    size = len(block)
    if at < fade:
        part = ramp[at : at + size]
        block[: len(part)] = (block[: len(part)] * part).astype(np.int16)
    first = max(length - fade, at)
    if first < at + size:
        part = ramp[::-1][first - (length - fade) : at + size - (length - fade)]
        block[first - at :] = (block[first - at :] * part).astype(np.int16)


def _write_silence(out: BinaryIO, length: int) -> None:
    for at in range(0, length, _BLOCK):
        out.write(bytes(min(_BLOCK, length - at) * CHANNELS * 2))


def noise_floor(path: Path) -> float:
    """Level of the quietest twentieth of a sound, in dB below full scale; -120 for silence."""
    samples = mapped(path)
    window = RATE // 50
    levels: list[NDArray[np.float64]] = []
    for at in range(0, len(samples) - window + 1, window * 500):
        block = samples[at : at + window * 500].mean(axis=1)
        whole = block[: len(block) // window * window].reshape(-1, window)
        levels.append(np.sqrt((whole**2).mean(axis=1)))
    heard = np.concatenate(levels) if levels else np.zeros(0)
    # Below one step of 16 bits lies digital silence, which is no noise to measure.
    heard = heard[heard >= 1]
    return float(20 * np.log10(np.percentile(heard, 5) / 32768)) if len(heard) else -120.0
