"""How well the studio hears, sees and cuts, on material whose truth is known.

    python -m tests.benchmarks.bench_quality [part …]
    pytest -m benchmark tests/benchmarks/bench_quality.py

Parts: words, speech, voices, cuts, captions, shots, framing, beats, loudness; all of them without
one. Each prints its figures, and what issue 5 asks of them where it does. The truth comes from the
sample (its words, pauses, shots and faces), from espeak-ng's own word times, and from videos and
music that are put together here. All voices are synthetic; docs/quality.md says what that means.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import re
import sys
import tempfile
import time
import wave
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from skimage import data

from mosaic_mcp.contract.tiles.params import ReframeParams
from mosaic_mcp.settings import Settings
from mosaic_mcp.studio.composing.moods import MOODS
from mosaic_mcp.studio.models.store import ModelStore, Recogniser
from mosaic_mcp.studio.perception.calling import call
from mosaic_mcp.studio.perception.model import SpokenWord
from mosaic_mcp.studio.perception.probe import probe
from mosaic_mcp.studio.render.framing import centre
from mosaic_mcp.studio.render.loudness import ENCODED, finish, measure
from mosaic_mcp.studio.render.sound import PROGRAMME
from mosaic_mcp.studio.tiles import reframe
from mosaic_mcp.studio.timeline.model import Sound
from tests.benchmarks.known import SCRIPT, Talk, folder, head, perception, sample, uncut
from tests.benchmarks.talk import FFMPEG, SAMPLE, ffmpeg
from tests.benchmarks.torn import FILLERS, PASSAGES, ROUGH, SILENCES, Cutter, torn
from tests.support.talking import HEIGHT, WIDTH, talking_head
from tests.support.tiles import context
from tests.support.voice import Voice, espeak

RATE = 25
_NUMBERS = {
    str(number): word
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten".split()  # noqa: SIM905
    )
}


@dataclass(frozen=True)
class Figure:
    """What was measured, and whether it is what was asked (None: nothing was)."""

    what: str
    value: str
    asked: str = ""
    good: bool | None = None


def wrong(heard: Sequence[str], said: Sequence[str]) -> float:
    """Word error rate: substitutions, insertions and deletions for each word said."""
    costs = np.arange(len(said) + 1)
    for n, word in enumerate(heard, 1):
        last, costs[0] = costs.copy(), n
        for m, other in enumerate(said, 1):
            costs[m] = min(last[m] + 1, costs[m - 1] + 1, last[m - 1] + (word != other))
    return float(costs[-1]) / len(said)


def plain(words: Sequence[SpokenWord], *, fillers: bool) -> list[str]:
    """Words as they are compared: small letters, numbers written out."""
    text = " ".join(w.text for w in words if fillers or not w.filler)
    found = re.findall(r"[\w']+", text.lower().replace("-", " "))
    return [_NUMBERS.get(word, word) for word in found]


def words() -> Iterator[Figure]:
    """Word error rate of every model that is ready, without hesitations on either side."""
    store = ModelStore(Settings.from_env().home)
    ready = [m for m in store.all() if store.ready(m)]
    for model in ready:
        by = store.recogniser(model.name)
        for talk in (sample(), head()):
            began = time.perf_counter()
            heard = asyncio.run(_words(talk, by))
            took = (time.perf_counter() - began) / float(talk.words[-1].end)
            rate = wrong(plain(heard.words, fillers=False), plain(talk.words, fillers=False))
            told = "relied on" if heard.reliable else "refused"
            value = f"{rate:.1%}, confidence {heard.confidence:.2f}: {told}; {took:.2f} x real time"
            honest = rate <= 0.2 or not heard.reliable
            asked = "relied on only where at most 1 word in 5 is wrong"
            yield Figure(f"word error rate, {model.name}, {talk.name}", value, asked, honest)
            if heard.reliable:
                yield _hesitations(model.name, talk, heard.words)


async def _words(talk: Talk, by: Recogniser) -> Any:
    [source] = (await uncut(talk, brought=False)).sources.values()
    return await perception(talk, by).words(source)


def _hesitations(model: str, talk: Talk, heard: Sequence[SpokenWord]) -> Figure:
    true = [w for w in talk.words if w.filler]
    found = [w for w in heard if w.filler]
    right = sum(any(f.start < t.end and t.start < f.end for f in found) for t in true)
    value = f"{right} of {len(true)} found, {len(found) - right} more"
    return Figure(f"hesitations, {model}, {talk.name}", value)


def speech() -> Iterator[Figure]:
    """Speech activity against the words, by time; clean and in noise."""
    for talk in (sample(), head()):
        for noise in (0, 300):
            noisy = _noisy(talk, noise)
            precision, recall = asyncio.run(_speech(noisy))
            value = f"precision {precision:.3f}, recall {recall:.3f}"
            good = precision >= 0.9 and recall >= 0.95
            yield Figure(f"speech activity, {noisy.name}", value, "at least 0.90 and 0.95", good)


def _noisy(talk: Talk, noise: int) -> Talk:
    """The sound of the talk with white noise of that level over it; 0: without."""
    path = folder() / f"{talk.path.stem}-{noise}.wav"
    _with_noise(talk.path, path, noise)
    name = f"{talk.name}, in noise" if noise else talk.name
    return dataclasses.replace(talk, name=name, path=path)


def _with_noise(video: Path, path: Path, level: int) -> None:
    ffmpeg(folder(), "-i", video, "-ac", 1, "-ar", 16000, "-c:a", "pcm_s16le", path)
    if not level:
        return
    with wave.open(str(path)) as file:
        sound = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    rng = np.random.default_rng(1)
    noisy = np.clip(sound + rng.normal(0, level, len(sound)), -32768, 32767).astype(np.int16)
    _write(path, noisy, 16000)


def _write(path: Path, sound: np.ndarray, rate: int) -> None:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes(sound.tobytes())


async def _speech(talk: Talk) -> tuple[float, float]:
    source = await probe(talk.path, name="talk")
    found = await perception(talk).speech(source)
    grid = np.arange(0, float(source.duration), 0.01)
    heard, true = np.zeros(len(grid), bool), np.zeros(len(grid), bool)
    for span in found:
        heard |= (grid >= span.start) & (grid < span.end)
    # What lies between two words of one breath is speech for everybody.
    for word, following in zip(talk.words, [*talk.words[1:], None], strict=True):
        near = following is not None and following.start - word.end < Fraction(1, 5)
        end = following.start if following and near else word.end
        true |= (grid >= word.start) & (grid < end)
    both = (heard & true).sum()
    return float(both / heard.sum()), float(both / true.sum())


TALKERS = {
    "a man and a woman": (Voice("en-us+m3"), Voice("en-us+f2", pitch=60)),
    "a woman and a man": (Voice("en-us+f5"), Voice("en-us+m1")),
    "two men": (Voice("en-us+m1", pitch=40), Voice("en-us+m7", pitch=55)),
    "two women": (Voice("en-us+f2"), Voice("en-us+f4", pitch=60)),
    "one man": (Voice("en-us+m3"), Voice("en-us+m3")),
    "one woman, in a hurry at times": (Voice("en-us+f5"), Voice("en-us+f5", rate=190)),
}
QUESTIONS = (
    "Welcome to the show, it is good to have you here.",
    "What made you leave your job?",
    "And how did your family take it?",
    "That sounds like a hard year.",
    "What would you tell somebody who starts today?",
)
ANSWERS = (
    "Thank you, I am happy to be here with all of you.",
    "I could not see myself doing it for another ten years, so I wrote a letter and left.",
    "My mother did not speak to me for a month, and then she bought the first ticket.",
    "It was, but I slept better than in the ten years before.",
    "Start small, keep your costs low, and answer every letter yourself.",
)


def voices() -> Iterator[Figure]:
    """Share of the speech that the right one of two voices is given."""
    from mosaic_mcp.studio.perception.speakers import turns_of

    for name, pair in TALKERS.items():
        sound, turns = _dialogue(*pair)
        found = turns_of(sound)
        count = len({speaker for *_, speaker in found["turns"]}) or 1
        if name.startswith("one"):
            yield Figure(f"speakers, {name}", f"{count} told apart", "1", count == 1)
            continue
        share = _agreement(turns, found["turns"], len(sound) / 16000)
        value = f"{count} told apart, {share:.1%} of the time right, confidence "
        value += f"{found['confidence']:.2f}"
        yield Figure(f"speakers, {name}", value, "2, at least 95 %", count == 2 and share >= 0.95)


def _dialogue(one: Voice, other: Voice) -> tuple[np.ndarray, list[tuple[float, float, int]]]:
    rate, parts, turns, length = espeak().rate, [], [], 0
    pause = np.zeros(round(0.45 * rate), np.int16)
    for exchange in zip(QUESTIONS, ANSWERS, strict=True):
        for number, (text, voice) in enumerate(zip(exchange, (one, other), strict=True)):
            said, _ = espeak().say(text, voice)
            turns.append((length / rate, (length + len(said)) / rate, number))
            parts += [said, pause]
            length += len(said) + len(pause)
    path, out = folder() / "dialogue.wav", folder() / "dialogue16.wav"
    noise = np.random.default_rng(1).normal(0, 30, length)
    _write(path, np.clip(np.concatenate(parts) * 0.6 + noise, -32768, 32767).astype(np.int16), rate)
    ffmpeg(folder(), "-i", path, "-ar", 16000, out)
    with wave.open(str(out)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), np.int16), turns


def _agreement(true: Sequence[Any], found: Sequence[Any], length: float) -> float:
    grid = np.arange(0, length, 0.01)
    labels = []
    for turns in (true, found):
        label = np.full(len(grid), -1)
        for start, end, speaker in turns:
            label[(grid >= start) & (grid < end)] = speaker
        labels.append(label)
    spoken = (labels[0] >= 0) & (labels[1] >= 0)
    if not spoken.any():
        return 0.0
    same = float((labels[0] == labels[1])[spoken].mean())
    return max(same, 1 - same)


def cuts() -> Iterator[Figure]:
    """Cuts that lie inside a word, of all cuts of the tiles that cut by themselves.

    With the words of the user's subtitles; and on a bare machine, whose recogniser is not relied
    on, so that cuts go by speech activity alone.
    """
    for talk in (sample(), head()):
        for cutter in (SILENCES, FILLERS, ROUGH, PASSAGES):
            yield _torn(talk, cutter, brought=True)
    for talk in (sample(), head()):
        for heard in (talk, _noisy(talk, 300)):
            for cutter in (SILENCES, ROUGH, PASSAGES):
                yield _torn(heard, cutter, brought=False)


def _torn(talk: Talk, cutter: Cutter, *, brought: bool) -> Figure:
    count, inside = asyncio.run(torn(talk, cutter, brought=brought))
    value = f"{len(inside)} of {count} inside a word {' '.join(inside)}".strip()
    what = f"cuts{'' if brought else ' without words'}, {cutter.name}, {talk.name}"
    return Figure(what, value, "0", not inside)


def captions() -> Iterator[Figure]:
    """Start of each word of the user's subtitles, against the truth."""
    for talk in (sample(), head()):
        off = asyncio.run(_timed(talk))
        share = float((off < 0.08).mean())
        value = f"{share:.1%} within 80 ms; median {np.median(off) * 1000:.0f} ms, 95th percentile "
        value += f"{np.percentile(off, 95) * 1000:.0f} ms"
        yield Figure(f"captions' words, {talk.name}", value, "95 % within 80 ms", share >= 0.95)


