"""The studio as a process: lock, discovery, port, idle end, signals."""

import json
import os
import shutil
import signal
import socket
from pathlib import Path

import httpx

from tests.support.studio_process import RunningStudio, running_studio, start, until
from tests.support.waiting import WAIT_S


def end_of(studio: RunningStudio) -> int:
    studio.process.wait(timeout=WAIT_S)
    return studio.process.returncode


def test_the_discovery_file_leads_to_a_studio_that_answers(studio):
    assert studio.discovery.pid == studio.process.pid
    with studio.client() as client:
        assert client.get("/whoami").json()["organization_name"] == "local"


def test_secrets_are_readable_by_their_user_alone(studio):
    for name in ("studio.json", "secret.key"):
        assert (studio.home / "studio" / name).stat().st_mode & 0o777 == 0o600


def test_it_leads_a_session_of_its_own(studio):
    assert os.getsid(studio.process.pid) == studio.process.pid


def test_it_listens_on_loopback_only(studio):
    port = f":{studio.discovery.port:04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines() + _tcp6()
    bound = {line.split()[1] for line in lines if line.split()[3] == "0A"}
    assert {b for b in bound if b.endswith(port)} == {f"0100007F{port}"}


def _tcp6() -> list[str]:
    file = Path("/proc/net/tcp6")
    return file.read_text().splitlines() if file.exists() else []


def test_a_second_start_leaves_quietly_and_names_the_first(studio):
    before = studio.discovery
    second = start(studio.home)
    output, errors = second.communicate(timeout=WAIT_S)
    assert second.returncode == 3
    assert before.url in output.decode()
    assert errors == b""
    assert studio.discovery == before


def test_the_log_keeps_no_secret(studio):
    found = studio.discovery
    link = f"{found.url}/media/assets/a/source?exp=1&sig=SECRET"
    assert httpx.get(link, trust_env=False).status_code == 403
    assert found.token not in studio.log()
    assert "SECRET" not in studio.log()


def test_shutdown_is_refused_to_other_keys(studio, anna):
    assert anna.post("/studio/v1/shutdown").status_code == 403
    assert studio.process.poll() is None


def test_of_many_starts_at_once_one_serves_on_a_free_port(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        (tmp_path / "studio").mkdir()
        (tmp_path / "studio/port").write_text(str(taken))
        starts = [start(tmp_path) for _ in range(4)]
        try:
            until((tmp_path / "studio/studio.json").exists, starts)
            found = json.loads((tmp_path / "studio/studio.json").read_text())
            losers = [p for p in starts if p.pid != found["pid"]]
            assert [p.wait(timeout=WAIT_S) for p in losers] == [3, 3, 3]
            assert found["port"] != taken
            assert int((tmp_path / "studio/port").read_text()) == found["port"]
        finally:
            for process in starts:
                process.terminate()
                # They were started detached: not a byte went to the starter but the losers' note.
                output, errors = process.communicate(timeout=WAIT_S)
                assert errors == b""
                assert (output == b"") == (process.returncode == 0)


def test_kill_restart_hand_over_and_idle_end(tmp_path):
    """Port and key outlive a kill; shutdown makes room for the next; that one ends when idle."""
    with running_studio(tmp_path) as studio:
        first, key = studio.discovery, (tmp_path / "studio/secret.key").read_bytes()
        studio.process.kill()
    with running_studio(tmp_path) as old, old.client() as client:
        assert old.discovery.port == first.port
        assert old.discovery.token != first.token
        assert (tmp_path / "studio/secret.key").read_bytes() == key
        assert client.post("/studio/v1/shutdown").status_code == 200
        with running_studio(tmp_path, MOSAIC_STUDIO_IDLE_S="0.3") as new:
            assert end_of(old) == 0
            assert end_of(new) == 0
            assert not (tmp_path / "studio/studio.json").exists()
            assert "idle" in new.log()


def test_a_wanted_port_that_is_taken_is_an_error_with_a_remedy(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        process = start(tmp_path, "--foreground", "--port", str(other.getsockname()[1]))
        _, errors = process.communicate(timeout=WAIT_S)
    assert process.returncode == 1
    assert "--port" in errors.decode()
    assert "Traceback" not in errors.decode()


def test_it_ends_when_its_data_folder_vanishes(tmp_path):
    home = tmp_path / "home"
    with running_studio(home) as studio:
        shutil.rmtree(home)
        assert end_of(studio) == 0
        assert not home.exists()


def test_with_required_keys_no_local_client_finds_it(tmp_path):
    arguments = ("--require-key", "--foreground")
    process = start(tmp_path, *arguments, MOSAIC_STUDIO_KEYS="mk_a=anna")
    try:
        log = tmp_path / "studio/log/studio.log"
        until(lambda: log.exists() and "serving" in log.read_text(), [process])
        port = int((tmp_path / "studio/port").read_text())
        url = f"http://127.0.0.1:{port}/whoami"
        sent = {"authorization": "Bearer mk_a"}
        assert httpx.get(url, headers=sent, trust_env=False).status_code == 200
        assert httpx.get(url, trust_env=False).status_code == 401
        assert not (tmp_path / "studio/studio.json").exists()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=WAIT_S) == 0
    finally:
        process.kill()
        process.communicate(timeout=WAIT_S)


def test_required_keys_must_be_set(tmp_path):
    process = start(tmp_path, "--require-key")
    _, errors = process.communicate(timeout=WAIT_S)
    assert process.returncode == 1
    assert "MOSAIC_STUDIO_KEYS" in errors.decode()
