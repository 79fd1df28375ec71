"""Very many queued runs: DBOS holds few of them, memory stays flat, and all end."""

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from mosaic_mcp.studio.engine import SLOTS
from mosaic_mcp.studio.runs.queueing import WINDOW
from tests.support.coded import ffmpeg
from tests.support.studio_process import running_studio
from tests.support.studio_runs import Studio
from tests.support.waiting import WAIT_S

GROWTH_MB = 40
"""What the studio may grow by while it works off its queue: caches of the interpreter, no rows."""


def memory_mb(pid: int) -> float:
    """Resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def enqueued(home: Path) -> int:
    """The jobs that DBOS knows and nobody has begun."""
    with closing(sqlite3.connect(home / "studio" / "dbos.db", timeout=WAIT_S)) as database:
        query = "select count(*) from workflow_status where status = 'ENQUEUED'"
        return database.execute(query).fetchone()[0]


@pytest.mark.long
@pytest.mark.parametrize("count", [pytest.param(30, marks=pytest.mark.short), 500])
def test_a_long_queue_costs_bounded_memory_and_few_rows_in_dbos(tmp_path: Path, count: int):
    video = tmp_path / "clip.mp4"
    picture = "testsrc2=size=160x90:rate=25:duration=1"
    ffmpeg("-f", "lavfi", "-i", picture, "-c:v", "libx264", "-pix_fmt", "yuv420p", video)
    home = tmp_path / "home"
    # Told jobs that others overtook (a run's renders go before new runs) stay told: twice at most.
    window = 2 * WINDOW * sum(SLOTS.values())
    with running_studio(home) as running, running.client() as http:
        studio = Studio(http, home)
        agent, _ = studio.agent({"in": "Video Input", "logo": "Watermark"}, "in>logo")
        body = {"video_ids": [studio.add(video)]}
        runs = [studio.run(agent, body) for _ in range(count)]
        studio.end(runs[count // 10])
        early, most = memory_mb(running.process.pid), 0
        while any(r["status"] == "running" for r in open_runs(studio)):
            most = max(most, enqueued(home))
            time.sleep(1)
        late = memory_mb(running.process.pid)
        ended = studio.rows("select status, count(*) as many from runs group by status")
    print(f"{count} runs: {early:.0f} MB early, {late:.0f} MB late, DBOS held {most} jobs at most")
    assert [tuple(row) for row in ended] == [("completed", count)]
    assert most <= window
    assert late - early < GROWTH_MB


def open_runs(studio: Studio) -> list[dict[str, str]]:
    answer = studio.http.get("/agent_runs", params={"status": "running", "limit": 1})
    return answer.json()["runs"]
