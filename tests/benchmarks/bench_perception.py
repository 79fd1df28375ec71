"""What it costs to look and listen, against decoding and encoding the same video once.

    python -m tests.benchmarks.bench_perception [seconds of source, 600 by default]
    pytest -m benchmark tests/benchmarks/bench_perception.py

The source is the sample in 1080p with grain and a key frame every two seconds: a cut every eight
seconds and a speaker who walks at times, which is more to look at than most talks have. Perception
is all that a run of the silence, framing and loudness tiles asks: shots, faces, speech activity,
loudness, a thumbnail. Compared are the clock and the CPU (with all children). Bringing the video in
is told beside it: no more than that could be saved by looking at a single one while it comes in.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from mosaic_mcp.studio.perception.calling import call
from mosaic_mcp.studio.perception.local import look_at_once
from mosaic_mcp.studio.render.loudness import measure
from mosaic_mcp.studio.render.pictures import thumbnail
from tests.benchmarks.bench_fused import Cost, cost
from tests.benchmarks.talk import FFMPEG, ffmpeg, make_talk

MOST = 0.15
"""Of an encode of ten minutes; of a shorter video starting takes a larger part."""
LONG = 600
BRING = "(bring in)"


def compare(seconds: int) -> dict[str, Cost]:
    """The cost of each step, and of one decode and encode."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_talk(folder, seconds)
        path = folder / "in.mp4"
        steps: dict[str, Callable[[], object]] = {
            "encode": lambda: ffmpeg(
                folder,
                *("-i", path, "-c:v", "libx264", "-preset", "veryfast", "-crf", 20),
                *("-c:a", "aac", "-b:a", "192k", "out.mp4"),
            ),
            BRING: lambda: asyncio.run(call("probe", path=str(path))),
            "shots, faces": lambda: asyncio.run(
                call("look", path=str(path), spans=[("0", str(seconds))], at_once=look_at_once())
            ),
            "speech": lambda: asyncio.run(call("speech", path=str(path))),
            "loudness": lambda: asyncio.run(measure(["-i", str(path)], ffmpeg=FFMPEG, job=folder)),
            "thumbnail": lambda: asyncio.run(
                thumbnail(path, seconds, folder / "thumbnail.jpg", ffmpeg=FFMPEG)
            ),
        }
        return {step: cost(lambda work=work: work() and None) for step, work in steps.items()}


def report(costs: dict[str, Cost]) -> str:
    """The figures as lines of text."""
    lines = [f"  {step:14}{c.wall:7.1f} s wall{c.cpu:8.1f} s CPU" for step, c in costs.items()]
    wall, cpu = shares(costs)
    lines.append(
        f"  perception / encode   {wall:.3f} wall, {cpu:.3f} CPU   (at most {MOST} of ten minutes)"
    )
    return "\n".join(lines)


def shares(costs: dict[str, Cost]) -> tuple[float, float]:
    """Perception's part of decoding and encoding: by the clock, and by CPU."""
    encode = costs["encode"]
    others = [c for step, c in costs.items() if step not in ("encode", BRING)]
    return sum(c.wall for c in others) / encode.wall, sum(c.cpu for c in others) / encode.cpu


@pytest.mark.benchmark
def test_perception_takes_a_small_part_of_what_an_encode_takes():
    costs = compare(LONG)
    print(report(costs))
    assert shares(costs)[0] <= MOST


if __name__ == "__main__":
    print(report(compare(int(sys.argv[1]) if len(sys.argv) > 1 else LONG)))
