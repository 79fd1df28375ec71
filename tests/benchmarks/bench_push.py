"""How soon an MCP client hears of a change: from the studio writing it down to the answer.

    python -m tests.benchmarks.bench_push [seconds of video, 10 by default]

A client over stdio follows a run of the sample with `get_run(since=…)`, as a chat does. Each change
of a node's state is in the studio's database with the moment when it was recorded; compared is the
moment when the first answer after it reached the client.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import statistics
import sys
import tempfile
import time
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import anyio
from mcp import Client, StdioServerParameters

from mosaic_mcp.contract.extensions import Discovery

GOAL_S = 0.3
SAMPLE = Path(__file__).parents[2] / "mosaic_mcp" / "sample" / "talk.mp4"
CHANGES = ("node.running", "node.completed")


async def follow(home: Path, seconds: int) -> list[float]:
    """When answers with news arrived, seconds since 1970; the first is that of the start."""
    env = {**os.environ, "MOSAIC_HOME": str(home), "MOSAIC_ALLOWED_DIRS": str(SAMPLE.parent)}
    server = StdioServerParameters(command=sys.executable, args=["-m", "mosaic_mcp"], env=env)
    async with Client(server) as client:

        async def call(tool: str, **arguments: Any) -> dict[str, Any]:
            done = await client.call_tool(tool, arguments)
            assert not done.is_error, done.content
            return done.structured_content or {}

        run = await call(
            "run_agent",
            agent="Talking head to vertical clips",
            videos=[{"source": str(SAMPLE), "transcript": str(SAMPLE.with_suffix(".srt"))}],
            clip=f"first {seconds} s",
            quality="draft",
            wait_s=0,
        )
        arrivals = [time.time()]
        while run["status"] == "running":
            run = await call("get_run", run_id=run["run_id"], wait_s=50, since=run["since"])
            arrivals.append(time.time())
        return arrivals


def recorded(home: Path) -> list[float]:
    """When the studio wrote each change of a node's state down, seconds since 1970."""
    marks = ", ".join("?" for _ in CHANGES)
    with closing(sqlite3.connect(home / "studio" / "studio.db")) as database:
        rows = database.execute(f"select at from events where type in ({marks})", CHANGES)
        return [datetime.fromisoformat(at).timestamp() for (at,) in rows]


def main() -> None:
    """Print the delays."""
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        try:
            arrivals = anyio.run(follow, home, seconds)
            changes = [at for at in recorded(home) if at > arrivals[0]]
        finally:
            with suppress(OSError):
                found = Discovery.model_validate_json((home / "studio/studio.json").read_bytes())
                os.kill(found.pid, signal.SIGTERM)
                time.sleep(1)
    delays = [min(a for a in arrivals if a >= at) - at for at in changes]
    print(f"{len(delays)} changes of nodes, {len(arrivals)} answers")
    print(f"recorded to received: median {1000 * statistics.median(delays):.0f} ms,")
    print(f"  longest {1000 * max(delays):.0f} ms   (at most {1000 * GOAL_S:.0f})")


if __name__ == "__main__":
    main()
