"""Whole runs of media that is turned, unsteady, odd, silent or mono: every picture and sample."""

from fractions import Fraction as F
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from tests.support.coded import (
    HEIGHT,
    SAMPLES,
    WIDTH,
    clicks,
    counted,
    ffmpeg,
    numbered,
    numbers,
    tone,
    write_video,
)
from tests.support.studio_process import RunningStudio
from tests.support.studio_runs import Studio


@pytest.fixture
def runs(studio: RunningStudio):
    with studio.client() as http:
        yield Studio(http, studio.home)


def rendered(runs: Studio, path: Path, *tiles: object, **clip: int) -> Path:
    """The output of a run of these tiles between a Video Input and a Destination."""
    nodes = {"in": "Video Input", **{f"t{n}": tile for n, tile in enumerate(tiles)}}
    nodes["out"] = "Destination"
    names = list(nodes)
    edges = " ".join(f"{a}>{b}" for a, b in pairwise(names))
    agent, _ = runs.agent(nodes, edges)
    body = {"video_id_inputs": [{"id": runs.add(path), **clip}]}
    run = runs.end(runs.run(agent, body, quality="standard"))
    assert run["status"] == "completed", run
    (output,) = run["outputs"]
    return runs.home / "renders" / output["id"] / "video.mp4"


def size_and_length(path: Path) -> tuple[int, int, float]:
    with av.open(path) as file:
        video = file.streams.video[0]
        assert next(file.decode(video)).rotation == 0, "players turn nothing"
        return video.width, video.height, file.duration / av.time_base


