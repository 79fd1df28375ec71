"""Outputs that were deleted beside a running studio: told, and made again; links; many owners."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from mcp import Client

from mosaic_mcp.server import build_server
from mosaic_mcp.settings import Settings
from tests.acceptance.conftest import environment
from tests.acceptance.tools import answer, refusal, to_the_end
from tests.support.coded import ffmpeg
from tests.support.studio_process import HASTY, KEYS, running_studio, until
from tests.support.studio_runs import Studio
from tests.support.waiting import WAIT_S

LOGO = {"in": "Video Input", "logo": "Watermark"}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    picture = "testsrc2=size=160x90:rate=25:duration=4"
    ffmpeg("-f", "lavfi", "-i", picture, "-c:v", "libx264", "-pix_fmt", "yuv420p", path)
    return path


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    home = tmp_path_factory.mktemp("home")
    with running_studio(home, MOSAIC_STUDIO_KEYS=KEYS) as running, running.client() as http:
        yield Studio(http, home)


def gc(home: Path, *arguments: str) -> str:
    """`mosaic-mcp studio gc` as a person calls it."""
    done = subprocess.run(
        [sys.executable, "-m", "mosaic_mcp", "studio", "gc", *arguments],
        env=environment(Settings(home=home)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def get(link: str) -> httpx.Response:
    return httpx.get(link, trust_env=False)


def made(studio: Studio, clip: Path) -> tuple[str, dict[str, Any]]:
    """A finished run and what it says of itself."""
    agent, _ = studio.agent(LOGO, "in>logo")
    body = {"video_id_inputs": [{"id": studio.add(clip), "input_clip_end_ms": 1000}]}
    run_id = studio.run(agent, body)
    run = studio.end(run_id)
    assert run["status"] == "completed", run
    return run_id, run


@pytest.mark.long
@pytest.mark.short
async def test_a_deleted_output_is_told_and_resuming_its_run_makes_it_again(
    studio: Studio, clip: Path
):
    run_id, run = made(studio, clip)
    (output,) = run["outputs"]
    assert "files_deleted_at" not in output
    before = get(output["video_url"]).content

    assert "would go" in gc(studio.home, "--dry-run", "--older-than", "0h")
    assert get(output["video_url"]).is_success
    assert output["id"] in gc(studio.home, "--older-than", "0h")

    gone = studio.http.get(f"/agent_run/{run_id}").json()
    assert gone["outputs"][0]["files_deleted_at"]
    assert "1 of 1 outputs were deleted to free space; resume the run" in gone["status_message"]
    link = get(output["video_url"])
    assert link.status_code == 404
    assert f"Resume the run {run_id}" in link.json()["detail"]

    settings = Settings(home=studio.home, allowed_dirs=(clip.parent,))
    async with Client(build_server(settings)) as client:
        listed = await answer(client, "list_outputs", run_id=run_id, save_to=str(clip.parent))
        (line,) = listed["outputs"]
        assert "path" not in line
        assert f"resume_run(run_id='{run_id}') makes them again" in line["deleted"]
        (log,) = (await client.read_resource(f"mosaic://runs/{run_id}/log")).contents
        assert "The studio keeps logs for a time" in log.text
        text = await refusal(client, "view_output", output_id=output["id"])
        assert "were deleted on" in text
        chained = await answer(
            client,
            "chain_run",
            source=run_id,
            agent="Caption and reframe",
            skip=["Captions"],
            quality="draft",
            wait_s=0,
        )
        assert (await to_the_end(client, chained))["status"] == "completed"
        again = await to_the_end(client, await answer(client, "resume_run", run_id=run_id))
        assert again["status"] == "completed"
        (line,) = (await answer(client, "list_outputs", run_id=run_id))["outputs"]
        assert line["output_id"] == output["id"]
        assert Path(line["path"]).read_bytes() == before


def test_a_studio_that_keeps_nothing_for_long_deletes_outputs_and_logs_by_itself(
    tmp_path: Path, clip: Path
):
    """Not at its start only: the run ends after many a round."""
    soon = {"MOSAIC_STUDIO_KEEP_DAYS": "0.00001"}
    with running_studio(tmp_path, program=HASTY, **soon) as running, running.client() as http:
        run_id, run = made(Studio(http, tmp_path), clip)
        render = run["outputs"][0]["id"]

        def told() -> dict[str, Any]:
            return http.get(f"/agent_run/{run_id}").json()["outputs"][0]

        until(lambda: "files_deleted_at" in told(), [running.process])
        until(lambda: not (tmp_path / "renders" / render).exists(), [running.process])
        assert (tmp_path / "recipes" / f"{render}.json").exists()
        log = f"/studio/v1/runs/{run_id}/log"
        until(lambda: http.get(log).json()["jobs"] == [], [running.process])
    assert "ERROR" not in running.log()


FORGET = """
import sys
from datetime import UTC, datetime
from pathlib import Path
import anyio
from mosaic_mcp.settings import Settings
from mosaic_mcp.studio.studio import open_studio

