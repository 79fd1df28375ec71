"""A disk that runs full: a real one of a few megabytes, which only the server and its studio see.

Linux lets every user mount one in a namespace of their own; where that is forbidden there is
nothing to test with.
"""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from mosaic_mcp.settings import Settings
from mosaic_mcp.studio.lock import FolderLock
from tests.acceptance.conftest import end_studio, environment
from tests.acceptance.tools import ENDED, answer, refusal, text_of
from tests.support.coded import ffmpeg
from tests.support.file_server import file_server
from tests.support.waiting import WAIT_S

SIZE_MB = 80
RESERVE = SIZE_MB * 2**20 // 50
"""What jobs leave free of it: 2 %."""
ALONE = ["unshare", "--user", "--map-root-user", "--mount"]
AGENT = "Caption and reframe"
SAID = {"agent": AGENT, "skip": ["Captions"], "quality": "draft"}


def may_mount() -> bool:
    """True where this user may mount a file system in a namespace."""
    if sys.platform != "linux" or shutil.which("unshare") is None:
        return False
    tried = [*ALONE, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run(tried, capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(not may_mount(), reason="user namespaces may not mount here")


@dataclass(frozen=True)
class Disk:
    """The small disk, as the server sees it and as this process reaches it."""

    home: Path
    pid_file: Path

    @property
    def seen(self) -> Path:
        """The data folder through the server's own view of the file system."""
        return Path(f"/proc/{self.pid_file.read_text().strip()}/root{self.home}")

    @property
    def free(self) -> int:
        return shutil.disk_usage(self.seen).free

    def fill(self, leave: int) -> Path:
        """Take all but `leave` bytes; the file that takes them."""
        filler = self.seen / "filler"
        with filler.open("wb") as file:
            while (take := self.free - leave) > 0:
                with suppress(OSError):  # the studio took some meanwhile
                    os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), take)
        return filler

    def files(self) -> set[str]:
        folders = ("assets", "renders", "uploads", "work")
        found = (p for f in folders for p in (self.seen / f).rglob("*"))
        return {str(p.relative_to(self.seen)) for p in found if p.is_file()}


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Disk:
    folder = tmp_path_factory.mktemp("small")
    (folder / "home").mkdir()
    return Disk(folder / "home", folder / "pid")


@pytest.fixture
async def client(disk: Disk, folder: Path) -> AsyncIterator[Client]:
    """A server over stdio on the small disk; the studio that it starts ends with it."""
    settings = Settings(home=disk.home, allowed_dirs=(folder,))
    script = 'mount -t tmpfs -o size="$1"m tmpfs "$2" && echo $$ > "$3" && exec "$4" -m mosaic_mcp'
    command = [*ALONE, "sh", "-c", script, "-", str(SIZE_MB), str(disk.home), str(disk.pid_file)]
    server = StdioServerParameters(
        command=command[0],
        args=[*command[1:], sys.executable],
        env={**environment(settings), "MOSAIC_PRIVATE_URLS": "1"},
    )
    async with Client(server) as client:
        yield client
        end_studio(disk.seen)


@pytest.fixture(scope="module")
def grainy(folder: Path) -> Iterator[Path]:
    """A second that takes many bytes however they are encoded."""
    path = folder / "grainy.mp4"
    noise = "color=gray:size=640x360:rate=25:duration=1,noise=alls=100:allf=t"
    tone = ("-f", "lavfi", "-i", "sine=duration=1")
    encoded = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "16", "-pix_fmt", "yuv420p")
    ffmpeg("-f", "lavfi", "-i", noise, *tone, *encoded, "-shortest", path)
    yield path
    path.unlink()


async def until(client: Client, run_id: str, reached: Callable[[dict[str, Any]], bool]) -> Any:
    """The run once it is so. While a disk has no byte left, a call may be refused: kindly."""
    while True:
        told = await client.call_tool("get_run", {"run_id": run_id, "wait_s": 2})
        if told.is_error:
            assert "Free some space" in text_of(told)
        elif told.structured_content and reached(told.structured_content):
            return told.structured_content


