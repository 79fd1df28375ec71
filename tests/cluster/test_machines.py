"""Two machines with a data folder each: one serves, the other works. They share a database and a
storage, and nothing else."""

from pathlib import Path

import httpx
import pytest

from tests.support import cluster
from tests.support.media import video
from tests.support.object_store import moto

pytestmark = pytest.mark.cluster


@pytest.mark.parametrize("shared", ["bucket", "folder"])
def test_what_one_machine_takes_in_another_renders(shared, tmp_path, database):
    with moto() as store:
        environment = store.environment()
        if shared == "folder":
            environment["MOSAIC_STUDIO_STORAGE"] = str(tmp_path / "shared")
        with (
            cluster.opened(tmp_path / "serves", database) as serves,
            cluster.opened(tmp_path / "works", database) as works,
        ):
            studio = serves.api("--no-work", "--require-key", **environment)
            worker = works.start("worker", **environment)
            cluster.until(lambda: "takes work from" in worker.said, worker)
            agent, _ = studio.agent(
                {"in": "Video Input", "logo": "Watermark", "out": "Destination"}, "in>logo logo>out"
            )
            run = studio.end(studio.run(agent, {"video_ids": [sent(studio.http, tmp_path)]}))
            assert run["status"] == "completed", run
            (output,) = run["outputs"]
            part = httpx.get(output["video_url"], headers={"range": "bytes=4-7"}, trust_env=False)
            assert (part.status_code, part.content) == (206, b"ftyp")
            sheet = studio.http.get(f"/studio/v1/renders/{output['id']}/sheet")
            assert sheet.headers["content-type"] == "image/jpeg"
        for home in ("serves", "works"):
            kept = [p for f in ("assets", "renders") for p in (tmp_path / home / f).rglob("*.*")]
            assert kept == []


def sent(http: httpx.Client, folder: Path) -> str:
    """A video, uploaded as the contract says."""
    ticket = http.post("/uploads/video/get_upload_url").json()
    form = httpx.post(
        ticket["upload_url"],
        data=ticket["upload_fields"],
        files={"file": ("short.mp4", video(folder / "short.mp4", seconds=1).read_bytes())},
        trust_env=False,
    )
    assert form.status_code == 204, form.text
    answer = http.post("/uploads/video/finalize_upload", json={"video_id": ticket["video_id"]})
    assert answer.is_success, answer.text
    return ticket["video_id"]
