"""What an edit that only cuts costs, as ratios from one run.

    python -m tests.benchmarks.bench_cuts [seconds of source, 120 by default]
    pytest -m benchmark tests/benchmarks/bench_cuts.py

A talk in 1080p with a key frame every two seconds loses its silences (8 of every 9 seconds stay,
in pieces as a rough cut leaves them). The same cuts are made in three ways, in turns:

    copied   render(): whole groups of pictures are copied, edges encoded
    encoded  one FFmpeg command that encodes every frame, same encoder and preset
    moviepy  MoviePy, as its users write it (installed for this run in an environment of its own)

Compared are the wall time of the best turn, the frames, and the VMAF of each against the source's
own frames; that every copied frame is bit for bit the source's and every piece of sound on its
sample is checked. A short run lets MoviePy off lightly: its start is not counted long.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from mosaic_mcp.studio.render.pieces import frames_of
from mosaic_mcp.studio.render.rendering import render
from mosaic_mcp.studio.timeline.edit import from_source, snap
from mosaic_mcp.studio.timeline.model import Clip, Source, Timeline
from tests.benchmarks.bench_fused import LONG_S, RATE, Cost, cost
from tests.benchmarks.talk import FFMPEG, GROUP, among, ffmpeg, make_talk

LEAST_OF_ENCODED = 1.9
LEAST_OF_MOVIEPY = 2.5
MOVIEPY = "moviepy==2.2.1"
HZ = 48_000
SLACK = 2000
"""Samples around the right place in which the sound is looked for."""
SCRIPT = """
    import json, sys
    from moviepy import VideoFileClip, concatenate_videoclips
    spans = json.load(open("spans.json"))
    with VideoFileClip("in.mp4") as video:
        parts = [video.subclipped(a, b) for a, b in spans]
        concatenate_videoclips(parts).write_videofile(
            "moviepy.mp4", preset="veryfast", ffmpeg_params=["-crf", "20"], logger=None
        )
"""


def edit(seconds: int) -> Timeline:
    """Pieces of 4 to 8 seconds with the silences between them cut out."""
    source = Source(
        sha256="in",
        name="in.mp4",
        duration=Fraction(seconds),
        width=1920,
        height=1080,
        frame_rate=RATE,
        audio_channels=2,
        audio_rate=48000,
    )
    clips: list[Clip] = []
    at = Fraction(1, 2)
    for length in (Fraction(n) for _ in range(seconds) for n in ("5.2", "7.7", "4.1", "6.4")):
        if at + length >= seconds:
            break
        clips.append(Clip(source="in", start=at, end=at + length))
        at += length + Fraction("0.7")
    return snap(from_source(source, tile="in").model_copy(update={"clips": tuple(clips)}))


def copied(folder: Path, timeline: Timeline) -> None:
    """What the studio does."""
    with tempfile.TemporaryDirectory(dir=folder) as job:
        files, out = {"in": folder / "in.mp4"}, folder / "copied.mp4"
        done = asyncio.run(render(timeline, files, out, job=Path(job), ffmpeg=FFMPEG))
    assert done.copied > 0, done.why_encoded


def spans(timeline: Timeline) -> list[tuple[int, int]]:
    """First frame and last frame of each piece."""
    found = [frames_of(clip, RATE) for clip in timeline.clips]
    return [(piece.first, piece.first + piece.count - 1) for piece in found]


def encoded(folder: Path, timeline: Timeline) -> None:
    """Every frame through the same encoder."""
    heard = among("t", [(float(c.start), float(c.end)) for c in timeline.clips])
    graph = (
        f"[0:v]select='{among('n', spans(timeline))}',setpts=N/30/TB[v];"
        f"[0:a]aselect='{heard}',asetpts=N/SR/TB[a]"
    )
    ffmpeg(
        folder,
        *("-i", "in.mp4", "-filter_complex", graph, "-map", "[v]", "-map", "[a]"),
        *("-c:v", "libx264", "-preset", "veryfast", "-crf", 20),
        *("-c:a", "aac", "-aac_coder", "fast", "-b:a", "192k", "encoded.mp4"),
    )


def moviepy(folder: Path, timeline: Timeline) -> None:
    """As MoviePy's own examples cut and join."""
    cuts = [(float(c.start), float(c.end)) for c in timeline.clips]
    (folder / "spans.json").write_text(json.dumps(cuts), "utf-8")
    (folder / "cut.py").write_text(textwrap.dedent(SCRIPT), "utf-8")
    uv = shutil.which("uv")
    assert uv, "this benchmark installs MoviePy with uv"
    command = [uv, "run", "--no-project", "--quiet", "--with", MOVIEPY, "python", "cut.py"]
    subprocess.run(command, cwd=folder, check=True)


