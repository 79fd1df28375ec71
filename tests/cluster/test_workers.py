"""Real API processes and real workers on a real PostgreSQL: nothing is lost, nothing done twice."""

import json
import signal
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

from mosaic_mcp.studio.runs.states import MAX_ATTEMPTS
from tests.support.cluster import DEAD_S, Cluster, Member, opened, until
from tests.support.media import video
from tests.support.postgres import Postgres
from tests.support.studio_runs import ENDED, Studio, processes_in, rendering
from tests.support.waiting import WAIT_S

pytestmark = pytest.mark.cluster

SHORT = {"in": "Video Input", "logo": "Watermark", "out": "Destination"}
LINE = "in>logo logo>out"


class Site:
    """A cluster with two API processes that only serve, workers, and a video in it."""

    def __init__(self, cluster: Cluster, postgres: Postgres, films: Path) -> None:
        self.cluster = cluster
        self.postgres = postgres
        self.one = cluster.api("--no-work")
        self.two = cluster.api("--no-work", "--require-key")
        self.workers: list[Member] = []
        self.cut = 0
        found = cluster.home / "studio" / "studio.json"
        token = json.loads(found.read_text())["token"]
        self.one.http.headers["authorization"] = f"Bearer {token}"
        self.agent, _ = self.one.agent(SHORT, LINE)
        self.short = self.one.add(video(films / "short.mp4", seconds=1))
        self.long = self.one.add(video(films / "long.mp4", seconds=8, size="1280x720"))

    def staff(self, count: int) -> list[Member]:
        """So many workers that live."""
        self.workers = [w for w in self.workers if w.process.poll() is None]
        while len(self.workers) < count:
            self.workers.append(self.cluster.worker())
        for surplus in self.workers[count:]:
            surplus.end()
        self.workers = self.workers[:count]
        return self.workers

    def run(self, studio: Studio, asset: str, quality: str = "draft") -> str:
        # No two runs are alike, so that no video is taken over from another run.
        clip = {"id": asset, "input_clip_start_ms": self.cut}
        self.cut += 40
        return studio.run(self.agent, {"video_id_inputs": [clip]}, quality)

    def begin_long(self) -> tuple[str, Member, Member]:
        """A run whose FFmpeg is at work; the worker that does it, and another one."""
        run_id = self.run(self.one, self.long, "standard")
        self.one.until(run_id, rendering)
        (busy,) = self.cluster.rows(
            f"select worker from renders where run_id = '{run_id}' and status = 'running'"
        )
        (at,) = [w for w in self.workers if w.name == busy.worker]
        (other,) = [w for w in self.workers if w.name != busy.worker]
        return run_id, at, other

    def begun(self, run_id: str) -> dict[str, int]:
        """How often each node and render of a run was begun."""
        nodes = self.cluster.rows(
            f"select node_id as id, attempt from run_nodes where run_id = '{run_id}'"
        )
        renders = self.cluster.rows(f"select id, attempt from renders where run_id = '{run_id}'")
        return {row.id: row.attempt for row in chain(nodes, renders)}

    def render_of(self, run_id: str) -> object:
        (row,) = self.cluster.rows(f"select * from renders where run_id = '{run_id}'")
        return row

    def working(self) -> set[int]:
        """FFmpeg processes, wherever they belong to."""
        return processes_in(self.cluster.home / "work")