async def _timed(talk: Talk) -> np.ndarray:
    [source] = (await uncut(talk, brought=True)).sources.values()
    found = list((await perception(talk).words(source)).words)
    off = []
    for word in talk.words:
        # espeak runs small words together ("of the"): the first of them starts with both.
        first = word.text.split()[0]
        at = next((n for n, f in enumerate(found) if f.text == first), None)
        if at is not None:
            off.append(abs(float(found[at].start - word.start)))
            del found[: at + 1]
    return np.array(off)


PICTURES = ("astronaut", "coffee", "chelsea", "camera", "page", "coins", "moon", "text")
ENCODINGS = {
    "key frames at cuts": ("-g", 250),
    "a key frame every 2 s": ("-g", 50, "-sc_threshold", 0),
    "few key frames, grain": ("-g", 250, "-sc_threshold", 0, "-vf", "noise=c0s=8:c0f=t"),
}


def shots() -> Iterator[Figure]:
    """Shots that are found to the frame, in moving pictures put together here."""
    pictures, true = _montage()
    for name, options in ENCODINGS.items():
        path = folder() / "shots.mp4"
        raw = folder() / "shots.raw"
        raw.write_bytes(b"".join(p.tobytes() for p in pictures))
        ffmpeg(
            folder(),
            *("-f", "rawvideo", "-pix_fmt", "gray", "-s", "320x180", "-r", RATE, "-i", raw),
            *("-c:v", "libx264", "-preset", "veryfast", "-crf", 23, *options),
            *("-pix_fmt", "yuv420p", path),
        )
        found = set(asyncio.run(_shots(path)))
        right = len(found & true)
        precision, recall = right / max(1, len(found)), right / len(true)
        value = f"precision {precision:.2f}, recall {recall:.2f} ({len(true)} cuts)"
        good = precision >= 0.95 and recall >= 0.95
        yield Figure(f"shots, {name}", value, "at least 0.95 and 0.95", good)


