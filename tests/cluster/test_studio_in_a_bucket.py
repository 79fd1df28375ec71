"""Whole runs of a studio that keeps its files in a bucket, over real HTTP with real FFmpeg."""

import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import anyio
import httpx
import imageio_ffmpeg
import obstore
import pytest
import sqlalchemy as sa
from obstore.store import S3Store
from PIL import Image

from mosaic_mcp.settings import Settings
from mosaic_mcp.studio.keeping.command import run_gc
from mosaic_mcp.studio.library import FOLDERS
from mosaic_mcp.studio.store.database import Store
from mosaic_mcp.studio.store.tables import assets, run_inputs
from tests.support.media import video
from tests.support.object_store import BUCKET, ObjectStore, go_between, moto
from tests.support.run_states import MovedRun
from tests.support.studio_process import (
    HASTY,
    PROGRAM,
    RunningStudio,
    running_studio,
    start,
    until,
)
from tests.support.studio_runs import Studio
from tests.support.talking import talking_head
from tests.support.waiting import WAIT_S

pytestmark = pytest.mark.cluster
SCRIPT = "Welcome to the show. (1.2) Choose a quiet room. (1.2) Goodbye for now."
TIGHT = {"in": "Video Input", "tight": "Silence Removal", "out": "Destination"}
EDGES = "in>tight tight>out"


@pytest.fixture(scope="module")
def talk(tmp_path_factory) -> Path:
    video = tmp_path_factory.mktemp("talk") / "talk.mp4"
    truth = talking_head(video, SCRIPT, cut_at=2.0)
    video.with_suffix(".srt").write_text(truth.srt())
    return video


@pytest.fixture(scope="module")
def store():
    with moto() as store:
        yield store


@pytest.fixture
def place(store, tmp_path) -> "Place":
    return Place(store, tmp_path.name)


class Place:
    """A prefix of the bucket: what is below it, past any studio."""

    def __init__(self, store: ObjectStore, prefix: str) -> None:
        self.store = store
        self.prefix = prefix
        self.objects = S3Store(
            BUCKET,
            prefix=prefix,
            endpoint=store.endpoint,
            access_key_id="other",
            secret_access_key="other",
            client_options={"allow_http": True},
        )

    def environment(self, endpoint: str | None = None) -> dict[str, str]:
        at = {"MOSAIC_STUDIO_STORAGE": f"s3://{BUCKET}/{self.prefix}"}
        return {**self.store.environment(endpoint), **at}

    def keys(self, below: str = "") -> list[str]:
        return sorted(meta["path"] for page in obstore.list(self.objects, below) for meta in page)

    def media(self) -> list[str]:
        """What takes space."""
        return sorted(key for folder in FOLDERS for key in self.keys(folder))

    def made_at(self, key: str) -> datetime:
        return obstore.head(self.objects, key)["last_modified"]


@contextmanager
def studio_at(
    place: Place,
    home: Path,
    endpoint: str | None = None,
    program: str = PROGRAM,
    **settings: str,
):
    environment = {**place.environment(endpoint), **settings}
    with (
        running_studio(home, program=program, **environment) as running,
        running.client() as http,
    ):
        yield Studio(http, home)


def seconds(video: bytes, tmp_path: Path) -> float:
    """How long it is when every frame of it is decoded."""
    path = tmp_path / "seen.mp4"
    path.write_bytes(video)
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(path)]
    command += ["-progress", "pipe:1", "-f", "null", "-"]
    said = subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    assert said.stderr == b""
    times = [line for line in said.stdout.decode().split() if line.startswith("out_time_us=")]
    return int(times[-1].partition("=")[2]) / 1e6


def media_in(home: Path) -> list[Path]:
    """Files of the data folder that only a storage should have."""
    return [p for f in ("assets", "renders", "uploads", "work") for p in (home / f).rglob("*.*")]