async def main():
    settings = Settings(home=Path(sys.argv[1]))
    async with open_studio(settings, base_url="http://127.0.0.1:1", token=None) as studio:
        await studio.engine.forget_ended(datetime.now(UTC))

anyio.run(main)
"""


def remembered(home: Path) -> int:
    with closing(sqlite3.connect(home / "studio" / "dbos.db")) as database:
        return database.execute("select count(*) from workflow_status").fetchone()[0]


@pytest.mark.long
@pytest.mark.short
def test_dbos_forgets_the_jobs_that_ended_and_the_runs_stay(tmp_path: Path, clip: Path):
    with running_studio(tmp_path) as running, running.client() as http:
        run_id, _ = made(Studio(http, tmp_path), clip)
    assert remembered(tmp_path) == 3
    subprocess.run([sys.executable, "-c", FORGET, str(tmp_path)], check=True)
    assert remembered(tmp_path) == 0
    with running_studio(tmp_path) as running, running.client() as http:
        assert http.get(f"/agent_run/{run_id}").json()["status"] == "completed"


@pytest.mark.long
@pytest.mark.short
def test_making_room_takes_the_studios_place_while_none_runs(tmp_path: Path, clip: Path):
    assert "0 bytes went" in gc(tmp_path / "new")
    with running_studio(tmp_path) as running, running.client() as http:
        _, run = made(Studio(http, tmp_path), clip)
    assert run["outputs"][0]["id"] in gc(tmp_path, "--max-size", "0MB")
    assert not list((tmp_path / "renders").iterdir())


def test_only_the_user_of_this_machine_may_delete_everybodys_files(studio: Studio):
    answer = studio.http.post("/studio/v1/gc", json={}, headers={"authorization": "Bearer mk_anna"})
    assert answer.status_code == 403


def test_reading_a_run_signs_its_links_afresh(studio: Studio, clip: Path):
    run_id, run = made(studio, clip)
    (output,) = run["outputs"]
    link = output["video_url"]
    wrong = link.replace("sig=", "sig=x")
    refused = get(wrong)
    assert refused.status_code == 403
    assert "ask for the run again" in refused.json()["detail"]

    def end(url: str) -> int:
        return int(parse_qs(urlsplit(url).query)["exp"][0])

    read = studio.http.get(f"/agent_run/{run_id}").json()["outputs"][0]["video_url"]
    assert end(read) >= end(link)
    assert get(read).is_success


@pytest.mark.long
@pytest.mark.short
def test_another_owners_single_run_does_not_wait_for_somebodys_many(studio: Studio, clip: Path):
    """Four seconds in pieces that no two runs share, so that every run has its own work."""
    agents = {}
    for owner in ("anna", "ben"):
        own = Studio(studio.http, studio.home)
        own.http = httpx.Client(
            base_url=studio.http.base_url,
            headers={"authorization": f"Bearer mk_{owner}"},
            timeout=WAIT_S,
            trust_env=False,
        )
        agent, _ = own.agent(LOGO, "in>logo")
        with clip.open("rb") as file:
            ticket = own.post("/uploads/video/get_upload_url")
            sent = {"data": ticket["upload_fields"], "files": {"file": ("clip.mp4", file)}}
            assert httpx.post(ticket["upload_url"], **sent, trust_env=False).is_success
        own.post("/uploads/video/finalize_upload", {"video_id": ticket["video_id"]})
        agents[owner] = (own, agent, ticket["video_id"])

    def start(owner: str, number: int) -> str:
        own, agent, video = agents[owner]
        piece = {"id": video, "input_clip_end_ms": 400 + 40 * number}
        return own.run(agent, {"video_id_inputs": [piece]})

    many = [start("anna", number) for number in range(12)]
    single = start("ben", 30)
    agents["ben"][0].end(single)
    finished = agents["anna"][0].http.get("/agent_runs", params={"status": "completed"}).json()
    assert len(finished["runs"]) < len(many) - 3
    for run_id in many:
        assert agents["anna"][0].end(run_id)["status"] == "completed"
    for own, _, _ in agents.values():
        own.http.close()
