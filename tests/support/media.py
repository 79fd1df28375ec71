"""Tiny real media files, made on the spot."""

from __future__ import annotations

import math
import struct
import subprocess
import wave
from pathlib import Path

import imageio_ffmpeg
from PIL import Image


def video(path: Path, *, seconds: float = 2, size: str = "160x120") -> Path:
    """A moving test picture with a tone."""
    subprocess.run(
        [
            imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y",
            "-f", "lavfi", "-i", f"testsrc2=size={size}:rate=25:duration={seconds}",
            "-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}",
            "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p",
            "-c:a", "aac", "-shortest", str(path),
        ],
        check=True,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return path


def sound(path: Path, *, seconds: float = 1) -> Path:
    """A 440 Hz tone as WAV."""
    rate = 16_000
    samples = (
        round(9000 * math.sin(2 * math.pi * 440 * n / rate)) for n in range(round(seconds * rate))
    )
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return path


def picture(path: Path, *, colour: str = "red") -> Path:
    """A plain picture; the format follows the suffix."""
    Image.new("RGB", (32, 24), colour).save(path)
    return path
