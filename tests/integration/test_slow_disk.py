"""A disk that takes seconds for what takes milliseconds elsewhere: slow is not dead.

The studio, its databases and FFmpeg are real and unchanged; their writes below the data folder
block in the kernel (`support/slow_disk.py`).
"""

import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import slow_disk
from tests.support.coded import ffmpeg
from tests.support.studio_process import RunningStudio, start, until
from tests.support.studio_runs import ENDED, Studio
from tests.support.waiting import WAIT_S

pytestmark = [
    pytest.mark.long,
    pytest.mark.short,
    pytest.mark.skipif(not slow_disk.possible(), reason="seccomp's user notification is missing"),
]
RATE = 400_000
"""Bytes a second: less than a thousandth of a disk."""
DEAD_S = 5
"""Seconds of silence after which a worker counts as dead; the run takes several times as long."""


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    home = tmp_path / "home"
    under = [sys.executable, "-m", "tests.support.slow_disk", str(home), str(RATE)]
    process = start(home, under=under, MOSAIC_STUDIO_DEAD_S=str(DEAD_S))
    running = RunningStudio(home, process)
    until((home / "studio" / "studio.json").exists, [process])
    try:
        with running.client() as http:
            http.timeout = WAIT_S
            yield Studio(http, home)
    finally:
        os.kill(running.discovery.pid, signal.SIGTERM)
        process.communicate(timeout=WAIT_S)


def grainy(path: Path) -> Path:
    """Two seconds that take many bytes however they are encoded."""
    noise = "color=gray:size=480x270:rate=25:duration=2,noise=alls=100:allf=t"
    encoded = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "18", "-pix_fmt", "yuv420p")
    ffmpeg("-f", "lavfi", "-i", noise, *encoded, path)
    return path


def test_a_run_on_a_slow_disk_goes_on_says_so_and_is_not_taken_for_dead(
    studio: Studio, tmp_path: Path
):
    line = {"in": "Video Input", "logo": "Watermark", "out": "Destination"}
    agent, _ = studio.agent(line, "in>logo logo>out")
    source = studio.add(grainy(tmp_path / "grainy.mp4"))
    began = time.monotonic()
    run_id = studio.run(agent, {"video_ids": [source]}, quality="best")
    steps: list[str] = []
    silences: list[float] = []
    seq, run = 0, {"status": "running"}
    while run["status"] not in ENDED:
        seen = studio.watch(run_id, seq, wait_s=1)
        seq, run = seen["seq"], seen["run"]
        steps += [node["step"] for node in seen["nodes"] if node.get("step")]
        [beat] = studio.rows("select max(beat) as at from workers")
        silences.append(time.time() - beat["at"])
    assert run["status"] == "completed", run
    took = time.monotonic() - began
    assert took > 2 * DEAD_S, "for this test: slower than what counts as dead"
    assert max(silences) < DEAD_S
    assert [row["attempt"] for row in studio.rows("select attempt from renders")] == [1]
    assert {row["attempt"] for row in studio.nodes(run_id)} == {1}, "nothing was taken from it"
    quiet = [step for step in steps if re.search(r"nothing new for \d+ s; it goes on", step)]
    assert quiet, steps
    assert "is dead" not in (studio.home / "studio" / "log" / "studio.log").read_text()
