"""Media whose truth is known: pictures that carry their number, clicks at known samples."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from fractions import Fraction
from hashlib import sha256
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
from PIL import Image

from mosaic_mcp.studio.timeline.model import Source

FFMPEG = Path(imageio_ffmpeg.get_ffmpeg_exe())
BITS = 10
WIDTH, HEIGHT = 240, 136
SAMPLES = 48_000


def numbered(number: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """A grey picture with ten upright bands: the bits of `number`, the highest on the left."""
    bands = [60 + 130 * (number >> bit & 1) for bit in reversed(range(BITS))]
    row = np.array([bands[x * BITS // width] for x in range(width)], np.uint8)
    return np.repeat(row[None, :], height, axis=0)


def numbers(path: Path, area: tuple[int, int, int, int] | None = None) -> list[int]:
    """What the pictures of a file say; `area` (x, y, width, height) is where to look."""
    found = []
    with av.open(path) as file:
        for frame in file.decode(video=0):
            grey = frame.to_ndarray(format="gray")
            if area:
                x, y, width, height = area
                grey = grey[y : y + height, x : x + width]
            middle = grey[grey.shape[0] // 2]
            at = [(2 * band + 1) * len(middle) // (2 * BITS) for band in range(BITS)]
            found.append(int("".join("1" if middle[x] > 125 else "0" for x in at), 2))
    return found


def write_video(
    path: Path,
    pictures: Sequence[np.ndarray],
    *,
    rate: Fraction = Fraction(30),
    times: Sequence[Fraction] | None = None,
    sound: np.ndarray | None = None,
    sample_aspect: Fraction | None = None,
) -> Path:
    """A file with these grey pictures at a rate, or at `times`; `sound` is (samples, channels)."""
    height, width = pictures[0].shape
    with av.open(path, "w") as file:
        stream = file.add_stream("libx264", rate=rate, options={"preset": "ultrafast", "crf": "10"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.gop_size = 12
        stream.codec_context.colorspace, stream.codec_context.color_range = 1, 1  # bt709, video
        tick = Fraction(1, 90_000) if times else 1 / rate
        stream.time_base = stream.codec_context.time_base = tick
        if sample_aspect:
            stream.codec_context.sample_aspect_ratio = sample_aspect
        if sound is not None:
            audio = file.add_stream("pcm_s16le", rate=SAMPLES)
            audio.layout = "mono" if sound.shape[1] == 1 else "stereo"
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, "gray").reformat(format="yuv420p")
            frame.pts = round(times[number] / tick) if times else number
            frame.time_base = tick
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
        if sound is not None:
            block = np.ascontiguousarray(sound.reshape(1, -1))
            frame = av.AudioFrame.from_ndarray(block, "s16", audio.layout.name)
            frame.sample_rate, frame.pts = SAMPLES, 0
            file.mux(audio.encode(frame))
            file.mux(audio.encode(None))
    return path


def write_hdr(path: Path, picture: np.ndarray, transfer: str, *, white: int = 203) -> Path:
    """Ten frames in HLG (arib-std-b67) or PQ (smpte2084), white at `white` nits."""
    still = path.with_suffix(".png")
    Image.fromarray(picture).save(still)
    ordinary = "setparams=color_primaries=bt709:color_trc=bt709:colorspace=gbr:range=pc"
    ffmpeg(
        *("-loop", "1", "-framerate", "30", "-t", "0.34", "-i", still),
        "-vf",
        f"format=gbrpf32le,{ordinary},zscale=t=linear:npl={white},zscale=p=bt2020,"
        f"zscale=t={transfer}:m=bt2020nc:r=tv:npl={white},format=yuv420p10le",
        *("-c:v", "libx265", "-x265-params", "log-level=error", "-crf", "8"),
        *("-color_primaries", "bt2020", "-color_trc", transfer),
        *("-colorspace", "bt2020nc", "-color_range", "tv", path),
    )
    return path


def counted(path: Path, frames: int, **more) -> Path:
    """A file whose pictures say 0, 1, 2 …"""
    return write_video(path, [numbered(n) for n in range(frames)], **more)


def clicks(seconds: float, at: Sequence[float], channels: int = 2) -> np.ndarray:
    """Silence with single full samples at these seconds."""
    sound = np.zeros((round(seconds * SAMPLES), channels), np.int16)
    for second in at:
        sound[round(second * SAMPLES)] = 20_000
    return sound


def tone(seconds: float, level_db: float, channels: int = 2) -> np.ndarray:
    """Something like speech: noise in bursts, at about this level below full scale."""
    rng = np.random.default_rng(5)
    count = round(seconds * SAMPLES)
    bursts = 0.35 + 0.65 * (np.sin(np.arange(count) * 2 * np.pi * 3 / SAMPLES) > 0)
    wave = rng.normal(0, 0.25, count) * bursts * 10 ** (level_db / 20)
    return np.repeat((np.clip(wave, -1, 1) * 32767).astype(np.int16)[:, None], channels, axis=1)


def source_of(path: Path, *, name: str | None = None, **more) -> Source:
    """The file as a source, with the facts that its container states."""
    with av.open(path) as file:
        video = file.streams.video[0]
        sounds = file.streams.audio
        aspect = video.codec_context.sample_aspect_ratio or 1
        facts = {
            "sha256": sha256(path.read_bytes()).hexdigest(),
            "name": name or path.name,
            "duration": Fraction(file.duration, av.time_base),
            "width": round(video.width * aspect),
            "height": video.height,
            "frame_rate": Fraction(video.average_rate),
            "audio_channels": sounds[0].channels if sounds else 0,
            "audio_rate": sounds[0].rate if sounds else 0,
        }
    return Source(**(facts | more))


def ffmpeg(*args: object) -> str:
    """Run FFmpeg for a test's own needs; its messages."""
    done = subprocess.run(
        [FFMPEG, "-hide_banner", "-nostdin", "-y", *map(str, args)],
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stderr
