"""The doctor before a sick installation: each sickness is real, and it says what to do."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from mosaic_mcp import doctor
from mosaic_mcp.doctor.finding import Finding
from mosaic_mcp.settings import Settings
from tests.acceptance.test_small_disk import ALONE, may_mount
from tests.support.hosted_double import hosted_double
from tests.support.studio_process import running_studio, start, until
from tests.support.waiting import WAIT_S

pytestmark = pytest.mark.long

DOCTOR = [sys.executable, "-m", "mosaic_mcp", "doctor", "--json"]


def environment(home: Path, **more: str) -> dict[str, str]:
    plain = {k: v for k, v in os.environ.items() if not k.startswith("MOSAIC_")}
    return {**plain, "MOSAIC_HOME": str(home), **more}


Found = tuple[int, dict[str, Finding]]


def examine(home: Path, **more: str) -> Found:
    """The exit code, and the findings by name."""
    found = list(doctor.examine(Settings.from_env(environment(home, **more))))
    assert all(f.remedy for f in found if f.state == "fail")
    return int(any(f.state == "fail" for f in found)), {f.name: f for f in found}


def examine_alone(home: Path, *before: str) -> Found:
    """The same by the command, where `before` has changed the file system."""
    done = subprocess.run(
        [*before, *DOCTOR],
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    found = [Finding(**finding) for finding in json.loads(done.stdout)]
    assert all(f.remedy for f in found if f.state == "fail")
    return done.returncode, {f.name: f for f in found}


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose studio ended in good order."""
    home = tmp_path_factory.mktemp("used")
    with running_studio(home):
        pass
    return home


@pytest.fixture
def home(used: Path, tmp_path: Path) -> Path:
    """A copy of it to make sick."""
    subprocess.run(["cp", "-a", str(used), str(tmp_path / "home")], check=True)
    return tmp_path / "home"


def test_a_healthy_studio_that_runs_and_one_that_was_killed(tmp_path: Path):
    with running_studio(tmp_path) as studio:
        code, found = examine(tmp_path)
        assert code == 0
        assert str(studio.process.pid) in found["studio"].says
        assert "database writable" in found["health"].says
        os.kill(studio.process.pid, signal.SIGSTOP)
        try:
            code, found = examine(tmp_path)
        finally:
            os.kill(studio.process.pid, signal.SIGCONT)
        assert code == 1
        assert f"process {studio.process.pid} holds the data folder" in found["studio"].says
        assert f"kill {studio.process.pid}" in found["studio"].remedy
        studio.process.kill()
        studio.process.wait()
    code, found = examine(tmp_path)
    assert code == 0
    assert "left a discovery file" in found["studio"].says


@pytest.mark.short
def test_nothing_runs_and_the_port_of_last_time_is_taken(home: Path):
    code, found = examine(home)
    assert (code, found["studio"].state) == (0, "note")
    assert "port" not in found
    with socket.create_server(("127.0.0.1", int((home / "studio/port").read_text()))):
        code, found = examine(home)
    assert (code, found["port"].state) == (0, "note")
    assert "taken" in found["port"].says


@pytest.mark.short
def test_a_damaged_database(home: Path):
    path = home / "studio" / "studio.db"
    content = bytearray(path.read_bytes())
    content[4096 : 4096 * 6] = b"\xa5" * (4096 * 5)
    path.write_bytes(content)
    code, found = examine(home)
    assert code == 1
    assert "damaged" in found["studio.db"].says
    path.write_bytes(b"this was a database once" * 100)
    assert "damaged" in examine(home)[1]["studio.db"].says


def test_a_crash_of_the_studio_is_told_with_its_reason(home: Path):
    (home / "studio" / "studio.db").write_bytes(b"this was a database once" * 100)
    process = start(home)
    process.communicate(timeout=WAIT_S)
    assert process.returncode == 1
    found = examine(home)[1]
    assert "file is not a database" in found["last crash"].says
    assert "console.log" in found["last crash"].remedy