@pytest.mark.short
def test_a_run_from_upload_to_output_keeps_its_files_in_the_bucket(place, talk, tmp_path):
    home = tmp_path / "home"
    with studio_at(place, home) as studio:
        video = uploaded(studio.http, talk)
        assert place.keys("uploads") == []
        agent, _ = studio.agent(TIGHT, EDGES)
        run = studio.end(studio.run(agent, {"video_ids": [video]}))
        assert run["status"] == "completed", run
        (output,) = run["outputs"]
        facts = studio.http.get(f"/studio/v1/renders/{output['id']}").json()
        # No file of this machine: no path is told.
        assert not {"path", "timeline_path", "srt_path"} & {k for k, v in facts.items() if v}

        link = output["video_url"]
        assert link.startswith(f"{place.store.endpoint}/{BUCKET}/{place.prefix}/renders/")
        assert "X-Amz-Expires=604800" in link
        part = httpx.get(link, headers={"range": "bytes=4-7"}, trust_env=False)
        assert (part.status_code, part.content) == (206, b"ftyp")
        whole = httpx.get(link, trust_env=False)
        assert whole.headers["content-type"] == "video/mp4"
        assert whole.headers["content-disposition"] == 'inline; filename="talk.mp4"'
        assert len(whole.content) == facts["facts"]["size_bytes"]
        length = seconds(whole.content, tmp_path)
        assert abs(length - facts["facts"]["duration_s"]) < 0.1
        assert length < seconds(talk.read_bytes(), tmp_path) - 1
        archive = httpx.get(output["premiere_prproj_url"], trust_env=False).content
        assert "timeline.otio" in zipfile.ZipFile(io.BytesIO(archive)).namelist()
        picture(httpx.get(output["thumbnail_url"], trust_env=False))

        picture(studio.http.get(f"/studio/v1/renders/{output['id']}/sheet"))
        picture(studio.http.get(f"/studio/v1/videos/{video}/frame?at=1"))
        view = studio.post("/uploads/get_view_url", {"asset_type": "video", "asset_id": video})
        shown = httpx.get(view["signed_url"], follow_redirects=True, trust_env=False)
        assert shown.content == talk.read_bytes()
        assert "X-Amz-Expires=3600" in str(shown.url)
        picture(httpx.get(view["thumbnail_url"], follow_redirects=True, trust_env=False))
        assert httpx.head(view["signed_url"], follow_redirects=True, trust_env=False).is_success
    assert media_in(home) == []
    assert place.environment()["AWS_SECRET_ACCESS_KEY"] not in RunningStudio(home, None).log()


def uploaded(http: httpx.Client, path: Path) -> str:
    """The file, sent as the contract says."""
    ticket = http.post("/uploads/video/get_upload_url").json()
    sent = httpx.post(
        ticket["upload_url"],
        data=ticket["upload_fields"],
        files={"file": (path.name, path.read_bytes())},
        trust_env=False,
    )
    assert sent.status_code == 204, sent.text
    answer = http.post("/uploads/video/finalize_upload", json={"video_id": ticket["video_id"]})
    assert answer.is_success, answer.text
    return ticket["video_id"]


def picture(answer: httpx.Response) -> None:
    assert answer.is_success, answer.text
    assert Image.open(io.BytesIO(answer.content)).format == "JPEG"