def length(path: Path) -> float:
    """Seconds of a file."""
    with av.open(path) as file:
        return (file.duration or 0) / 1_000_000


def frames(path: Path) -> int:
    """Pictures in a file."""
    with av.open(path) as file:
        return sum(1 for packet in file.demux(video=0) if packet.size)


def vmaf(folder: Path, name: str, timeline: Timeline) -> float:
    """VMAF of a result against the source's own frames, every tenth."""
    graph = (
        f"[0:v]select='{among('n', spans(timeline))}',setpts=N/30/TB,fps=30[true];"
        "[1:v]setpts=N/30/TB,fps=30[made];[made][true]libvmaf=n_subsample=10:n_threads=2"
    )
    command = [str(FFMPEG), "-nostdin", "-i", "in.mp4", "-i", name, "-filter_complex", graph]
    done = subprocess.run(
        [*command, "-f", "null", "-"], cwd=folder, check=True, capture_output=True, text=True
    )
    return float(re.findall(r"VMAF score: ([\d.]+)", done.stderr)[-1])


def hashes(path: Path) -> list[str]:
    """A hash of each picture, decoded."""
    command = [str(FFMPEG), "-v", "error", "-nostdin", "-i", str(path), "-map", "0:v"]
    done = subprocess.run(
        [*command, "-f", "framemd5", "-"], check=True, capture_output=True, text=True
    )
    lines = [line for line in done.stdout.splitlines() if not line.startswith("#")]
    return [line.rpartition(",")[2].strip() for line in lines]