@pytest.mark.short
def test_a_schema_of_the_future_is_refused_by_the_studio_and_explained(home: Path):
    with closing(sqlite3.connect(home / "studio" / "studio.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    code, found = examine(home)
    assert code == 1
    assert "newer than this program" in found["studio.db"].says
    process = start(home)
    process.communicate(timeout=WAIT_S)
    assert process.returncode == 1
    assert "newer than this program" in (home / "studio/log/console.log").read_text()


@pytest.mark.short
@pytest.mark.skipif(not may_mount(), reason="user namespaces may not mount here")
def test_a_read_only_data_folder(home: Path):
    script = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
    code, found = examine_alone(home, *ALONE, "sh", "-c", script, str(home / "studio"))
    assert code == 1
    assert "cannot be written" in found["studio.db"].says


@pytest.mark.skipif(not may_mount(), reason="user namespaces may not mount here")
def test_a_small_disk(tmp_path: Path):
    full = 'head -c 20200k /dev/zero > "$0/full"'
    for fill, failed in ((":", 0), (full, 1)):
        script = f'mount -t tmpfs -o size=20m tmpfs "$0" && {{ {fill}; }} && exec "$@"'
        code, found = examine_alone(tmp_path, *ALONE, "sh", "-c", script, str(tmp_path))
        assert (code, found["data folder"].state) == (failed, "fail" if failed else "ok")
    assert "has no room for work" in found["data folder"].says
    assert "419 kB needed" in found["data folder"].says


@pytest.mark.short
def test_a_lock_that_somebody_holds_on_the_database(home: Path):
    with closing(sqlite3.connect(home / "studio" / "studio.db")) as other:
        other.execute("BEGIN EXCLUSIVE")
        code, found = examine(home)
    assert code == 1
    assert "another program is writing it" in found["studio.db"].says


def test_an_ffmpeg_that_is_none_that_fails_and_that_is_missing(home: Path, tmp_path: Path):
    fake = tmp_path / "ffmpeg"
    fake.write_text("#!/bin/sh\necho hello\n")
    fake.chmod(0o755)
    code, found = examine(home, MOSAIC_FFMPEG=str(fake))
    assert (code, "is no FFmpeg" in found["ffmpeg"].says) == (1, True)
    fake.write_text('#!/bin/sh\necho "ffmpeg version 1"\n[ "$1" = -version ]\n')
    code, found = examine(home, MOSAIC_FFMPEG=str(fake))
    assert (code, "trial render failed" in found["encoders"].says) == (1, True)
    fake.write_bytes(b"\x7fELF" + bytes(60))
    code, found = examine(home, MOSAIC_FFMPEG=str(fake))
    assert (code, "cannot be run" in found["ffmpeg"].says) == (1, True)
    code, found = examine(home, MOSAIC_FFMPEG=str(tmp_path / "nowhere"))
    assert (code, "cannot be run" in found["ffmpeg"].says) == (1, True)


def test_a_key_that_is_refused_and_an_api_that_is_not_there(tmp_path: Path):
    with hosted_double() as double:
        code, found = examine(tmp_path, MOSAIC_API_URL=double.url, MOSAIC_API_KEY="mk_wrong_key")
        assert (code, found["key"].state) == (1, "fail")
        assert "MOSAIC_API_KEY" in found["key"].remedy
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    code, found = examine(tmp_path, MOSAIC_API_URL=url, MOSAIC_API_KEY="mk_any_key")
    assert code == 1
    assert "Nothing answers" in found["key"].says


def test_a_crash_is_still_told_after_the_next_studio_has_started(home: Path):
    whole = (home / "studio" / "studio.db").read_bytes()
    (home / "studio" / "studio.db").write_bytes(b"this was a database once" * 100)
    start(home).communicate(timeout=WAIT_S)
    (home / "studio" / "studio.db").write_bytes(whole)
    with running_studio(home) as studio:
        until(lambda: studio.announced, [studio.process])
        code, found = examine(home)
    assert code == 0
    assert "crash.log" in found["last crash"].remedy
