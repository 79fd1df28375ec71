"""/health and /metrics of a serving studio, and of the MCP server before it."""

import sqlite3
import time
from contextlib import closing

import pytest
from prometheus_client.parser import text_string_to_metric_families

from mosaic_mcp.studio import health, machine
from mosaic_mcp.studio.health import Examiner
from mosaic_mcp.studio.liveness import beat
from mosaic_mcp.studio.metrics import exposition
from mosaic_mcp.studio.store.database import Store
from mosaic_mcp.studio.store.tables import run_nodes, runs, webhooks, workers
from tests.support.run_states import MovedRun
from tests.support.waiting import WAIT_S

DEAD_S = 60.0
EARLIER = "2026-01-01T00:00:00+00:00"


def values(text: str) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_a_serving_studio_is_ready_and_tells_no_secret(studio):
    with studio.client("") as nobody:
        answer = nobody.get("/health")
        assert nobody.get("/health/live").text == "alive\n"
    assert answer.status_code == 200
    told = answer.json()
    assert told["ready"] is True
    names = ["database", "disk", "ffmpeg", "queue", "workers"]
    assert [check["name"] for check in told["checks"]] == names
    assert str(studio.home) not in answer.text


def test_metrics_count_requests_by_route_and_never_by_path(studio, anna):
    anna.get("/agent_run/0f0f0f0f-secret-path")
    with studio.client("") as nobody:
        answer = nobody.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    counted = values(answer.text)
    assert counted["mosaic_http_requests_total", "GET", "/agent_run/{run_id}", "404"] >= 1
    assert "secret-path" not in answer.text
    assert counted["mosaic_disk_free_bytes",] > 1e6
    assert counted["mosaic_database_bytes",] > 1000
    for status in ("running", "completed", "failed"):
        assert ("mosaic_runs", status) in counted
    assert ("mosaic_queue_length", "render") in counted
    assert ("mosaic_render_seconds_count",) in counted
    assert ("mosaic_ffmpeg_failures_total",) in counted
    assert counted["mosaic_workers",] == 1
    assert counted["mosaic_webhooks_pending",] == 0


def test_what_a_proxy_passes_on_needs_a_key_for_metrics(studio):
    passed_on = {"x-forwarded-for": "203.0.113.9"}
    with studio.client("") as nobody:
        assert nobody.get("/metrics", headers=passed_on).status_code == 401
        assert nobody.get("/health", headers=passed_on).status_code == 200
    with studio.client("mk_anna") as anna:
        assert anna.get("/metrics", headers=passed_on).status_code == 200


def test_a_request_is_known_by_its_id(studio):
    with studio.client("") as nobody:
        said = nobody.get("/health", headers={"x-request-id": "mine-1"})
        made = nobody.get("/health", headers={"x-request-id": "not an id\\n"})
    assert said.headers["x-request-id"] == "mine-1"
    assert len(made.headers["x-request-id"]) == 16


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "studio.db")
    yield store
    store.close()


def examiner(store, tmp_path, works: bool = True) -> Examiner:
    program = tmp_path / "ffmpeg"
    program.write_text("")
    program.chmod(0o755)
    return Examiner(store, tmp_path, program, DEAD_S, works)


async def reasons(examined: Examiner) -> dict[str, str]:
    return {c.name: c.says for c in (await examined.health()).checks if not c.ok}


async def test_a_database_that_somebody_holds_makes_it_unready(store, tmp_path, monkeypatch):
    monkeypatch.setattr(health, "WAIT_S", 0.2)
    monkeypatch.setattr(health, "KEEP_S", 0.0)
    examined = examiner(store, tmp_path)
    with closing(sqlite3.connect(tmp_path / "studio.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert "another program holds it" in (await reasons(examined))["database"]
    deadline = time.monotonic() + WAIT_S
    while await reasons(examined):
        assert time.monotonic() < deadline


async def test_no_room_and_no_ffmpeg_are_reasons(store, tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "RESERVE_SHARE", 2.0)
    monkeypatch.setattr(machine, "RESERVE_MOST", 10**18)
    examined = examiner(store, tmp_path)
    examined.ffmpeg.unlink()
    found = await reasons(examined)
    assert set(found) == {"disk", "ffmpeg"}
    assert "GB free" in found["disk"]


async def test_work_that_nobody_takes_up_is_stuck(store, tmp_path, monkeypatch):
    monkeypatch.setattr(health, "KEEP_S", 0.0)
    run = MovedRun(store, {"in": "Video Input", "out": "Destination"}, "in>out")
    examined = examiner(store, tmp_path)
    assert await reasons(examined) == {}
    await store.write(lambda c: c.execute(runs.update().values(updated_at=EARLIER)))
    assert "nothing has moved" in (await reasons(examined))["queue"]
    at_work = run_nodes.update().where(run_nodes.c.run_id == run.id).values(status="running")
    await store.write(lambda c: c.execute(at_work))
    assert await reasons(examined) == {}


async def test_who_leaves_the_work_to_others_is_unready_while_none_of_them_lives(
    store, tmp_path, monkeypatch
):
    monkeypatch.setattr(health, "KEEP_S", 0.0)
    serves = examiner(store, tmp_path, works=False)
    assert await reasons(examiner(store, tmp_path)) == {}, "who works is one itself"
    assert "start `mosaic-mcp worker`" in (await reasons(serves))["workers"]
    await store.write(lambda c: beat(c, "one", DEAD_S))
    assert await reasons(serves) == {}
    await store.write(lambda c: c.execute(workers.update().values(beat=time.time() - DEAD_S - 1)))
    assert "no worker is running" in (await reasons(serves))["workers"]


async def test_workers_that_live_and_webhooks_that_wait_are_counted(store, tmp_path):
    async def counted(name: str) -> float:
        return values((await exposition(store, tmp_path, DEAD_S)).decode())[name,]

    MovedRun(store, {"in": "Video Input"}, callback_url="https://hook.example/")
    for name in ("one", "two"):
        await store.write(lambda c, name=name: beat(c, name, DEAD_S))
    assert (await counted("mosaic_workers"), await counted("mosaic_webhooks_pending")) == (2, 2)
    await store.write(lambda c: c.execute(webhooks.update().values(state="delivered")))
    await store.write(lambda c: c.execute(workers.update().values(beat=0.0)))
    assert (await counted("mosaic_workers"), await counted("mosaic_webhooks_pending")) == (0, 0)
