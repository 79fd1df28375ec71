"""Makes the sample that is shipped, and writes down what is in it.

    python -m tests.support.make_sample [folder]

talk.mp4          the talk: 1280x720, 25 frames a second
talk.srt          what is said, a cue for each sentence, fillers and all
talk.truth.json   words, pauses, cuts, shots and faces with their times in seconds
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve, resample_poly

from tests.support import presenter, sets
from tests.support.voice import Voice, espeak

SAMPLE = Path(__file__).parents[2] / "mosaic_mcp" / "sample"
FPS = 25
SOUND_RATE = 48_000
VOICE = Voice("en-us+f5", rate=166, pitch=46, range=62)
FILLER_VOICE = Voice("en-us+f5", rate=100, pitch=40, range=20)
FILLERS = {"um", "uh"}
HEARD = 260
"""Samples above this are voice, not the fading of a sound."""
SHORTEST_PAUSE_S = 0.3
BARS = 40
"""Frames of sound that are drawn at once."""

SCRIPT = """
[study]
(0.7) Do you want your podcast to sound better tonight? (0.9)
Um, (0.45) here are three simple tips, and they cost you nothing. (1.3)
[near]
Tip one. (0.4) Get close to the microphone. (0.5)
One hand away is about right. (0.6)
[levels]
Most people sit too far away, (0.35) and uh, (0.4) you hear their room, not their voice. (1.9)
[walk]
Tip two. (0.4) Record ten seconds of silence, (0.3) um, (0.45) before you start. (0.8)
It feels odd, but that silence teaches your computer what noise is. (0.5)
Then it can take the noise away. (2.4)
[close]
Tip three, which nobody ever does. (0.7)
Uh, (0.4) listen to your first minute before you record the other fifty. (0.6)
[cup]
I once lost a whole interview because one cable was loose. (2.8)
[study]
So, (0.35) um, (0.4) get close, record the silence, and listen first. (0.9)
Good luck with your show! (1.0)
"""
"""What is said: a line is a sentence, (0.4) a pause in seconds, [near] a cut to another shot."""


@dataclass(frozen=True)
class Word:
    """A spoken word, seconds."""

    text: str
    start: float
    end: float

    @property
    def filler(self) -> bool:
        return self.text.strip(".,").lower() in FILLERS


@dataclass(frozen=True)
class Talk:
    """The sound at espeak's rate, and what is when."""

    sound: NDArray[np.float64]
    sentences: list[list[Word]]
    shots: list[tuple[str, int]]
    """(name, first frame)"""

    @property
    def words(self) -> list[Word]:
        return [word for sentence in self.sentences for word in sentence]

    @property
    def frames(self) -> int:
        return len(self.sound) * FPS // espeak().rate


def speak() -> Talk:
    """Read the script aloud."""
    parts: list[NDArray[np.float64]] = []
    sentences: list[list[Word]] = []
    shots: list[tuple[str, int]] = []
    rate, length = espeak().rate, 0
    for line in SCRIPT.strip().splitlines():
        if line.startswith("["):
            # A cut comes in the middle of the pause before.
            pause = len(parts[-1]) if parts else 2 * length
            shots.append((line.strip("[]"), (length - pause // 2) * FPS // rate if parts else 0))
            continue
        sentence: list[Word] = []
        for stretch in re.findall(r"\([\d.]+\)|[^()]+", line):
            if stretch.startswith("("):
                part: NDArray[np.float64] = np.zeros(round(float(stretch.strip("()")) * rate))
            elif stretch.strip():
                part, said = _say(stretch.strip())
                sentence += [Word(t, a + length / rate, b + length / rate) for t, a, b in said]
            else:
                continue
            parts.append(part)
            length += len(part)
        sentences.append(sentence)
    return Talk(np.concatenate(parts), sentences, shots)


def _say(text: str) -> tuple[NDArray[np.float64], list[tuple[str, float, float]]]:
    """Sound without silence around it, and each word from its mark to where it falls silent."""
    rate = espeak().rate
    alone = text.strip(".,").lower() in FILLERS
    sound, said = espeak().say(text, FILLER_VOICE if alone else VOICE)
    first = int(np.flatnonzero(np.abs(sound) > HEARD)[0])
    words: list[tuple[str, float, float]] = []
    for word, start, end in said:
        if len(word.split()) > 1:
            raise ValueError(f"espeak runs {word!r} together; say it in other words")
        piece = np.abs(sound[int(start * rate) : int(end * rate)])
        heard = int(np.flatnonzero(piece > HEARD)[-1]) + 1
        begin = max(float(start) - first / rate, 0.0)
        words.append((word, begin, float(start) + heard / rate - first / rate))
    return sound[first:].astype(np.float64), words


def write_sound(talk: Talk, path: Path) -> None:
    """The voice in a small room, as a 48 kHz WAV file."""
    random = np.random.default_rng(5)
    rate = espeak().rate
    sound = talk.sound / np.abs(talk.sound).max()
    # A room: a few hundred early reflections that die away within a tenth of a second.
    late = np.arange(int(0.12 * rate))
    room = random.normal(0, 1, len(late)) * np.exp(-late / (0.025 * rate)) * 0.014
    room[0] = 1
    sound = fftconvolve(sound, room)[: len(sound)]
    sound = resample_poly(sound, 320, 147)
    hiss = np.convolve(random.normal(0, 1, len(sound)), np.ones(6) / 6, "same")
    sound = 0.62 * sound / np.abs(sound).max() + hiss * 10 ** (-57 / 20)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, SOUND_RATE, 0, "NONE", ""))
        file.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())


