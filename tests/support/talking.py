"""A talking head made on the spot, with the truth about every word, face and shot.

The voice is espeak-ng's, which tells when each word begins; the face is the astronaut picture of
scikit-image, moved over a plain background.
"""

from __future__ import annotations

import subprocess
import wave
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from skimage.data import astronaut

from mosaic_mcp.studio.perception.model import Face, SpokenWord
from tests.support.voice import espeak

RATE = 25
WIDTH, HEIGHT = 640, 360
FILLERS = {"um", "uh", "er"}
_HEAD = (96, 0, 352, 256)
"""Where the head is in the astronaut picture, and the face (x, y, width, height) in that part."""
_FACE = (80, 65, 100, 125)


@dataclass(frozen=True)
class Truth:
    """What is really in the video."""

    words: list[SpokenWord]
    faces: list[Face]
    """One for every frame."""
    shots: list[Fraction]
    duration: Fraction

    def srt(self, *, fillers: bool = True) -> str:
        """The words as subtitles, one cue for each run of up to six."""
        said = [w for w in self.words if fillers or not w.filler]
        cues = [said[i : i + 6] for i in range(0, len(said), 6)]
        return "\n".join(
            f"{n}\n{_stamp(cue[0].start)} --> {_stamp(cue[-1].end)}\n"
            f"{' '.join(w.text for w in cue)}\n"
            for n, cue in enumerate(cues, 1)
        )


def talking_head(path: Path, script: str, *, cut_at: float) -> Truth:
    """Make the video: `script` as in `tiles.speak`, one cut at `cut_at` seconds.

    In the first shot the head sways on the left, in the second it walks from the centre to the
    right.
    """
    sound, rate, words = _voice(script)
    frames = len(sound) * RATE // rate
    wav = path.with_suffix(".wav")
    with wave.open(str(wav), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes(sound.tobytes())
    cut = round(cut_at * RATE)
    places = [_place(n, cut, frames) for n in range(frames)]
    pictures = b"".join(_frame(x, shot).tobytes() for x, shot in places)
    subprocess.run(
        [
            imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y",
            "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(RATE),
            "-i", "-", "-i", str(wav), "-c:v", "libx264", "-preset", "ultrafast", "-g", "25",
            "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "96k", "-shortest", str(path),
        ],
        input=pictures,
        check=True,
    )  # fmt: skip
    faces = [
        Face(
            time=Fraction(n, RATE),
            x=(x + _FACE[0] + _FACE[2] / 2) / WIDTH,
            y=(_TOP + _FACE[1] + _FACE[3] / 2) / HEIGHT,
            width=_FACE[2] / WIDTH,
            height=_FACE[3] / HEIGHT,
        )
        for n, (x, _) in enumerate(places)
    ]
    shots = [Fraction(0), Fraction(cut, RATE)]
    return Truth(words, faces, shots, Fraction(frames, RATE))


_TOP = HEIGHT - (_HEAD[3] - _HEAD[1])


def _place(number: int, cut: int, frames: int) -> tuple[int, int]:
    """The left edge of the head in a frame, and the shot."""
    if number < cut:
        return round(30 + 8 * np.sin(number / 9)), 0
    walked = (number - cut) / (frames - cut)
    return round(200 + 150 * walked), 1


@cache
def _head() -> tuple[Image.Image, Image.Image]:
    head = Image.fromarray(astronaut()).crop(_HEAD)
    mask = Image.new("L", head.size, 0)
    ImageDraw.Draw(mask).ellipse((30, 5, 230, 330), fill=255)
    return head, mask.filter(ImageFilter.GaussianBlur(6))


def _frame(x: int, shot: int) -> Image.Image:
    picture = Image.new("RGB", (WIDTH, HEIGHT), ((40, 60, 90), (150, 140, 110))[shot])
    head, mask = _head()
    picture.paste(head, (x, _TOP), mask)
    return picture


def _voice(script: str) -> tuple[np.ndarray[Any, Any], int, list[SpokenWord]]:
    """Samples of the spoken script, their rate, and the words with their times."""
    parts: list[np.ndarray[Any, Any]] = []
    words: list[SpokenWord] = []
    length = 0
    for text in _stretches(script):
        if isinstance(text, float):
            part, said = np.zeros(round(text * espeak().rate), np.int16), []
        else:
            part, said = espeak().say(text)
        offset = Fraction(length, espeak().rate)
        words += [
            SpokenWord(text=t, start=offset + a, end=offset + b, filler=t.strip(".,") in FILLERS)
            for t, a, b in said
        ]
        parts.append(part)
        length += len(part)
    noise = np.random.default_rng(1).normal(0, 25, length)
    sound = np.clip(np.concatenate(parts) * 0.6 + noise, -32768, 32767).astype(np.int16)
    return sound, espeak().rate, words


def _stretches(script: str) -> list[str | float]:
    found: list[str | float] = []
    for token in script.split():
        if token.startswith("("):
            found.append(float(token.strip("()")))
        elif found and isinstance(found[-1], str):
            found[-1] += f" {token}"
        else:
            found.append(token)
    return found


def _stamp(time: Fraction) -> str:
    ms = round(time * 1000)
    return f"{ms // 3600000:02}:{ms // 60000 % 60:02}:{ms // 1000 % 60:02},{ms % 1000:03}"
