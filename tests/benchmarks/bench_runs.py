"""How fast runs move, stop and come back, on this machine's studio with SQLite.

    python -m tests.benchmarks.bench_runs                  all four
    python -m tests.benchmarks.bench_runs cancel 20        cancel -> FFmpeg dead, 20 times
    python -m tests.benchmarks.bench_runs nodes 40         nodes ended per second, 40 runs
    python -m tests.benchmarks.bench_runs restart 5        kill -9 -> the next node begins, 5 times
    python -m tests.benchmarks.bench_runs drain 1000       1,000 runs queued at once; memory

Moments are the kernel's for processes and the studio's own records for nodes.
"""

from __future__ import annotations

import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.support.media import video
from tests.support.studio_process import RunningStudio, running_studio
from tests.support.studio_runs import Studio, processes_in, rendering

CANCEL_S = 0.5
NODES_PER_S = 30.0
LINE = 16
"""Tiles in a row that only decide."""
LOOK_S = 0.002


@contextmanager
def opened(home: Path) -> Generator[tuple[Studio, RunningStudio]]:
    """A studio on a data folder."""
    with running_studio(home) as running, running.client() as http:
        yield Studio(http, home), running


def ended_after(alive: Callable[[], object]) -> float:
    """Seconds until nothing is alive any more."""
    begin = time.monotonic()
    while alive():
        time.sleep(LOOK_S)
    return time.monotonic() - begin


def cancel(home: Path, count: int) -> None:
    """From the call of cancel to the end of the last FFmpeg, with the encoder well at work."""
    source = video(home.parent / "long.mp4", seconds=60, size="1280x720")
    took: list[float] = []
    with opened(home) as (studio, _):
        agent, _ = studio.agent({"in": "Video Input", "tall": "Reframe"}, "in>tall")
        body = {"video_id_inputs": [{"id": studio.add(source)}]}
        run_id = studio.run(agent, body, quality="best")
        for _ in range(count):
            studio.until(run_id, rendering)
            begin = time.monotonic()
            studio.post(f"/agent_run/{run_id}/cancel")
            took.append(time.monotonic() - begin + ended_after(lambda: processes_in(home / "work")))
            studio.post(f"/agent_run/{run_id}/resume")
        studio.post(f"/agent_run/{run_id}/cancel")
    print(
        f"cancel -> FFmpeg dead, n={count}: median {1000 * statistics.median(took):.0f} ms, "
        f"longest {1000 * max(took):.0f} ms   (at most {1000 * CANCEL_S:.0f})"
    )


def deciding(studio: Studio) -> str:
    """An agent of tiles that only decide: its last one has no picture, so nothing is rendered."""
    names = [f"t{number}" for number in range(LINE)]
    nodes: dict[str, Any] = {"in": "Video Input", **dict.fromkeys(names, "Watermark")}
    nodes["end"] = ("Watermark", {"use_custom_logo": "custom", "image_id": "0" * 8})
    edges = " ".join(f"{a}>{b}" for a, b in pairwise(nodes))
    return studio.agent(nodes, edges)[0]


def all_ended(studio: Studio) -> bool:
    """True when no run is at work."""
    return not studio.rows("select 1 from runs where status = 'running' limit 1")


def until(what: Callable[[], object], look_s: float = 0.1) -> None:
    """Wait for what the studio brings about."""
    while not what():
        time.sleep(look_s)


def moments(studio: Studio, kinds: str) -> list[float]:
    """When events of these kinds were recorded, in order, seconds since 1970."""
    rows = studio.rows(f"select at from events where type in ({kinds}) order by seq")
    return [datetime.fromisoformat(row["at"]).timestamp() for row in rows]


