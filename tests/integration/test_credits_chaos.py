"""kill -9 in the middle of paid work: nothing is paid twice, and nothing stays set aside."""

import os
import signal
from pathlib import Path

import pytest

from tests.support.media import video
from tests.support.studio_process import running_studio
from tests.support.studio_runs import Studio, rendering

pytestmark = [pytest.mark.chaos, pytest.mark.short]
QUOTA = {"MOSAIC_STUDIO_CREDITS": "5"}
AGENT = {"in": "Video Input", "tall": ("Reframe", {"aspect_ratio": "9:16"}), "out": "Destination"}


def test_a_studio_that_is_killed_while_it_renders_charges_once(tmp_path: Path):
    talk = video(tmp_path / "talk.mp4", seconds=6, size="1280x720")
    home = tmp_path / "home"
    with running_studio(home, **QUOTA) as running, running.client() as http:
        studio = Studio(http, home)
        agent, _ = studio.agent(AGENT, "in>tall tall>out")
        run_id = studio.run(agent, {"video_ids": [studio.add(talk)]}, quality="standard")
        studio.until(run_id, rendering)
        os.kill(running.process.pid, signal.SIGKILL)
        running.process.wait()
        kept = {row["key"]: row["reserved"] for row in studio.rows("select * from credit_entries")}
        assert sorted(kept.values()) == [0, 1], "the tile is paid, the video set aside"
    with running_studio(home, **QUOTA) as running, running.client() as http:
        studio = Studio(http, home)
        assert studio.end(run_id)["status"] == "completed"
        paid = {row["key"]: row["reserved"] for row in studio.rows("select * from credit_entries")}
        assert paid == dict.fromkeys(kept, 0)
        used = http.get("/plan").json()["credits"]["usage"]
        assert used == pytest.approx(0.2, abs=0.003)  # 6 seconds in, 6 seconds out
        balance = http.get("/credits").json()["balance"]
        assert round(used + balance, 3) == 5
