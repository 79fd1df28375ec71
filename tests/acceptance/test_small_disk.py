"""A disk that runs full: a real one of a few megabytes, which only the server and its studio see.

Linux lets every user mount one in a namespace of their own; where that is forbidden there is
nothing to test with.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from mosaic_mcp.settings import Settings
from tests.acceptance.conftest import end_studio, environment
from tests.acceptance.tools import ENDED, answer, refusal, text_of, to_the_end
from tests.support.coded import ffmpeg

SIZE_MB = 80
ALONE = ["unshare", "--user", "--map-root-user", "--mount"]
AGENT = "Caption and reframe"
SAID = {"agent": AGENT, "skip": ["Captions"], "quality": "standard"}


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
            os.posix_fallocate(file.fileno(), 0, self.free - leave)
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
        command=command[0], args=[*command[1:], sys.executable], env=environment(settings)
    )
    async with Client(server) as client:
        yield client
        end_studio(disk.seen)


@pytest.fixture(scope="module")
def grainy(folder: Path) -> Iterator[Path]:
    """Two seconds that take many bytes however they are encoded."""
    path = folder / "grainy.mp4"
    noise = "color=gray:size=640x360:rate=25:duration=2,noise=alls=100:allf=t"
    tone = ("-f", "lavfi", "-i", "sine=duration=2")
    encoded = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "16", "-pix_fmt", "yuv420p")
    ffmpeg("-f", "lavfi", "-i", noise, *tone, *encoded, "-shortest", path)
    yield path
    path.unlink()


async def on_a_full_disk(client: Client, run_id: str) -> dict[str, Any]:
    """The run after its end. While a render takes the last byte, a call may be refused: kindly."""
    while True:
        told = await client.call_tool("get_run", {"run_id": run_id, "wait_s": 20})
        if told.is_error:
            assert "Free some space" in text_of(told)
        elif told.structured_content and told.structured_content["status"] in ENDED:
            return told.structured_content


async def test_a_full_disk_is_told_and_what_was_begun_can_be_resumed(
    client: Client, disk: Disk, grainy: Path
):
    await answer(client, "find_agents")
    size = grainy.stat().st_size
    assert 3 << 20 < size < SIZE_MB << 18, "for this test: some megabytes"

    filler = disk.fill(leave=size // 2)
    text = await refusal(client, "run_agent", **SAID, videos=[str(grainy)], wait_s=0)
    assert "The disk with the data folder is full. Free some space" in text.replace("\n", " ")
    assert disk.files() == set(), "half a copy is no copy"
    assert not (await answer(client, "list_runs")).get("runs")

    filler.unlink()
    filler = disk.fill(leave=size + (1 << 20))
    run = await answer(client, "run_agent", **SAID, videos=[str(grainy)], wait_s=0)
    ended = await on_a_full_disk(client, run["run_id"])
    assert ended["status"] == "failed"
    (error,) = ended["errors"]
    (message,) = error["messages"]
    assert "disk" in message
    assert "full" in message
    assert "Free some space" in message
    assert [name.partition("/")[0] for name in disk.files()] == ["assets"]

    filler.unlink()
    resumed = await answer(client, "resume_run", run_id=ended["run_id"], wait_s=50)
    ended = await to_the_end(client, resumed)
    assert ended["status"] == "completed", ended
    assert len(ended["outputs"]) == 1
