"""How members of a cluster are started: what they say, whom they serve, what they refuse."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from mosaic_mcp.doctor.cluster import examine_database
from mosaic_mcp.settings import Settings
from tests.support.cluster import Cluster, opened, until
from tests.support.media import video
from tests.support.postgres import Postgres
from tests.support.studio_runs import Studio, rendering
from tests.support.waiting import WAIT_S

pytestmark = pytest.mark.cluster


@pytest.fixture
def cluster(database: str, tmp_path: Path) -> Iterator[Cluster]:
    with opened(tmp_path / "home", database) as cluster:
        yield cluster


def local(cluster: Cluster, studio: Studio) -> Studio:
    """The studio as this machine's user calls it."""
    found = json.loads((cluster.home / "studio" / "studio.json").read_text())
    studio.http.headers["authorization"] = f"Bearer {found['token']}"
    return studio


@pytest.mark.short
def test_the_first_api_is_the_local_studio_and_a_second_without_keys_is_told_how(cluster: Cluster):
    cluster.api()
    second = cluster.start("studio", "--port", "0")
    assert second.process.wait(WAIT_S) == 3
    assert "Another studio already serves" in second.said
    assert "--require-key" in second.said


@pytest.mark.short
def test_behind_a_proxy_links_and_requests_have_the_public_name(cluster: Cluster):
    api = cluster.api(
        "--no-work", "--require-key", MOSAIC_STUDIO_PUBLIC_URL="https://video.example.org/"
    )
    answer = api.http.post("/uploads/video/get_upload_url", headers={"host": "video.example.org"})
    assert answer.is_success, answer.text
    assert answer.json()["upload_url"] == "https://video.example.org/media/uploads"
    strange = api.http.get("/whoami", headers={"host": "evil.example.org"})
    assert strange.status_code == 403
    nul = api.http.get("/agent/%00x")
    assert (nul.status_code, nul.json()["error"]) == (400, "validation_error")


@pytest.mark.short
def test_another_address_is_served_only_to_keys(cluster: Cluster):
    refused = cluster.start("studio", "--host", "127.0.0.2", "--port", "0")
    assert refused.process.wait(WAIT_S) == 1
    assert "--require-key" in refused.said
    assert "Traceback" not in refused.said


@pytest.mark.short
@pytest.mark.parametrize("command", ["worker", "studio"])
def test_what_is_wrong_with_the_database_is_said_in_a_sentence(
    command: str, postgres: Postgres, tmp_path: Path
):
    with opened(tmp_path / "home", postgres.address("nobody_made_it")) as cluster:
        member = cluster.start(command)
        assert member.process.wait(WAIT_S) == 1
    assert "nobody_made_it cannot be reached" in member.said
    assert "MOSAIC_STUDIO_DATABASE" in member.said
    assert "geheim" not in member.said
    assert "Traceback" not in member.said


