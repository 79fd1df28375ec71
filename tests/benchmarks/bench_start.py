"""What our server costs beside a bare `MCPServer` with one tool, as ratios from one run.

    python -m tests.benchmarks.bench_start [starts of each, 15 by default]
    pytest -m benchmark tests/benchmarks/bench_start.py

Both are started in turns, so that other work on the machine meets them alike, and spoken to in
raw JSON-RPC over pipes, so that no client's time is counted. Measured are the time and the CPU time
from the process' start to its answer of `tools/list`, its memory then, the size of the tools as a
model sees them in tokens, and the latency of calls. CPU time and memory come from /proc (Linux).
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import anyio
import pytest

from mosaic_mcp.contract.extensions import Discovery
from tests.benchmarks import bare_server
from tests.benchmarks.count_tokens import BUDGET, tokens_of_tools

MOST_START = 1.15
MOST_MEMORY = 1.25
MOST_OVERHEAD_MS = 5.0
CALLS = 300
BARE = [sys.executable, str(Path(__file__).with_name("bare_server.py"))]
OURS = [sys.executable, "-m", "mosaic_mcp"]
REFUSED = ("get_run", {"run": "1"})
"""A call that ends before it reaches an engine: it costs only what our server costs."""
TO_STUDIO = ("list_runs", {"limit": 1})
"""A call that asks the studio over HTTP."""


class Server:
    """A server process, spoken to in JSON-RPC lines."""

    def __init__(self, command: Sequence[str], home: Path) -> None:
        env = {k: v for k, v in os.environ.items() if not k.startswith("MOSAIC_")}
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**env, "MOSAIC_HOME": str(home)},
        )
        self._id = 0

    def send(self, method: str, **params: Any) -> None:
        message = {"jsonrpc": "2.0", "method": method, "params": params}
        if not method.startswith("notifications/"):
            self._id += 1
            message["id"] = self._id
        assert self.process.stdin
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def ask(self, method: str, **params: Any) -> Any:
        """Send a request and wait for its result."""
        self.send(method, **params)
        assert self.process.stdout
        while line := self.process.stdout.readline():
            answer = json.loads(line)
            if answer.get("id") == self._id:
                return answer["result"]
        raise EOFError(f"{self.process.args} ended")

    def tools(self) -> list[dict[str, Any]]:
        """Begin the session and list the tools."""
        client = {"name": "bench", "version": "1"}
        self.ask("initialize", protocolVersion="2025-11-25", capabilities={}, clientInfo=client)
        self.send("notifications/initialized")
        return self.ask("tools/list")["tools"]

    def p50_ms(self, name: str, arguments: dict[str, Any], *, refused: bool = False) -> float:
        """Milliseconds of a call, median; every call must succeed, or be refused."""
        times = []
        for _ in range(CALLS):
            start = time.perf_counter()
            answer = self.ask("tools/call", name=name, arguments=arguments)
            times.append(time.perf_counter() - start)
            assert answer.get("isError", False) is refused, answer
        return 1000 * median(times)

    def cpu_ms(self) -> float:
        """CPU milliseconds so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return 1000 * (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mib(self) -> float:
        """Resident memory in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024


@contextmanager
def serving(command: Sequence[str], home: Path) -> Iterator[Server]:
    """A started server; it ends when its input does."""
    server = Server(command, home)
    try:
        yield server
    finally:
        server.process.communicate(timeout=20)


@dataclass(frozen=True, slots=True)
class Start:
    """One start: to the answer of `tools/list`."""

    wall_ms: float
    cpu_ms: float
    memory_mib: float


def start(command: Sequence[str], home: Path) -> Start:
    """Start a server, list its tools, end it."""
    begun = time.perf_counter()
    with serving(command, home) as server:
        server.tools()
        wall = 1000 * (time.perf_counter() - begun)
        return Start(wall, server.cpu_ms(), server.memory_mib())


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: what, ours, bare, and the most that ours may be (as told by `goal`)."""

    what: str
    unit: str
    ours: float
    bare: float | None = None
    goal: str = ""

    def text(self) -> str:
        """The line."""
        bare = f"{self.bare:9.1f}" if self.bare is not None else " " * 9
        ratio = f"{self.ours / self.bare:7.2f}" if self.bare else " " * 7
        return f"{self.what:34}{self.unit:6}{self.ours:9.1f}{bare}{ratio}  {self.goal}".rstrip()


def measure(starts: int) -> list[Row]:
    """The table's rows."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        for command in (OURS, BARE):  # compile, and fill the page cache
            start(command, home)
        turns = [(start(OURS, home), start(BARE, home)) for _ in range(starts)]
        calls = latencies(home)
    ours, bare = zip(*turns, strict=True)

    def both(what: str, unit: str, field: str, goal: str = "") -> Row:
        mine = median(getattr(s, field) for s in ours)
        return Row(what, unit, mine, median(getattr(s, field) for s in bare), goal)

    return [
        both("start to tools/list", "ms", "wall_ms", f"ratio at most {MOST_START}"),
        both("  CPU time of it", "ms", "cpu_ms"),
        both("memory after it", "MiB", "memory_mib", f"ratio at most {MOST_MEMORY}"),
        *calls,
    ]


def tokens() -> Row:
    """What the tools cost a model; needs Node, and npm's tokenizer at the first time."""
    ours = sum(anyio.run(tokens_of_tools).values())
    bare = sum(anyio.run(tokens_of_tools, bare_server.server).values())
    return Row("tools as a model sees them", "tokens", ours, bare, f"at most {BUDGET}")


def latencies(home: Path) -> list[Row]:
    """Latency of calls, on servers that are warm."""
    with serving(BARE, home) as bare, serving(OURS, home) as ours:
        bare.tools()
        ours.tools()
        echo = bare.p50_ms("echo", {"text": "x"})
        goal = f"at most {MOST_OVERHEAD_MS:g} ms more"
        refused = Row(
            "call without an engine, p50", "ms", ours.p50_ms(*REFUSED, refused=True), echo, goal
        )
        try:
            asked = Row("call through the studio, p50", "ms", ours.p50_ms(*TO_STUDIO))
        finally:
            end_studio(home)
    return [refused, asked]


def end_studio(home: Path) -> None:
    """End the studio that the calls started, and wait until it has left its folder."""
    file = home / "studio" / "studio.json"
    os.kill(Discovery.model_validate_json(file.read_bytes()).pid, signal.SIGTERM)
    deadline = time.monotonic() + 20
    while file.exists() and time.monotonic() < deadline:
        time.sleep(0.05)


def report(rows: Sequence[Row]) -> str:
    """The table as text."""
    head = f"{'':34}{'':6}{'ours':>9}{'bare SDK':>9}{'ratio':>7}"
    return "\n".join([head, *(row.text() for row in rows)])


@pytest.mark.benchmark
def test_the_server_starts_and_answers_nearly_as_fast_as_the_bare_sdk():
    rows = measure(15)
    print(report(rows))
    by_name = {row.what: row for row in rows}
    starting, memory = by_name["start to tools/list"], by_name["memory after it"]
    call = by_name["call without an engine, p50"]
    assert starting.bare
    assert starting.ours <= MOST_START * starting.bare
    assert memory.bare
    assert memory.ours <= MOST_MEMORY * memory.bare
    assert call.bare is not None
    assert call.ours - call.bare <= MOST_OVERHEAD_MS


if __name__ == "__main__":
    print(report([*measure(int(sys.argv[1]) if len(sys.argv) > 1 else 15), tokens()]))
