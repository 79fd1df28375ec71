"""A run whose outputs show the same frames in other ways decodes them once."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction as F
from pathlib import Path

import av
import pytest

from mosaic_mcp.contract.extensions import RunLog
from tests.support.coded import FFMPEG, numbered, write_video
from tests.support.studio_process import running_studio
from tests.support.studio_runs import Studio, rendering

pytestmark = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="one render at a time is had by two cores only"
)
CORNERS = {
    "in": "Video Input",
    "left": ("Watermark", {"logo_position": "top-left"}),
    "right": ("Watermark", {"logo_position": "bottom-right"}),
}
FROM_IN = "in>left in>right"


@contextmanager
def two_cores() -> Iterator[None]:
    """What is started within it makes one output at a time."""
    mine = os.sched_getaffinity(0)
    os.sched_setaffinity(0, set(sorted(mine)[:2]))
    try:
        yield
    finally:
        os.sched_setaffinity(0, mine)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    home = tmp_path_factory.mktemp("home")
    with two_cores(), running_studio(home) as running, running.client() as http:
        yield Studio(http, home)


def slow(path: Path) -> Path:
    """A video that takes long to render in best quality, and not to make."""
    pictures = ("-f", "lavfi", "-i", "testsrc2=s=1280x720:r=30:d=30")
    subprocess.run(
        [FFMPEG, "-v", "error", *pictures, "-c:v", "libx264", "-preset", "ultrafast", path],
        check=True,
    )
    return path


def commands_of(studio: Studio, run_id: str) -> list[int]:
    """How many pictures each command that encoded any has made."""
    log = RunLog.model_validate_json(studio.http.get(f"/studio/v1/runs/{run_id}/log").content)
    made = [command.arguments.count("libx264") for job in log.jobs for command in job.commands]
    return [count for count in made if count]


def test_outputs_that_wait_together_are_made_together(studio: Studio, tmp_path: Path):
    agent, _ = studio.agent(CORNERS, FROM_IN)
    # In 1080p, from which on sharing is worth it.
    pictures = [numbered(n, 1920, 1080) for n in range(30)]
    video = studio.add(write_video(tmp_path / "in.mp4", pictures, rate=F(10)))
    before = studio.run(agent, {"video_ids": [studio.add(slow(tmp_path / "slow.mp4"))]}, "best")
    studio.until(before, rendering)
    run_id = studio.run(agent, {"video_ids": [video]})
    studio.until(
        run_id, lambda w: sum(n["renders_total"] for n in w["nodes"] if n["makes_outputs"]) == 2
    )
    states = studio.rows(f"select status from renders where run_id = '{run_id}'")
    assert [row["status"] for row in states] == ["queued", "queued"]
    studio.post(f"/agent_run/{before}/cancel")
    run = studio.end(run_id)
    assert run["status"] == "completed", run
    assert commands_of(studio, run_id) == [2]
    assert len(run["outputs"]) == 2
    for output in run["outputs"]:
        path = studio.home / "renders" / output["id"] / "video.mp4"
        with av.open(path) as file:
            assert sum(1 for _ in file.decode(video=0)) == 30
    assert marks(studio, run["outputs"]) == {"top-left", "bottom-right"}


def marks(studio: Studio, outputs: list[dict[str, str]]) -> set[str]:
    """In which corner of each output its first picture is not that of the video."""
    found: set[str] = set()
    for output in outputs:
        with av.open(studio.home / "renders" / output["id"] / "video.mp4") as file:
            picture = next(file.decode(video=0)).to_ndarray(format="gray").astype(int)
        height, width = picture.shape
        changed = abs(picture - numbered(0, width, height))
        corners = {
            "top-left": changed[: height // 4, : width // 4],
            "bottom-right": changed[-height // 4 :, -width // 4 :],
        }
        found.add(max(corners, key=lambda corner: float(corners[corner].mean())))
    return found