def waits(run: dict[str, Any]) -> bool:
    assert run["status"] == "running", run
    return "waiting for disk space" in run["summary"]


def ended(run: dict[str, Any]) -> bool:
    return run["status"] in ENDED


async def test_what_does_not_fit_is_refused_and_a_run_waits_until_there_is_room(
    client: Client, disk: Disk, grainy: Path
):
    await answer(client, "find_agents")
    size = grainy.stat().st_size
    assert 3 << 20 < size < SIZE_MB << 18, "for this test: some megabytes"
    filler = disk.fill(leave=size // 2)
    text = await refusal(client, "run_agent", **SAID, videos=[str(grainy)], wait_s=0)
    assert "The disk with the data folder has no room for grainy.mp4" in text.replace("\n", " ")
    assert "Free some space" in text.replace("\n", " ")
    assert disk.files() == set(), "half a copy is no copy"
    assert not (await answer(client, "list_runs")).get("runs")
    filler.unlink()

    filler = disk.fill(leave=grainy.stat().st_size + RESERVE + (2 << 20))
    run = await answer(client, "run_agent", **SAID, videos=[str(grainy)], wait_s=0)
    waiting = await until(client, run["run_id"], waits)
    assert re.search(r"[\d.]+ MB free, [\d.]+ MB needed", waiting["summary"])
    assert [name.partition("/")[0] for name in disk.files()] == ["assets"], "no half a render"
    filler.unlink()
    done = await until(client, run["run_id"], ended)
    assert done["status"] == "completed", done
    assert len(done["outputs"]) == 1


@pytest.mark.long
@pytest.mark.short
async def test_a_download_that_does_not_fit_beside_the_reserve_waits_until_there_is_room(
    client: Client, disk: Disk, grainy: Path
):
    await answer(client, "find_agents")
    with file_server() as web:
        url = web.put("/grainy.mp4", grainy.read_bytes())
        filler = disk.fill(leave=RESERVE + grainy.stat().st_size // 2)
        run = await answer(client, "run_agent", **SAID, videos=[url], wait_s=0)
        waiting = await until(client, run["run_id"], waits)
        assert re.search(r"[\d.]+ MB free, [\d.]+ MB needed", waiting["summary"])
        assert disk.files() == set(), "nothing was begun"
        filler.unlink()
        done = await until(client, run["run_id"], ended)
    assert done["status"] == "completed", done


def until_gone(lock: FolderLock) -> None:
    """Wait for the studio, which holds its lock to the last moment."""
    deadline = time.monotonic() + WAIT_S
    while not lock.take():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    lock.release()


@pytest.mark.long
@pytest.mark.short
async def test_a_disk_that_runs_full_under_a_render_fails_nothing_and_damages_nothing(
    client: Client, disk: Disk, grainy: Path, tmp_path: Path
):
    """Every byte is taken while the run is at work: FFmpeg and both databases meet it."""
    said = {**SAID, "quality": "standard"}
    run = await answer(client, "run_agent", **said, videos=[str(grainy)], wait_s=0)
    await until(client, run["run_id"], lambda r: ended(r) or "rendering" in r["summary"])
    filler = disk.fill(leave=0)
    told = await client.call_tool("get_run", {"run_id": run["run_id"], "wait_s": 1})
    assert not told.is_error or "Free some space" in text_of(told)
    filler.unlink()
    done = await until(client, run["run_id"], ended)
    assert done["status"] == "completed", done
    assert not list((disk.seen / "work").iterdir())
    end_studio(disk.seen)
    lock = FolderLock(disk.seen / "studio" / "studio.lock")
    until_gone(lock)
    whole = tmp_path / "studio"
    shutil.copytree(disk.seen / "studio", whole, copy_function=shutil.copyfile)
    for name in ("studio.db", "dbos.db"):
        with closing(sqlite3.connect(whole / name)) as database:
            assert database.execute("pragma integrity_check").fetchall() == [("ok",)]
