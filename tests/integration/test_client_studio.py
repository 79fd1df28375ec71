"""Finding the studio, starting it, and saying why when there is none."""

import os
import signal
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import anyio
import httpx
import pytest

from mosaic_mcp.client import connect, studio
from mosaic_mcp.client.studio import ensure_studio, require_studio_extra, running_studio
from mosaic_mcp.contract.extensions import PREFIX, Discovery
from mosaic_mcp.errors import EngineUnavailable
from mosaic_mcp.settings import Settings
from tests.support.hosted_double import KEY
from tests.support.waiting import WAIT_S

INFO = {"name": "mosaic-studio", "version": "0.0.1", "local_files": True}


@pytest.fixture
def settings(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("MOSAIC_")]:
        monkeypatch.delenv(name)
    return Settings(home=tmp_path / "home")


@contextmanager
def ending(settings: Settings):
    """Whatever studio is announced at the end of the block ends with it."""
    try:
        yield
    finally:
        if (found := studio.discovery(settings.home)) is not None:
            end(found)


def end(found: Discovery) -> None:
    headers = {"authorization": f"Bearer {found.token}"}
    httpx.post(f"{found.url}{PREFIX}/shutdown", headers=headers, timeout=WAIT_S, trust_env=False)
    wait_for_end(found.pid)


def wait_for_end(pid: int) -> None:
    deadline = time.monotonic() + WAIT_S
    while alive(pid):
        assert time.monotonic() < deadline, f"process {pid} does not end"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def announce(settings: Settings, url: str, version: str = "0.1.0", pid: int = 1) -> None:
    """A discovery file that points to `url`."""
    found = Discovery(
        pid=pid,
        port=httpx.URL(url).port,
        token=KEY,
        version=version,
        started_at=datetime.now(UTC),
    )
    folder = settings.home / "studio"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "studio.json").write_text(found.model_dump_json())


@pytest.fixture
def instead(monkeypatch, tmp_path):
    """Let a shell script run in the place of the studio."""

    def replace(*lines: str) -> None:
        script = tmp_path / "python"
        script.write_text("\n".join(["#!/bin/sh", *lines]))
        script.chmod(0o755)
        monkeypatch.setattr(studio.sys, "executable", str(script))

    return replace


async def test_clients_that_start_at_once_share_one_studio_that_outlives_them(settings):
    found: list[Discovery] = []

    async def client() -> None:
        found.append(await ensure_studio(settings))

    with ending(settings):
        async with anyio.create_task_group() as clients:
            for _ in range(3):
                clients.start_soon(client)
        assert len({one.pid for one in found}) == 1
        pid = found[0].pid
        assert os.getsid(pid) == pid != os.getsid(0), "a session of its own"
        if sys.platform == "linux":
            inherited = {str(Path(f"/proc/{pid}/fd/{fd}").readlink()) for fd in (0, 1, 2)}
            assert inherited <= {"/dev/null", str(settings.home / "studio/log/console.log")}
            assert Path(f"/proc/{pid}/cwd").readlink() == settings.home
        assert await running_studio(settings) == found[0]


async def test_a_newer_client_replaces_an_older_studio_and_connections_notice(
    settings, monkeypatch
):
    with ending(settings):
        async with await connect(settings) as old:
            assert (await old.studio()).info.local_files
            assert await old.alive()
            before = await running_studio(settings)
            monkeypatch.setattr(studio, "__version__", "99.0")
            async with await connect(settings) as new:
                assert await new.alive()
                assert not await old.alive()
                assert (await running_studio(settings)).pid != before.pid
        wait_for_end(before.pid)


async def test_a_key_connects_to_the_api_and_starts_nothing(double, settings):
    hosted = Settings(home=settings.home, api_key=KEY, api_url=double.url)
    async with await connect(hosted) as client:
        assert (await client.whoami()).organization_name == "Studio"
        assert client.ledger.path == settings.home / "ledger.db"
        assert await client.alive()
    assert not (settings.home / "studio").exists()