@pytest.mark.short
def test_without_the_driver_the_command_to_install_it_is_told(tmp_path: Path):
    code = (
        "import sys, importlib.util as u; find = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'psycopg' else find(name, *a)\n"
        "from mosaic_mcp.cli import main; sys.exit(main(['worker']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={
            **os.environ,
            "MOSAIC_HOME": str(tmp_path),
            "MOSAIC_STUDIO_DATABASE": "postgresql://u:geheim@h/d",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert 'pip install "mosaic-mcp[cluster]"' in done.stderr
    assert "geheim" not in done.stderr


@pytest.mark.short
def test_a_cluster_without_a_worker_says_so_until_one_works_which_tells_how_it_is(
    cluster: Cluster, database: str, tmp_path: Path
):
    api = local(cluster, cluster.api("--no-work"))
    settings = replace(
        Settings.from_env({"MOSAIC_HOME": str(cluster.home)}), studio_database=database
    )
    start = "no worker is running: start `mosaic-mcp worker`"
    answer = api.http.get("/health")
    assert answer.status_code == 503
    assert [c["says"] for c in answer.json()["checks"] if not c["ok"]] == [start]
    found = {f.name: f for f in examine_database(settings)}
    assert (found["database"].state, found["workers"].state) == ("ok", "note")
    agent, _ = api.agent({"in": "Video Input", "logo": "Watermark"}, "in>logo")
    run_id = api.run(agent, {"video_ids": [api.add(video(tmp_path / "v.mp4", seconds=1))]})
    seen = api.watch(run_id, wait_s=0)
    assert seen["run"]["status_message"].startswith("No worker is running: start `mosaic-mcp")
    assert seen["nodes"][0]["step"] == start
    found = {f.name: f for f in examine_database(settings)}
    assert (found["workers"].state, found["workers"].says) == ("fail", f"1 runs wait, and {start}")

    worker = cluster.start("worker", "--port", "0")
    until(lambda: "It tells how it is at" in worker.said, worker)
    (url,) = re.findall(r"at (http://127.0.0.1:\d+)/health and /metrics", worker.said)
    assert api.end(run_id)["status"] == "completed"
    with httpx.Client(base_url=url, trust_env=False) as http:
        health = http.get("/health", headers={"host": "10.0.0.7:9101"})
        assert health.json()["ready"] is True
        told = http.get("/metrics").text
        assert "mosaic_workers 1.0" in told
        assert 'mosaic_jobs_total{kind="render",outcome="done"} 1.0' in told
        passed_on = http.get("/metrics", headers={"x-forwarded-for": "203.0.113.9"})
        assert passed_on.status_code == 401
        assert http.get("/agents").status_code == 404
    until(lambda: api.http.get("/health").json()["ready"], worker)
    assert {f.says for f in examine_database(settings) if f.name == "workers"} == {"1 alive"}
    worker.send(signal.SIGTERM)
    assert worker.process.wait(WAIT_S) == 0
    assert cluster.rows("select id from workers") == []


def test_a_worker_that_tells_on_another_address_needs_keys(tmp_path: Path):
    with opened(tmp_path / "home", None) as cluster:
        for arguments, keys in ((["--port", "0"], ""), ([], "mk_anna=anna")):
            refused = cluster.start(
                "worker", "--host", "127.0.0.2", *arguments, MOSAIC_STUDIO_KEYS=keys
            )
            assert refused.process.wait(WAIT_S) == 1
            assert "goes with --port, and with MOSAIC_STUDIO_KEYS" in refused.said
            assert "Traceback" not in refused.said


def test_a_worker_on_another_address_tells_numbers_to_keys_only(tmp_path: Path):
    with opened(tmp_path / "home", None) as cluster:
        worker = cluster.start("worker", "--host", "127.0.0.2", "--port", "0")
        until(lambda: "It tells how it is at" in worker.said, worker)
        (url,) = re.findall(r"at (http://127.0.0.2:\d+)/health", worker.said)
        with httpx.Client(base_url=url, trust_env=False) as http:
            assert http.get("/health").is_success
            assert http.get("/metrics").status_code == 401
            key = {"authorization": "Bearer mk_anna"}
            assert http.get("/metrics", headers=key).is_success


def test_processes_that_end_leave_no_worker_behind(cluster: Cluster):
    cluster.api()
    worker = cluster.worker()
    until(lambda: len(cluster.rows("select id from workers")) == 2, worker)
    worker.send(signal.SIGINT)
    assert worker.process.wait(WAIT_S) == 0
    assert worker.name not in {row.id for row in cluster.rows("select id from workers")}
    assert "geheim" not in worker.said


def test_on_sqlite_a_worker_helps_the_studio_and_goes_on_when_that_is_killed(tmp_path: Path):
    with opened(tmp_path / "home", None) as cluster:
        studio = local(cluster, cluster.api())
        worker = cluster.worker()
        agent, _ = studio.agent({"in": "Video Input", "logo": "Watermark"}, "in>logo")
        asset = studio.add(video(tmp_path / "v.mp4", seconds=12, size="1280x720"))
        runs = [
            studio.run(
                agent, {"video_id_inputs": [{"id": asset, "input_clip_start_ms": n}]}, "standard"
            )
            for n in (0, 40)
        ]
        for run_id in runs:
            studio.until(run_id, rendering)
        names = set().union(*(cluster.workers_of(run_id) for run_id in runs))
        assert names == {"local", worker.name}
        pid = json.loads((cluster.home / "studio" / "studio.json").read_text())["pid"]
        os.kill(pid, signal.SIGKILL)
        until(
            lambda: {r.status for r in cluster.rows("select status from runs")} == {"completed"},
            worker,
        )
        assert {r.worker for r in cluster.rows("select worker from renders")} == {worker.name}
        again = local(cluster, cluster.api())
        for run_id in runs:
            assert len(again.end(run_id)["outputs"]) == 1


def test_the_commands_of_the_page_make_a_cluster_that_does_a_run(cluster: Cluster, tmp_path: Path):
    """The file goes to one API, which another finalizes; a worker renders; the link is shown."""
    page = (Path(__file__).parents[2] / "docs" / "cluster.md").read_text("utf-8")
    (keys,) = re.findall(r"^export MOSAIC_STUDIO_KEYS=(.+)$", page, re.MULTILINE)
    commands = re.findall(r"^uv run mosaic-mcp (studio|worker)(.*?)(?: --port \d+)? +#", page, re.M)
    assert [name for name, _ in commands] == ["studio", "studio", "worker", "worker"]
    key = keys.partition("=")[0]
    one, two = (
        cluster.api(*options.split(), key=key, MOSAIC_STUDIO_KEYS=keys)
        for name, options in commands
        if name == "studio"
    )
    names = {cluster.worker().name for name, _ in commands if name == "worker"}
    film = video(tmp_path / "v.mp4", seconds=1)
    upload = one.post("/uploads/video/get_upload_url")
    url = httpx.URL(upload["upload_url"]).raw_path.decode()
    with film.open("rb") as file:
        sent = two.http.post(url, data=upload["upload_fields"], files={"file": file})
    assert sent.is_success, sent.text
    two.post("/uploads/video/finalize_upload", {"video_id": upload["video_id"]})
    agent, _ = one.agent({"in": "Video Input", "logo": "Watermark"}, "in>logo")
    run_id = two.run(agent, {"video_ids": [upload["video_id"]]})
    (output,) = one.end(run_id)["outputs"]
    assert cluster.workers_of(run_id) <= names
    link = httpx.URL(output["video_url"]).raw_path.decode()
    assert two.http.get(link, headers={"authorization": ""}).is_success