async def _shots(path: Path) -> Sequence[Fraction]:
    source = await probe(path, name="shots")
    talk = Talk("shots", path, [], "")
    return (await perception(talk).shots(source))[1:]


def _montage() -> tuple[list[np.ndarray], set[Fraction]]:
    """Pictures that drift and zoom a little, 0.4 to 4 seconds each; when each begins."""
    import cv2

    rng = np.random.default_rng(4)
    frames: list[np.ndarray] = []
    true: set[Fraction] = set()
    for n in range(24):
        still = np.asarray(getattr(data, PICTURES[(n * 3) % len(PICTURES)])())
        still = still.mean(axis=2).astype(np.uint8) if still.ndim == 3 else still.astype(np.uint8)
        still = cv2.resize(still, (420, 240))
        count = int(rng.integers(10, 100))
        if frames:
            true.add(Fraction(len(frames), RATE))
        x, y = rng.uniform(-0.8, 0.8, 2)
        for at in range(count):
            move = np.array([[1, 0, -50 - x * at / 2], [0, 1, -30 - y * at / 4]], np.float32)
            frames.append(cv2.warpAffine(still, move, (320, 180), borderMode=cv2.BORDER_REFLECT))
    return frames, true


def framing() -> Iterator[Figure]:
    """Frames whose face is wholly inside a 9:16 crop."""
    told = json.loads(SAMPLE.with_suffix(".truth.json").read_text("utf-8"))
    boxes = [(Fraction(str(f["time"])), f["box"]) for f in told["faces"] if f["box"]]
    faces = [(t, x + w / 2, w) for t, (x, _, w, _) in boxes]
    yield _framed(sample(), faces, 1280 / 720)
    head_path = folder() / "walk.mp4"
    truth = talking_head(head_path, SCRIPT, cut_at=6)
    faces = [(f.time, f.x, f.width) for f in truth.faces]
    for name, options in {"": (), ", a key frame every 2 s": ("-g", 50)}.items():
        path = folder() / f"walk{len(options)}.mp4"
        ffmpeg(folder(), "-i", head_path, "-c:v", "libx264", "-preset", "veryfast", *options, path)
        walker = Talk(f"a walking face{name}", path, truth.words, truth.srt())
        yield _framed(walker, faces, WIDTH / HEIGHT)