async def test_looking_for_a_studio_starts_none(settings):
    assert await running_studio(settings) is None
    assert not settings.home.exists()


async def test_a_discovery_file_without_a_studio_behind_it_is_not_believed(double, settings):
    announce(settings, double.url)
    assert await running_studio(settings) is None  # another program answers there
    double.fail("answer", PREFIX, status=401, body=INFO)
    assert await running_studio(settings) is None  # a studio that is not ours
    double.fail("broken", PREFIX)
    assert await running_studio(settings) is None
    (settings.home / "studio" / "studio.json").write_text("{half")
    assert await running_studio(settings) is None


async def test_a_missing_extra_is_answered_with_the_command_to_run(settings, monkeypatch):
    real = studio.importlib.util.find_spec
    monkeypatch.setattr(
        studio.importlib.util, "find_spec", lambda name: None if name == "av" else real(name)
    )
    with pytest.raises(EngineUnavailable, match=r"missing: av") as caught:
        await ensure_studio(settings)
    assert 'pip install "mosaic-mcp[studio]"' in caught.value.remedy
    assert "MOSAIC_API_KEY" in caught.value.remedy


def test_this_environment_has_the_extra():
    require_studio_extra()


async def test_a_studio_that_fails_to_start_is_reported_with_the_end_of_its_log(settings, instead):
    instead(
        "mkdir -p studio/log",
        "echo 'Traceback …' > studio/log/console.log",
        "echo 'OSError: No space left on device' >> studio/log/console.log",
        "exit 1",
    )
    with pytest.raises(EngineUnavailable, match="ended with code 1") as caught:
        await ensure_studio(settings)
    assert "mosaic-mcp studio" in caught.value.remedy
    assert caught.value.remedy.endswith("Its log ends with: OSError: No space left on device")


async def test_an_empty_console_does_not_hide_the_log(settings, instead):
    instead(
        "mkdir -p studio/log",
        ": > studio/log/console.log",
        "echo 'ERROR the store is newer' > studio/log/studio.log",
        "exit 1",
    )
    with pytest.raises(EngineUnavailable) as caught:
        await ensure_studio(settings)
    assert caught.value.remedy.endswith("ERROR the store is newer")


async def test_a_studio_that_never_answers_is_waited_for_and_given_up(
    settings, instead, monkeypatch
):
    monkeypatch.setattr(studio, "START_S", 1.0)
    instead("echo $$ > pid", "exec sleep 60")
    with pytest.raises(EngineUnavailable, match="did not answer within 1 s") as caught:
        await ensure_studio(settings)
    assert "Its log" not in caught.value.remedy
    os.kill(int((settings.home / "pid").read_text()), signal.SIGKILL)


async def test_a_sick_studio_that_holds_the_data_folder_is_named(
    double, settings, instead, monkeypatch
):
    monkeypatch.setattr(studio, "START_S", 0.5)
    announce(settings, double.url, pid=4711)
    double.fail("broken", PREFIX, times=99)
    instead("exit 3")
    with pytest.raises(EngineUnavailable, match="process 4711") as caught:
        await ensure_studio(settings)
    assert "End that process" in caught.value.remedy


@pytest.mark.parametrize("kind", ["answer", "broken"])
async def test_an_older_studio_that_does_not_leave_is_not_started_over(
    double, settings, instead, monkeypatch, kind
):
    monkeypatch.setattr(studio, "START_S", 0.5)
    announce(settings, double.url, version="0.0.1", pid=4711)
    double.fail("answer", f"{PREFIX}$", status=200, body=INFO, times=99)
    double.fail(kind, "/shutdown$", status=200)
    instead("touch started")
    with pytest.raises(EngineUnavailable, match="process 4711"):
        await ensure_studio(settings)
    assert double.calls("POST", "/shutdown") == 1
    assert not (settings.home / "started").exists()


async def test_a_newer_studio_is_used_as_it_is(double, settings):
    announce(settings, double.url, version="99.0")
    double.fail("answer", f"{PREFIX}$", status=200, body=INFO)
    assert (await ensure_studio(settings)).version == "99.0"