def check_copies(folder: Path, timeline: Timeline) -> None:
    """Every picture of a whole group is the source's own, bit for bit, and in its place."""
    source, made = hashes(folder / "in.mp4"), hashes(folder / "copied.mp4")
    at = same = 0
    for first, last in spans(timeline):
        end = last + 1
        begin, stop = -(-first // GROUP) * GROUP, end // GROUP * GROUP
        for number in range(begin, stop):
            assert made[at + number - first] == source[number], f"frame {number} is another"
        same += max(0, stop - begin)
        at += end - first
    assert at == len(made)
    print(f"  {same} of {at} frames are bit-identical copies, all in their places", flush=True)


def check_sound(folder: Path, timeline: Timeline) -> None:
    """Where a piece is loudest, so that there is speech to compare, its sound is on its sample."""
    source, made = samples(folder / "in.mp4"), samples(folder / "copied.mp4")
    at = Fraction(0)
    for clip in timeline.clips:
        here = source[round(clip.start * HZ) : round(clip.end * HZ)]
        offset = loudest(here)
        begin, own = round(clip.start * HZ) + offset, round(at * HZ) + offset
        at += clip.duration
        true = source[begin : begin + HZ // 4]
        assert np.abs(true).max() >= 1000, f"nobody speaks from {float(clip.start):.2f} s on"
        near = made[own - SLACK : own + len(true) + SLACK]
        # By likeness: a voice repeats itself in each period, and the louder one would win.
        loudness = np.sqrt(np.convolve(near**2, np.ones(len(true)), "valid"))
        alike = np.correlate(near, true, "valid") / np.maximum(loudness, 1)
        place = int(np.argmax(alike)) - SLACK
        assert place == 0, f"the sound at {begin / HZ:.2f} s is {place} samples off"
    print(f"  the sound of all {len(timeline.clips)} pieces is on its sample", flush=True)


def loudest(sound: NDArray[np.float32]) -> int:
    """The sample at which the loudest quarter of a second begins, a little away from both ends."""
    power = np.cumsum(sound.astype(np.float64) ** 2)
    window = power[HZ // 4 :] - power[: -HZ // 4]
    return SLACK + int(np.argmax(window[SLACK:-SLACK]))


def samples(path: Path) -> NDArray[np.float32]:
    """The sound of a file, mono."""
    command = [str(FFMPEG), "-v", "error", "-nostdin", "-i", str(path), "-vn", "-ac", "1"]
    done = subprocess.run(
        [*command, "-ar", str(HZ), "-f", "s16le", "-"], check=True, capture_output=True
    )
    return np.frombuffer(done.stdout, np.int16).astype(np.float32)


def timed(way: str, work: Callable[[], object]) -> Cost:
    """What it takes, told at once: a check that fails later does not lose it."""
    taken = cost(work)
    print(f"  {way:8}{taken.wall:7.1f} s wall{taken.cpu:8.1f} s CPU", flush=True)
    return taken


def compare(seconds: int) -> dict[str, tuple[Cost, int, float]]:
    """The best of some turns of each way, its frames and its VMAF."""
    ways: dict[str, Callable[[Path, Timeline], None]] = {
        "copied": copied,
        "encoded": encoded,
        "moviepy": moviepy,
    }
    with tempfile.TemporaryDirectory() as name:
        folder, timeline = Path(name), edit(seconds)
        make_talk(folder, seconds)
        moviepy(folder, edit(15))  # its installation is not its work
        turns = [
            {way: timed(way, lambda w=work: w(folder, timeline)) for way, work in ways.items()}
            for _ in range(1 if seconds >= LONG_S else 2)
        ]
        check_copies(folder, timeline)
        check_sound(folder, timeline)
        found: dict[str, tuple[Cost, int, float]] = {}
        for way in ways:
            best = min((turn[way] for turn in turns), key=lambda c: c.wall)
            score = vmaf(folder, f"{way}.mp4", timeline)
            print(f"  {way:8}{score:7.2f} VMAF", flush=True)
            found[way] = best, frames(folder / f"{way}.mp4"), score
        return found


def report(found: dict[str, tuple[Cost, int, float]]) -> str:
    """The figures as lines of text."""
    lines = [
        f"  {way:8}{c.wall:7.1f} s wall{c.cpu:8.1f} s CPU{count:8} frames{score:8.2f} VMAF"
        for way, (c, count, score) in found.items()
    ]
    mine = found["copied"][0].wall
    lines.append(
        f"  encoded / copied  {found['encoded'][0].wall / mine:.2f} (at least {LEAST_OF_ENCODED})"
    )
    lines.append(
        f"  moviepy / copied  {found['moviepy'][0].wall / mine:.2f} (at least {LEAST_OF_MOVIEPY})"
    )
    return "\n".join(lines)


@pytest.mark.benchmark
def test_an_edit_that_only_cuts_is_faster_than_encoding_it_and_as_good():
    found = compare(60)
    print(report(found))
    (mine, count, score), (other, wanted, _) = found["copied"], found["encoded"]
    assert count == wanted
    assert other.wall >= LEAST_OF_ENCODED * mine.wall
    assert found["moviepy"][0].wall >= LEAST_OF_MOVIEPY * mine.wall
    assert abs(found["moviepy"][1] - count) <= len(edit(60).clips)
    assert score >= found["moviepy"][2]


if __name__ == "__main__":
    print(report(compare(int(sys.argv[1]) if len(sys.argv) > 1 else 120)))