def _framed(talk: Talk, faces: list[tuple[Fraction, float, float]], aspect: float) -> Figure:
    half = 9 / 16 / aspect / 2
    keys = asyncio.run(_path(talk))
    inside = [abs(x - centre(keys, at)[0]) + width / 2 <= half for at, x, width in faces]
    share = sum(inside) / len(inside)
    return Figure(f"face in the crop, {talk.name}", f"{share:.1%}", "at least 98 %", share >= 0.98)


async def _path(talk: Talk) -> Any:
    timeline = await uncut(talk, brought=False)
    known = dataclasses.replace(context(None), perception=perception(talk))  # type: ignore[arg-type]
    [made] = await reframe.apply([timeline], ReframeParams(aspect_ratio="9:16"), known)
    assert made.framing
    return made.framing.paths[timeline.clips[0].source]


SONGS = (
    *((mood.name, mood.bpm) for mood in MOODS),
    *(("happy", bpm) for bpm in (60, 85, 100, 140, 175)),
)
"""Moods and tempos of the music: each mood as it is usual, one of them slower and faster."""
SONG_S = 45
NEAR_S = 0.07
"""How far a beat may be off, as in the usual comparisons of beat trackers (MIREX)."""


def beats() -> Iterator[Figure]:
    """Beats that are found in what the studio's composer plays, and those that are none."""
    for mood, bpm in SONGS:
        tempo, found, true = asyncio.run(_beats(mood, bpm))
        off = np.abs(np.subtract.outer(true, found))
        right = (off.min(axis=1, initial=np.inf) <= NEAR_S).mean()
        false = (off.min(axis=0, initial=np.inf) > NEAR_S).sum()
        value = f"{right:.1%} of {len(true)} within 70 ms, {false} of {len(found)} false; "
        yield Figure(f"beats, {mood}, {bpm} a minute", f"{value}tempo {tempo:.0f}")


