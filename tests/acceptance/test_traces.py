"""One trace from a tool call to FFmpeg: client, server and studio are three processes."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from mosaic_mcp.contract.extensions import Discovery
from mosaic_mcp.settings import Settings
from tests.acceptance.conftest import Talk, end_studio, environment
from tests.acceptance.tools import answer, to_the_end
from tests.support.collector import Collector, collecting
from tests.support.studio_process import running_studio
from tests.support.studio_runs import Studio, rendering

pytestmark = [pytest.mark.long, pytest.mark.short]

TRACE = 0x0AF7651916CD43DD8448EB211C80319C
CALLER = SpanContext(TRACE, 0xB7AD6B7169203331, is_remote=False, trace_flags=TraceFlags(1))


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


def traced(collector: Collector) -> dict[str, str]:
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}


async def test_a_tool_call_and_the_ffmpeg_that_works_for_it_are_one_trace(
    collector: Collector, talk: Talk, folder: Path, tmp_path: Path
):
    settings = Settings(home=tmp_path / "home", allowed_dirs=(folder,))
    env = {**environment(settings), **traced(collector)}
    server = StdioServerParameters(command=sys.executable, args=["-m", "mosaic_mcp"], env=env)
    try:
        async with Client(server) as client:
            with trace.use_span(NonRecordingSpan(CALLER)):
                run = await answer(
                    client,
                    "run_agent",
                    agent="Caption and reframe",
                    videos=[talk.named],
                    clip="first 2 seconds",
                    quality="draft",
                    wait_s=1,
                )
            run = await to_the_end(client, run)
        pid = _studio_pid(settings.home)
    finally:
        end_studio(settings.home)
    _wait_for_end(pid)
    assert run["status"] == "completed"

    encode = next(s for s in collector.named("ffmpeg") if s.attributes.get("codec") == "libx264")
    line = collector.line(encode)
    assert [(s.service, s.name) for s in line] == [
        ("mosaic-studio", "ffmpeg"),
        ("mosaic-studio", "render"),
        ("mosaic-studio", "run"),
        ("mosaic-studio", "POST /agent/{agent_id}/run"),
        ("mosaic-mcp", "POST"),
        ("mosaic-mcp", "tools/call run_agent"),
    ]
    assert {s.trace for s in line} == {f"{TRACE:032x}"}
    assert line[-1].parent != ""
    assert encode.attributes["exit_code"] == 0
    assert encode.attributes["media_seconds"] == pytest.approx(2, abs=0.2)
    assert [s.attributes["status"] for s in collector.named("run")] == ["completed"]
    nodes = collector.named("node")
    assert {s.attributes["node_type"] for s in nodes} >= {"Captions", "Reframe", "Destination"}
    assert {s.attributes["run_id"] for s in [*nodes, line[1], line[2]]} == {run["run_id"]}
    told = "\n".join(s.text for s in collector.spans)
    for word in ("quiet room", talk.video.name, str(folder), str(settings.home), "Bearer"):
        assert word not in told


def test_a_run_stays_in_its_trace_over_a_kill(collector: Collector, talk: Talk, tmp_path: Path):
    home = tmp_path / "home"
    place = {"traceparent": f"00-{TRACE:032x}-b7ad6b7169203331-01"}
    with running_studio(home, **traced(collector)) as first, first.client() as http:
        http.headers.update(place)
        studio = Studio(http, home)
        agent, _ = studio.agent(
            {"in": "Video Input", "logo": "Watermark", "out": "Destination"}, "in>logo logo>out"
        )
        clip = {"id": studio.add(talk.video), "input_clip_end_ms": 6000}
        run_id = studio.run(agent, {"video_id_inputs": [clip]}, quality="best")
        studio.until(run_id, rendering)
        os.kill(first.process.pid, signal.SIGKILL)
        first.process.wait()
    with running_studio(home, **traced(collector)) as second, second.client() as http:
        studio = Studio(http, home)
        assert studio.end(run_id)["status"] == "completed"
        log = http.get(f"/studio/v1/runs/{run_id}/log").json()
    assert log["trace_id"] == f"{TRACE:032x}"
    (again,) = collector.named("render")  # the one that was killed has no end to be told
    assert again.attributes["attempt"] == 2
    above = collector.line(again)
    assert [s.name for s in above][:2] == ["render", "run"]
    assert {s.trace for s in above} == {f"{TRACE:032x}"}
    assert len(collector.named("run")) == 1


def test_without_an_endpoint_nothing_of_the_exporter_is_loaded(tmp_path: Path):
    code = (
        "import sys\nfrom mosaic_mcp import cli\nfrom mosaic_mcp.settings import Settings\n"
        "cli._start_watching(Settings.from_env())\ncli._server(Settings.from_env())\n"
        "print(*[m for m in sys.modules if m.startswith(('opentelemetry.sdk', "
        "'opentelemetry.exporter', 'requests', 'google.protobuf')) or m == 'httpx'])"
    )
    env = {k: v for k, v in os.environ.items() if not k.startswith("OTEL_")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**env, "MOSAIC_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == []


def _studio_pid(home: Path) -> int:
    return Discovery.model_validate_json((home / "studio" / "studio.json").read_bytes()).pid


def _wait_for_end(pid: int) -> None:
    """Until the process is gone; it sends its last spans before."""
    descriptor = os.pidfd_open(pid)
    try:
        assert select.select([descriptor], [], [], 20)[0], "the studio did not end"
    finally:
        os.close(descriptor)