@pytest.fixture(scope="module")
def site(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("cluster")
    with opened(folder / "home", postgres.create()) as cluster:
        yield Site(cluster, postgres, folder)


@pytest.mark.short
def test_runs_spread_over_workers_and_both_apis_tell_the_same(site: Site):
    names = {worker.name for worker in site.staff(2)}
    runs = [site.run(site.one if n % 2 else site.two, site.short) for n in range(8)]
    for run_id in runs:
        assert site.two.end(run_id)["status"] == "completed"
    done_by = [site.cluster.workers_of(run_id) for run_id in runs]
    assert set().union(*done_by) == names
    for run_id in runs:
        assert set(site.begun(run_id).values()) == {1}
        seen = [studio.watch(run_id, wait_s=0) for studio in (site.one, site.two)]
        assert seen[0]["seq"] == seen[1]["seq"]
        assert [n["status"] for n in seen[0]["nodes"]] == ["completed"] * 3


@pytest.mark.short
def test_a_link_of_one_api_is_served_by_the_other(site: Site):
    site.staff(2)
    run_id = site.run(site.one, site.short)
    (output,) = site.one.end(run_id)["outputs"]
    link = output["video_url"].replace(str(site.one.http.base_url), str(site.two.http.base_url))
    assert link != output["video_url"]
    answer = site.two.http.get(link, headers={"authorization": "", "range": "bytes=0-99"})
    assert (answer.status_code, len(answer.content)) == (206, 100)


@pytest.mark.short
def test_cancel_at_one_api_kills_ffmpeg_in_a_worker_and_resume_at_the_other_goes_on(site: Site):
    site.staff(2)
    run_id, _, _ = site.begin_long()
    assert site.working()
    answer = site.two.post(f"/agent_run/{run_id}/cancel")
    began = time.monotonic()
    until(lambda: not site.working(), seconds=5)
    print(f"FFmpeg was gone {time.monotonic() - began:.3f} s after the cancel's answer")
    assert answer["tasks_cancelled"] == 1
    assert site.one.watch(run_id, wait_s=0)["run"]["status"] == "cancelled"
    assert site.one.post(f"/agent_run/{run_id}/resume")["requeued_nodes"] == 2
    run = site.two.end(run_id)
    assert run["status"] == "completed"
    assert len(run["outputs"]) == 1


@pytest.mark.short
def test_a_worker_that_is_told_to_end_hands_over_at_once(site: Site):
    site.staff(2)
    run_id, at, other = site.begin_long()
    began = time.monotonic()
    at.send(signal.SIGTERM)
    assert at.process.wait(WAIT_S) == 0
    assert "not handed over" not in at.said
    ended = time.monotonic()
    until(lambda: site.render_of(run_id).worker == other.name, other, seconds=20)
    print(
        f"ended {ended - began:.3f} s after SIGTERM, its render began elsewhere after "
        f"{time.monotonic() - began:.3f} s"
    )
    assert [row.id for row in site.cluster.rows("select id from workers")] == [other.name]
    assert site.one.end(run_id)["status"] == "completed"
    # What is handed over in good order gives its attempt back.
    assert sorted(site.begun(run_id).values()) == [1, 1, 1, 1]
    assert not (site.cluster.home / "work" / at.name).exists()


@pytest.mark.short
def test_what_a_killed_worker_did_goes_on_in_another_one(site: Site):
    steady(site)
    run_id, at, other = site.begin_long()
    at.send(signal.SIGKILL)
    began = time.monotonic()
    at.process.wait()
    until(lambda: not site.working(), seconds=5)
    until(lambda: site.render_of(run_id).worker == other.name, other, seconds=30)
    print(f"begun elsewhere {time.monotonic() - began:.2f} s after kill -9 (dead after {DEAD_S})")
    run = site.one.end(run_id)
    assert run["status"] == "completed"
    assert len(run["outputs"]) == 1
    assert sorted(site.begun(run_id).values()) == [1, 1, 1, 2]
    assert not (site.cluster.home / "work" / at.name).exists()


def steady(site: Site) -> None:
    """Two workers, each there long enough to tell the dead from a database that was away."""
    for worker in site.staff(2):
        query = f"select beat - since as lived from workers where id = '{worker.name}'"
        until(lambda asked=query: any(r.lived > DEAD_S for r in site.cluster.rows(asked)), worker)


def test_a_frozen_worker_loses_its_work_and_writes_nothing_when_it_wakes(site: Site):
    steady(site)
    run_id, at, other = site.begin_long()
    at.send(signal.SIGSTOP)
    try:
        until(lambda: site.render_of(run_id).worker == other.name, other, seconds=40)
    finally:
        at.send(signal.SIGCONT)
    run = site.one.end(run_id)
    assert run["status"] == "completed"
    (output,) = run["outputs"]
    assert site.render_of(run_id).worker == other.name
    assert sorted(site.begun(run_id).values()) == [1, 1, 1, 2]
    (event,) = site.cluster.rows(
        f"select count(*) as times from events where run_id = '{run_id}' and type = 'run.completed'"
    )
    assert event.times == 1
    # It lives, and works again.
    until(lambda: at.name in {r.id for r in site.cluster.rows("select id from workers")}, at)
    until(lambda: not site.working(), at, other, seconds=20)
    folder = site.cluster.home / "renders" / output["id"]
    assert {f.name for f in folder.iterdir()} >= {"video.mp4", "recipe.json", "timeline.zip"}


def test_a_database_that_goes_away_and_comes_back_loses_nothing(site: Site):
    workers = site.staff(2)
    run_id, _, _ = site.begin_long()
    short = [site.run(site.two, site.short) for _ in range(4)]
    site.postgres.stop("immediate")
    try:
        for studio in (site.one, site.two):
            answer = studio.http.get(f"/agent_run/{run_id}")
            assert answer.status_code == 503, answer.text
            assert answer.json()["error"] == "engine_unavailable"
            assert "cannot be reached" in answer.json()["detail"]
            assert "geheim" not in answer.text
            assert answer.headers["retry-after"] == "2"
        time.sleep(DEAD_S + 1)  # so long that everybody looks dead to everybody
    finally:
        site.postgres.start()
    for known in (run_id, *short):
        run = site.one.end(known)
        assert run["status"] == "completed", run
        assert len(run["outputs"]) == 1
    assert set(site.begun(run_id).values()) == {1}
    assert [worker.process.poll() for worker in workers] == [None, None]


def test_what_ends_its_worker_each_time_is_given_up_with_a_sentence(site: Site):
    steady(site)
    run_id, at, _ = site.begin_long()
    at.send(signal.SIGKILL)
    at.process.wait()
    with site.cluster.engine.connect() as connection:
        connection.exec_driver_sql(
            f"update renders set attempt = {MAX_ATTEMPTS} where run_id = '{run_id}'"
        )
    run = site.one.end(run_id)
    assert run["status"] == "failed"
    assert f"died {MAX_ATTEMPTS} times" in run["errors"][0]["messages"][0]


def test_a_watcher_hears_what_another_process_does(site: Site):
    site.staff(2)
    run_id = site.run(site.one, site.long)
    seq, seen = 0, set()
    while (watch := site.two.watch(run_id, seq))["run"]["status"] not in ENDED:
        seq = watch["seq"]
        seen.add(tuple(n["status"] for n in watch["nodes"]))
    assert watch["run"]["status"] == "completed"
    assert ("completed", "running", "not_started") in seen
