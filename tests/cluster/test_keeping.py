"""Making room from the command line knows the database that the studio uses."""

import os
import time
from dataclasses import replace

import pytest

from mosaic_mcp.settings import Settings
from mosaic_mcp.studio.keeping.command import run_gc
from mosaic_mcp.studio.store.database import Store
from tests.support.run_states import MovedRun

pytestmark = [pytest.mark.cluster, pytest.mark.short]
LINE = {"in": "Video Input", "logo": "Watermark", "out": "Destination"}


def test_what_the_cluster_s_database_knows_is_no_leftover(postgres, tmp_path):
    address = postgres.create()
    settings = replace(Settings.from_env({"MOSAIC_HOME": str(tmp_path)}), studio_database=address)
    store = Store(address)
    run = MovedRun(store, LINE)
    run.do("in")
    run.decide_and_plan("logo", "one")
    run.do_renders("logo", None)
    run.do("out")
    (row,) = run.renders("logo")
    store.close()
    video = tmp_path / "renders" / row.id / "video.mp4"
    video.parent.mkdir(parents=True)
    (tmp_path / "studio").mkdir()
    video.write_bytes(b"x")
    long_ago = time.time() - 40 * 86_400
    for touched in (video, video.parent):
        os.utime(touched, (long_ago, long_ago))
    assert run_gc(settings, dry_run=False, older_than_s=None, max_bytes=None) == 0
    assert video.exists()
