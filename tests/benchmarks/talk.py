"""The talk that speed is measured on: the sample as a camera would give it, again and again.

MOSAIC_BENCH_CLIP names another clip to take the picture from, such as a real one.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import av

import mosaic_mcp
from mosaic_mcp.settings import Settings
from mosaic_mcp.studio.render.ffmpeg import find_ffmpeg

SAMPLE = Path(mosaic_mcp.__file__).parent / "sample" / "talk.mp4"
CLIP = Path(os.environ.get("MOSAIC_BENCH_CLIP", SAMPLE)).absolute()
FFMPEG = find_ffmpeg(Settings(home=Path()))
GROUP = 60
"""Frames from one key frame of the talk to the next: two seconds."""
MOST_S = 58
"""Seconds of the sample in whole groups."""


def ffmpeg(folder: Path, *args: object) -> None:
    """Run FFmpeg by hand."""
    command = [str(FFMPEG), "-v", "error", "-nostdin", "-y", *map(str, args)]
    subprocess.run(command, cwd=folder, check=True)


def among(letter: str, spans: Sequence[tuple[float, float]]) -> str:
    """1 where FFmpeg's variable is in one of the spans, both ends included.

    A sum of `between` is what most write; with some hundred terms FFmpeg cannot read it any more.
    """
    if len(spans) == 1:
        return f"between({letter},{spans[0][0]},{spans[0][1]})"
    half = len(spans) // 2
    return (
        f"if(lt({letter},{spans[half][0]}),{among(letter, spans[:half])},"
        f"{among(letter, spans[half:])})"
    )


def part_s(seconds: int, most: int = MOST_S) -> int:
    """How much of a clip of `most` seconds is repeated to make so many seconds; all are even."""
    if seconds < 2 or seconds % 2:
        raise ValueError(f"{seconds} seconds are not whole groups of pictures: give an even number")
    return max(n for n in range(2, most + 1, 2) if seconds % n == 0)


def clip_s() -> int:
    """Seconds of the clip in whole groups."""
    if CLIP == SAMPLE:
        return MOST_S
    with av.open(CLIP) as file:
        return int((file.duration or 0) / av.time_base) // 2 * 2


def make_talk(folder: Path, seconds: int) -> None:
    """`in.mp4`: 1080p, 30 frames a second, grain, about 8 Mbit/s, a key frame every two seconds.

    A part of the clip is encoded and its picture repeated as it is: grain takes long to encode.
    """
    length = part_s(seconds, clip_s())
    picture = "scale=1920:1080:flags=bicubic,setsar=1,fps=30,format=yuv420p,noise=c0s=5:c0f=t"
    ffmpeg(
        folder,
        *("-i", CLIP, "-t", length, "-vf", picture, "-an"),
        *("-c:v", "libx264", "-preset", "veryfast", "-crf", 20, "-g", GROUP, "-sc_threshold", 0),
        *("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"),
        *("-color_range", "tv", "part.mp4"),
    )
    (folder / "parts.txt").write_text("file part.mp4\n" * (seconds // length), "utf-8")
    sound = f"aresample=48000,atrim=end={length},aloop=-1:{length * 48_000},atrim=end={seconds}"
    ffmpeg(
        folder,
        *("-f", "concat", "-i", "parts.txt", "-i", SAMPLE, "-map", "0:v", "-map", "1:a"),
        *("-c:v", "copy", "-af", sound, "-c:a", "aac", "-ac", 2, "in.mp4"),
    )