@pytest.mark.short
def test_outputs_are_deleted_told_made_again_and_deleted_by_the_studio_itself(place, tmp_path):
    home = tmp_path / "home"

    def gc(*arguments: str) -> str:
        """`mosaic-mcp studio gc` as a person calls it."""
        done = subprocess.run(
            [sys.executable, "-m", "mosaic_mcp", "studio", "gc", *arguments],
            env={**os.environ, "MOSAIC_HOME": str(home), **place.environment()},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    with studio_at(place, home) as studio:
        agent, _ = studio.agent({"in": "Video Input", "logo": "Watermark"}, "in>logo")
        source = studio.add(video(tmp_path / "v.mp4", seconds=1))
        run_id = studio.run(agent, {"video_ids": [source]})
        (output,) = studio.end(run_id)["outputs"]
        before, made = place.media(), httpx.get(output["video_url"], trust_env=False)
        assert f"({output['id']})" in gc("--dry-run", "--older-than", "0h")
        assert place.media() == before
        assert f"({output['id']})" in gc("--older-than", "0h")
        assert place.keys("renders") == []
        assert place.keys("recipes") == [f"recipes/{output['id']}.json"]
        assert len(place.keys("assets")) == 1, "what an output was made from stays"
        gone = studio.http.get(f"/agent_run/{run_id}").json()
        assert gone["outputs"][0]["files_deleted_at"]
        assert httpx.get(output["video_url"], trust_env=False).status_code == 404
        told = httpx.get(gone["outputs"][0]["video_url"], trust_env=False)
        assert (told.status_code, f"Resume the run {run_id}" in told.text) == (404, True)

        studio.post(f"/agent_run/{run_id}/resume")
        (again,) = studio.end(run_id)["outputs"]
        assert again["id"] == output["id"]
        assert httpx.get(again["video_url"], trust_env=False).content == made.content
        ends = [signed_at(link["video_url"]) for link in (output, again)]
        assert ends[0] < ends[1], "reading a run signs its links afresh"
    soon = {"MOSAIC_STUDIO_KEEP_DAYS": "0.00001"}
    with studio_at(place, home, program=HASTY, **soon) as studio:

        def told() -> dict:
            return studio.http.get(f"/agent_run/{run_id}").json()["outputs"][0]

        deadline = time.monotonic() + WAIT_S
        while "files_deleted_at" not in told() or place.keys("renders"):
            assert time.monotonic() < deadline
    assert place.keys("recipes") == [f"recipes/{output['id']}.json"]


def signed_at(link: str) -> str:
    (date,) = parse_qs(urlsplit(link).query)["X-Amz-Date"]
    return date


@pytest.mark.short
async def test_without_a_studio_room_is_made_in_the_bucket_by_what_the_database_says(
    place, postgres, tmp_path, monkeypatch, capsys
):
    """Nothing lies in the data folder; the database is the cluster's."""
    for name, value in place.environment().items():
        monkeypatch.setenv(name, value)
    address = postgres.create()
    store = Store(address)
    run, running = (MovedRun(store, {"in": "Video Input", "logo": "Watermark"}) for _ in range(2))
    for one in (run, running):
        one.do("in")
        one.decide_and_plan("logo", f"recipe of {one.id}")
        one.do_renders("logo", None) if one is run else None
    ((old,), (new,)) = run.renders("logo"), running.renders("logo")
    asset = {"owner": "anna", "asset_type": "video", "name": "v", "created_at": "2026-01-01"}
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    used, unused, awaited = ({**asset, "id": str(uuid4())} for _ in range(3))
    for row, sha in ((used, "aa" * 32), (unused, "bb" * 32)):
        row |= {"status": "ready", "sha256": sha, "file": f"assets/{sha[:2]}/{sha}.mp4"}
    awaited |= {"status": "awaiting_upload", "expires_at": later}

    def write(connection: sa.Connection) -> None:
        for row in (used, unused, awaited):
            connection.execute(assets.insert().values(row))
        ours = run_inputs.c.run_id == running.id
        connection.execute(run_inputs.update().where(ours).values(asset_id=used["id"]))

    await store.write(write)
    stays = [
        f"renders/{new.id}/video.mp4",  # of a run that is running
        used["file"],
        f"cache/perception/{'aa' * 32}/words-1.json",
        f"uploads/{awaited['id']}",
        "renders/nobodys/video.mp4",  # written a moment ago: somebody may be about to say so
    ]
    goes = [
        f"renders/{old.id}/video.mp4",
        unused["file"],
        f"cache/perception/{'bb' * 32}/words-1.json",
        f"uploads/{uuid4()}",
    ]
    for key in (*stays, *goes, f"renders/{old.id}/recipe.json"):
        obstore.put(place.objects, key, b"x" * 1000)
    before = place.media()

    settings = Settings.from_env(
        {**place.environment(), "MOSAIC_HOME": str(tmp_path), "MOSAIC_STUDIO_DATABASE": address}
    )
    for dry_run in (True, False):
        await anyio.to_thread.run_sync(
            partial(run_gc, settings, dry_run=dry_run, older_than_s=0.0, max_bytes=None)
        )
        said = capsys.readouterr().out
        assert "Outputs (their recipes stay, and resuming their runs makes them again): 1" in said
        assert "Sources that no run and no agent refers to: 1, 1 kB" in said
        if dry_run:
            assert "4 kB would go. Media took 10 kB, would take 6 kB now." in said
            assert place.media() == before
    assert "4 kB went. Media took 10 kB, take 6 kB now." in said
    left = place.media()
    assert left == sorted([*stays, f"recipes/{old.id}.json"])
    (deleted,) = run.renders("logo")
    assert deleted.deleted_at is not None
    store.close()


def test_another_machine_takes_over_what_was_heard(place, talk, tmp_path):
    with studio_at(place, tmp_path / "one") as studio:
        agent, _ = studio.agent(TIGHT, EDGES)
        run = studio.end(studio.run(agent, {"video_ids": [studio.add(talk)]}))
        assert run["status"] == "completed", run
    (heard,) = place.keys("cache/perception")
    # Had it listened again, it would have heard more than this.
    assert json.loads(bytes(obstore.get(place.objects, heard).bytes())) != [[0.5, 1.5]]
    obstore.put(place.objects, heard, b"[[0.5, 1.5]]")
    with studio_at(place, tmp_path / "two") as studio:
        agent, _ = studio.agent(TIGHT, EDGES)
        run = studio.end(studio.run(agent, {"video_ids": [studio.add(talk)]}))
        assert run["status"] == "completed", run
        (output,) = run["outputs"]
        made = httpx.get(output["video_url"], trust_env=False).content
    assert 1.0 <= seconds(made, tmp_path) < 1.5
    assert len(place.keys("assets")) == 1


@pytest.mark.parametrize("held", ["hold_before", "hold_after"])
def test_a_studio_killed_at_the_mark_of_a_render_shows_no_half_output(place, talk, tmp_path, held):
    """Before: the files are there and the recipe is not. After: it is, and nobody wrote it down."""
    home = tmp_path / "home"
    with go_between(place.store) as between:
        setattr(between, held, ("PUT", "/recipe.json"))
        process = start(home, **place.environment(between.endpoint))
        running = RunningStudio(home, process)
        try:
            until(lambda: running.announced, [process])
            with running.client() as http:
                studio = Studio(http, home)
                agent, _ = studio.agent(TIGHT, EDGES)
                run_id = studio.run(agent, {"video_ids": [studio.add(talk)]})
                until(between.held.is_set, [process])
                assert studio.watch(run_id, wait_s=0)["run"]["outputs"] == []
        finally:
            process.send_signal(signal.SIGKILL)
            process.communicate()
    video = next(key for key in place.keys("renders") if key.endswith("video.mp4"))
    marked = [key for key in place.keys("renders") if key.endswith("recipe.json")]
    assert len(marked) == (held == "hold_after")
    before = place.made_at(video), place.keys("renders")
    with studio_at(place, home) as studio:
        run = studio.end(run_id)
        assert run["status"] == "completed", run
        (output,) = run["outputs"]
        assert output["id"] in video
        made = httpx.get(output["video_url"], trust_env=False).content
        assert seconds(made, tmp_path) > 2
    assert len([key for key in place.keys("renders") if key.endswith("recipe.json")]) == 1
    if held == "hold_after":  # adopted as it was
        assert (place.made_at(video), place.keys("renders")) == before


def test_a_source_that_is_gone_from_the_bucket_is_told(place, talk, tmp_path):
    with studio_at(place, tmp_path / "home") as studio:
        video = studio.add(talk)
        (source,) = place.keys("assets")
        obstore.delete(place.objects, source)
        agent, _ = studio.agent(TIGHT, EDGES)
        answer = studio.http.post(f"/agent/{agent}/run", json={"video_ids": [video]})
        assert answer.status_code == 400
        assert "no longer in the storage" in answer.json()["detail"]


def test_a_bucket_that_cannot_be_used_is_told_at_the_start(place, tmp_path):
    process = start(
        tmp_path / "home",
        "--foreground",
        **{**place.environment(), "MOSAIC_STUDIO_STORAGE": "s3://not-there"},
    )
    _, said = process.communicate(timeout=WAIT_S)
    assert process.returncode == 1
    last = said.decode().strip().splitlines()[-1]
    assert last.startswith("There is no bucket 'not-there'"), last
    assert b"Traceback" not in said