def nodes(home: Path, count: int) -> None:
    """Nodes from queued over running to their end, many runs beside each other."""
    source = video(home.parent / "short.mp4", seconds=1)
    with opened(home) as (studio, running):
        agent, asset = deciding(studio), studio.add(source)
        before = cpu_s(running.process.pid)
        for _ in range(count):
            studio.run(agent, {"video_ids": [asset]})
        until(lambda: all_ended(studio), look_s=1)
        spent = cpu_s(running.process.pid) - before
        ends = moments(studio, "'node.completed', 'node.failed'")
        changes = moments(studio, "'node.queued', 'node.running', 'node.completed', 'node.failed'")
        rate = len(ends) / (ends[-1] - ends[0])
        print(
            f"{len(ends)} nodes of {count} runs: {rate:.1f} nodes/s, "
            f"{len(changes) / (changes[-1] - changes[0]):.1f} changes of state/s   "
            f"(at least {NODES_PER_S:.0f} nodes/s); {1000 * spent / len(ends):.0f} ms of CPU a node"
        )


def restart(home: Path, count: int) -> None:
    """From SIGKILL to the moment when a node begins again, with the start of a new studio."""
    source = video(home.parent / "short.mp4", seconds=1)
    took: list[float] = []
    for _ in range(count):
        with opened(home) as (studio, running):
            agent, asset = deciding(studio), studio.add(source)
            for _ in range(4):
                studio.run(agent, {"video_ids": [asset]})
            until(lambda s=studio: len(moments(s, "'node.completed'")) % 68 > 8, look_s=0.01)
            os.kill(running.process.pid, signal.SIGKILL)
            killed = time.time()
            running.process.wait()
        with opened(home) as (studio, _):
            until(lambda s=studio, k=killed: moments(s, "'node.running'")[-1] > k, look_s=0.01)
            begun = [at for at in moments(studio, "'node.running'") if at > killed]
            took.append(begun[0] - killed)
            until(lambda s=studio: all_ended(s))
    print(
        f"kill -9 -> the next node begins, n={count}, the studio's start included: "
        f"median {statistics.median(took):.2f} s, longest {max(took):.2f} s"
    )


def cpu_s(pid: int) -> float:
    """CPU time that a process used so far, seconds (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int) -> float:
    """Resident memory of a process (Linux)."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def drain(home: Path, count: int) -> None:
    """Runs of a short clip, all queued at once; equal renders are taken over from the first."""
    source = video(home.parent / "short.mp4", seconds=1)
    with opened(home) as (studio, running):
        agent, _ = studio.agent({"in": "Video Input", "out": "Destination"}, "in>out")
        asset = studio.add(source)
        first = studio.end(studio.run(agent, {"video_ids": [asset]}))
        assert first["status"] == "completed"
        memory = [memory_mb(running.process.pid)]
        began = time.monotonic()
        for _ in range(count):
            studio.run(agent, {"video_ids": [asset]})

        def left() -> int:
            (row,) = studio.rows("select count(*) as n from runs where status = 'running'")
            return row["n"]

        for share in (0.5, 0.0):
            until(lambda s=share: left() <= s * count, look_s=1)
            memory.append(memory_mb(running.process.pid))
        took = time.monotonic() - began
        (row,) = studio.rows("select count(*) as n from runs where status = 'completed'")
        assert row["n"] == count + 1
    start, middle, end = memory
    print(
        f"{count} queued runs drained in {took:.0f} s ({count / took:.1f} runs/s); the studio's "
        f"memory: {start:.0f} MB at the start, {middle:.0f} in the middle, {end:.0f} at the end"
    )


BENCHES: dict[str, tuple[Callable[[Path, int], None], int]] = {
    "cancel": (cancel, 10),
    "nodes": (nodes, 40),
    "restart": (restart, 5),
    "drain": (drain, 1000),
}


def main(arguments: list[str]) -> None:
    """Run the named benchmark, or all."""
    for name in arguments[:1] or BENCHES:
        bench, count = BENCHES[name]
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder) / "home"
            home.mkdir()
            bench(home, int(arguments[1]) if len(arguments) > 1 else count)


if __name__ == "__main__":
    main(sys.argv[1:])