def sound(path: Path) -> np.ndarray:
    """The samples of a file: (samples, channels)."""
    with av.open(path) as file:
        assert file.streams.audio[0].rate == SAMPLES
        parts = [frame.to_ndarray() for frame in file.decode(audio=0)]
    return np.concatenate(parts, axis=1).T


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_turned_video_is_upright_and_every_frame_is_there(runs: Studio, tmp_path: Path, degrees):
    """As a phone writes it: the pictures lie, and a matrix says how to turn them."""
    lying = [np.ascontiguousarray(np.rot90(numbered(n), degrees // 90)) for n in range(50)]
    plain = write_video(tmp_path / "lying.mp4", lying, rate=F(25))
    turned = tmp_path / "turned.mp4"
    ffmpeg("-display_rotation", -degrees, "-i", plain, "-c", "copy", turned)
    out = rendered(runs, turned, input_clip_start_ms=400, input_clip_end_ms=1600)
    width, height, seconds = size_and_length(out)
    assert (width, height) == (WIDTH, HEIGHT)
    assert seconds == pytest.approx(1.2, abs=0.03)
    assert numbers(out) == list(range(10, 40))


def test_a_variable_rate_becomes_steady_and_keeps_its_times(runs: Studio, tmp_path: Path):
    """The rate changes from 30 to 15 pictures a second after one second; a click marks 1.5 s."""
    times = [F(n, 30) for n in range(30)] + [1 + F(n, 15) for n in range(16)]
    path = write_video(
        tmp_path / "vfr.mov",
        [numbered(n) for n in range(len(times))],
        times=times,
        sound=clicks(2.0, [1.5]),
    )
    out = rendered(runs, path, input_clip_end_ms=2000)
    with av.open(out) as file:
        stream = file.streams.video[0]
        rate = stream.average_rate
        steps = np.diff([frame.pts for frame in file.decode(video=0)])
    assert rate == 30
    assert len(set(steps)) == 1
    shown = numbers(out)
    assert shown[:30] == list(range(30))
    expected = [max(i for i, t in enumerate(times) if t <= F(n, 30)) for n in range(60)]
    assert len(shown) == 60
    assert max(abs(a - b) for a, b in zip(shown, expected, strict=True)) <= 1
    loud = int(np.abs(sound(out)[:, 0]).argmax())
    assert loud == pytest.approx(1.5 * SAMPLES, abs=SAMPLES / 100)


@pytest.mark.parametrize(
    ("width", "height", "shape"),
    [(241, 137, None), (239, 135, {"aspect_ratio": "9:16"}), (135, 241, {"aspect_ratio": "1:1"})],
)
def test_odd_sizes_become_even_ones(runs: Studio, tmp_path: Path, width, height, shape):
    path = tmp_path / "odd.mkv"
    picture = f"testsrc2=size={width}x{height}:rate=25:duration=1"
    ffmpeg("-f", "lavfi", "-i", picture, "-c:v", "ffv1", "-pix_fmt", "yuv444p", path)
    out = rendered(runs, path, *([("Reframe", shape)] if shape else []))
    w, h, seconds = size_and_length(out)
    assert (w % 2, h % 2) == (0, 0)
    assert seconds == pytest.approx(1, abs=0.05)
    if shape is None:
        assert (w, h) == (240, 136)
    else:
        a, _, b = shape["aspect_ratio"].partition(":")
        assert w / h == pytest.approx(int(a) / int(b), rel=0.02)


def test_a_video_without_sound_is_as_long_and_silent(runs: Studio, tmp_path: Path):
    """Every tile that listens finds nothing to do; the output has a silent track, so that it can
    be joined and played as any other."""
    path = counted(tmp_path / "silent.mp4", 50, rate=F(25))
    out = rendered(runs, path, "Audio Enhance", "Watermark")
    assert len(numbers(out)) == 50
    heard = sound(out)
    assert heard.shape[1] == 2
    assert len(heard) == pytest.approx(2 * SAMPLES, abs=2048)
    assert np.abs(heard).max() < 1e-3


def test_mono_sound_is_on_both_sides_and_in_its_place(runs: Studio, tmp_path: Path):
    path = counted(
        tmp_path / "mono.mov", 60, rate=F(30), sound=clicks(2.0, [0.5, 1.25], channels=1)
    )
    out = rendered(runs, path, input_clip_start_ms=250, input_clip_end_ms=1750)
    heard = sound(out)
    assert np.allclose(heard[:, 0], heard[:, 1], atol=0.01)
    level = np.abs(heard[:, 0])
    peaks = [int(level[a:b].argmax()) + a for a, b in ((0, SAMPLES // 2), (SAMPLES // 2, None))]
    assert peaks == pytest.approx([0.25 * SAMPLES, 1.0 * SAMPLES], abs=48 * 8)
    assert len(numbers(out)) == 45


def test_mono_speech_is_brought_to_the_loudness_that_is_asked_for(runs: Studio, tmp_path: Path):
    quiet = tone(3.0, -30, channels=1)
    path = counted(tmp_path / "quiet.mov", 90, rate=F(30), sound=quiet)
    out = rendered(runs, path, "Audio Enhance")
    log = ffmpeg("-i", out, "-af", "ebur128", "-f", "null", "-")
    loudness = float(log.rpartition("I:")[2].split()[0])
    assert loudness > -20, "from far below"
    heard = sound(out)
    assert np.allclose(heard[:, 0], heard[:, 1], atol=0.01)


def test_of_several_sound_tracks_the_first_is_used_and_the_others_are_told(
    runs: Studio, tmp_path: Path
):
    plain = counted(tmp_path / "plain.mov", 60, sound=tone(2, -20))
    path = tmp_path / "two tracks.mkv"
    ffmpeg("-i", plain, "-map", "0:v", "-map", "0:a", "-map", "0:a", "-c:v", "copy", "-c:a",
           "pcm_s16le", "-metadata:s:a:1", "title=Mic", path)  # fmt: skip
    agent, _ = runs.agent({"in": "Video Input", "out": "Destination"}, "in>out")
    run_id = runs.run(agent, {"video_id_inputs": [{"id": runs.add(path)}]})
    assert runs.end(run_id)["status"] == "completed"
    log = runs.http.get(f"/studio/v1/runs/{run_id}/log").json()
    lines = [line for job in log["jobs"] for line in job["lines"]]
    assert [line["text"] for line in lines if line["level"] == "warning"] == [
        "two tracks.mkv has several sound tracks: the first is used, not 2 Mic; where another one "
        "is meant, export the video with that one alone"
    ]
