"""How members of a cluster are started: what they say, whom they serve, what they refuse."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.cluster import Cluster, opened, until
from tests.support.media import video
from tests.support.postgres import Postgres
from tests.support.studio_runs import Studio, rendering

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
    assert second.process.wait(60) == 3
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
    assert refused.process.wait(60) == 1
    assert "--require-key" in refused.said
    assert "Traceback" not in refused.said


@pytest.mark.short
@pytest.mark.parametrize("command", ["worker", "studio"])
def test_what_is_wrong_with_the_database_is_said_in_a_sentence(
    command: str, postgres: Postgres, tmp_path: Path
):
    with opened(tmp_path / "home", postgres.address("nobody_made_it")) as cluster:
        member = cluster.start(command)
        assert member.process.wait(60) == 1
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


def test_processes_that_end_leave_no_worker_behind(cluster: Cluster):
    cluster.api()
    worker = cluster.worker()
    assert len(cluster.rows("select id from workers")) == 2
    worker.send(signal.SIGINT)
    assert worker.process.wait(20) == 0
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


@pytest.mark.short
def test_a_file_sent_to_one_api_is_finalized_at_another(cluster: Cluster, tmp_path: Path):
    one = cluster.api("--no-work", "--require-key", key="mk_anna")
    two = cluster.api("--no-work", "--require-key", key="mk_anna")
    film = video(tmp_path / "v.mp4", seconds=1)
    upload = one.post("/uploads/video/get_upload_url")
    url = httpx.URL(upload["upload_url"]).raw_path.decode()
    with film.open("rb") as file:
        sent = two.http.post(url, data=upload["upload_fields"], files={"file": file})
    assert sent.is_success, sent.text
    two.post("/uploads/video/finalize_upload", {"video_id": upload["video_id"]})
    wanted = {"asset_type": "video", "asset_id": upload["video_id"]}
    seen = httpx.URL(one.post("/uploads/get_view_url", wanted)["signed_url"])
    # What one signed, the other shows.
    shown = two.http.get(seen.raw_path.decode(), headers={"authorization": ""})
    assert shown.content == film.read_bytes()