def envelope(talk: Talk) -> NDArray[np.float64]:
    """How loud each frame is, 0 to 1."""
    size = espeak().rate // FPS
    blocks = talk.sound[: talk.frames * size].reshape(talk.frames, size)
    loud = np.sqrt((blocks**2).mean(axis=1))
    loud = np.convolve(loud, [0.25, 0.5, 0.25], "same")
    return np.clip(loud / np.percentile(loud, 97), 0, 1)


def standing(name: str, seconds: float, share: float) -> tuple[float, float, float]:
    """Where the presenter is in a shot: the portrait's left and upper edge, and its scale."""
    sway, nod = np.sin(seconds * 0.9) + 0.4 * np.sin(seconds * 2.3), np.sin(seconds * 1.7)
    match name:
        case "study":
            return 120 + 26 * sway, 152 + 4 * nod, 1.15
        case "near":
            return 520 + 30 * sway, 60 + 5 * nod, 1.45
        case "walk":
            walked = 0.5 - 0.5 * np.cos(np.pi * np.clip((share - 0.12) / 0.76, 0, 1))
            steps = 5 * abs(np.sin(seconds * 5)) * float(0.12 < share < 0.88)
            return 30 + 640 * walked + 8 * sway, 135 - steps, 1.2
        case _:
            return 180 + 22 * sway, -10 + 6 * nod, 1.9


def film(talk: Talk) -> Iterator[tuple[sets.Picture, tuple[float, ...] | None]]:
    """Every frame (BGR), and the face's box in it (x, y, width, height of 1) or None."""
    loud = envelope(talk)
    ends = [first for _, first in talk.shots[1:]] + [talk.frames]
    for (name, first), end in zip(talk.shots, ends, strict=True):
        for number in range(first, end):
            share = (number - first) / (end - first)
            if name == "levels":
                yield sets.levels(loud[max(number - BARS, 0) : number]), None
            elif name == "cup":
                yield sets.cup(share), None
            else:
                x, y, scale = standing(name, number / FPS, share)
                picture = (sets.study() if name in ("study", "close") else sets.cellar()).copy()
                presenter.place(picture, 0.85 * loud[number], x, y, scale)
                yield picture, _box(x, y, scale)


def _box(x: float, y: float, scale: float) -> tuple[float, ...]:
    left, top, width, height = presenter.FACE
    return (
        round((x + left * scale) / sets.WIDTH, 4),
        round((y + top * scale) / sets.HEIGHT, 4),
        round(width * scale / sets.WIDTH, 4),
        round(height * scale / sets.HEIGHT, 4),
    )


def truth(talk: Talk, faces: list[tuple[float, ...] | None]) -> dict[str, Any]:
    """What is in the video; times in seconds, boxes as shares of the picture."""
    words = talk.words
    gaps = [(0.0, words[0].start)]
    gaps += [(a.end, b.start) for a, b in pairwise(words)]
    gaps.append((words[-1].end, talk.frames / FPS))
    return {
        "duration": talk.frames / FPS,
        "frame_rate": FPS,
        "width": sets.WIDTH,
        "height": sets.HEIGHT,
        "words": [
            {"text": w.text, "start": _ms(w.start), "end": _ms(w.end), "filler": w.filler}
            for w in words
        ],
        "pauses": [{"start": _ms(a), "end": _ms(b)} for a, b in gaps if b - a >= SHORTEST_PAUSE_S],
        "shots": [
            {"start": first / FPS, "kind": "b-roll" if name in ("levels", "cup") else "face"}
            for name, first in talk.shots
        ],
        "cuts": [first / FPS for _, first in talk.shots[1:]],
        "faces": [{"time": n / FPS, "box": faces[n]} for n in range(0, len(faces), FPS // 2)],
    }


def srt(talk: Talk) -> str:
    """A cue for each sentence."""
    return "\n".join(
        f"{n}\n{_stamp(cue[0].start)} --> {_stamp(cue[-1].end)}\n{' '.join(w.text for w in cue)}\n"
        for n, cue in enumerate(talk.sentences, 1)
    )


def _ms(seconds: float) -> float:
    return round(seconds, 3)


def _stamp(seconds: float) -> str:
    ms = round(seconds * 1000)
    return f"{ms // 3600000:02}:{ms // 60000 % 60:02}:{ms // 1000 % 60:02},{ms % 1000:03}"


def main(folder: Path) -> None:
    """Make the sample in `folder`."""
    talk = speak()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        wav = Path(work) / "talk.wav"
        write_sound(talk, wav)
        command = [
            imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y",
            "-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{sets.WIDTH}x{sets.HEIGHT}",
            "-r", str(FPS), "-i", "-", "-i", str(wav),
            "-c:v", "libx264", "-preset", "slower", "-crf", "32", "-g", "50",
            "-vf", "scale=out_color_matrix=bt709", "-pix_fmt", "yuv420p",
            "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709",
            "-c:a", "aac", "-b:a", "48k", "-t", str(talk.frames / FPS),
            "-movflags", "+faststart", "-fflags", "+bitexact", str(folder / "talk.mp4"),
        ]  # fmt: skip
        faces: list[tuple[float, ...] | None] = []
        with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
            assert process.stdin is not None
            for picture, face in film(talk):
                process.stdin.write(picture.tobytes())
                faces.append(face)
    if process.returncode:
        raise SystemExit("FFmpeg failed.")
    (folder / "talk.srt").write_text(srt(talk), "utf-8")
    text = json.dumps(truth(talk, faces), indent=1)
    (folder / "talk.truth.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLE)