async def _beats(mood: str, bpm: int) -> tuple[float, np.ndarray, np.ndarray]:
    """The tempo and the beats that are found, in seconds, and the true beats."""
    path = folder() / f"{mood}-{bpm}.wav"
    recipe = {"mood": mood, "bpm": bpm, "intensity": "medium", "seed": 1, "seconds": SONG_S}
    bars = (await call("compose", path=str(path), **recipe))["bars"]
    found = await perception(Talk(mood, path, [], "")).beats(await probe(path, name=mood))
    return found.tempo, np.array(found.times, float), np.arange(4 * bars) * 60 / bpm


SOUNDS = {
    "the sample": ("-i", SAMPLE),
    "a quiet voice": ("-i", SAMPLE, "-af", "volume=-26dB"),
    "a loud, clipped voice": ("-i", SAMPLE, "-af", "volume=20dB"),
    "a voice that changes": ("-i", SAMPLE, "-af", "volume='if(lt(t,20),0.1,1)':eval=frame"),
    "pink noise": ("-f", "lavfi", "-i", "anoisesrc=d=20:c=pink:a=0.3"),
    "drums": ("-f", "lavfi", "-i", "aevalsrc='0.9*exp(-30*mod(t,0.5))*sin(2*PI*90*t)':d=20"),
}


def loudness() -> Iterator[Figure]:
    """Loudness and true peak of the encoded sound, measured again with FFmpeg's ebur128."""
    for name, source in SOUNDS.items():
        found = asyncio.run(_levelled(source))
        value = f"{found.integrated_lufs:.1f} LUFS, {found.true_peak_db:.1f} dBTP"
        good = abs(found.integrated_lufs + 14) <= 0.5 and found.true_peak_db <= -1
        yield Figure(f"loudness, {name}", value, "-14 ± 0.5 LUFS, at most -1 dBTP", good)


async def _levelled(source: tuple[Any, ...]) -> Any:
    job = Path(tempfile.mkdtemp(dir=folder()))
    ffmpeg(job, *source, "-vn", "-ac", 2, "-ar", 48000, "-f", "s16le", PROGRAMME)
    samples = (job / PROGRAMME).stat().st_size // 4
    sound = Sound(loudness_lufs=-14)
    await finish(sound, PROGRAMME, samples, ffmpeg=FFMPEG, job=job)
    return await measure(["-i", ENCODED], ffmpeg=FFMPEG, job=job)


PARTS: dict[str, Callable[[], Iterator[Figure]]] = {
    "words": words,
    "speech": speech,
    "voices": voices,
    "cuts": cuts,
    "captions": captions,
    "shots": shots,
    "framing": framing,
    "beats": beats,
    "loudness": loudness,
}


def line(figure: Figure) -> str:
    """A row of the Markdown table in docs/quality.md."""
    mark = {True: "yes", False: "**no**", None: ""}[figure.good]
    return f"| {figure.what} | {figure.value} | {figure.asked} | {mark} |"


@pytest.mark.benchmark
@pytest.mark.parametrize("part", PARTS)
def test_every_figure_is_what_was_asked(part):
    figures = list(PARTS[part]())
    print(*map(line, figures), sep="\n")
    assert [f for f in figures if f.good is False] == []


if __name__ == "__main__":
    print("| measured | value | asked | holds |\n| --- | --- | --- | --- |", flush=True)
    for wanted in sys.argv[1:] or PARTS:
        for figure in PARTS[wanted]():
            print(line(figure), flush=True)
