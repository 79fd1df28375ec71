"""The README's commands do what it says; its links lead somewhere."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mosaic_mcp.settings import Settings
from mosaic_mcp.studio.perception.probe import probe
from tests.acceptance.conftest import environment

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
SHELL = re.findall(r"```bash\n(.*?)```", README, re.DOTALL)


def run(command: str, settings: Settings, folder: Path) -> subprocess.CompletedProcess[str]:
    """A `uv run mosaic-mcp …` of the README, with this Python in the place of uv's."""
    words = command.split("uv run mosaic-mcp", 1)[1].split()
    return subprocess.run(
        [sys.executable, "-m", "mosaic_mcp", *words],
        cwd=folder,
        env=environment(settings),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_first_screen_has_the_two_commands():
    assert SHELL[0].strip() == "pip install uv && uv run mosaic-mcp demo"
    assert SHELL[1].strip() == "uv run pytest"


async def test_the_demo_makes_vertical_captioned_clips_of_the_sample(
    settings: Settings, tmp_path: Path
):
    done = run(SHELL[0], settings, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "✓ Captions" in done.stdout
    videos = sorted((tmp_path / "mosaic-demo").glob("*.mp4"))
    assert len(videos) == 2
    for video in videos:
        source = await probe(video, name=video.name)
        assert (source.width, source.height) == (1080, 1920)
        assert 8 < source.duration < 25
        assert video.with_suffix(".sheet.png").stat().st_size > 50_000


def test_the_doctor_finds_everything_in_order(settings: Settings, tmp_path: Path):
    command = next(c for c in SHELL if "doctor" in c)
    done = run(command, settings, tmp_path)
    assert done.returncode == 0, done.stdout
    for part in ("ffmpeg", "libx264", "Montserrat", "data folder", "studio"):
        assert part in done.stdout, done.stdout


def test_the_configuration_starts_this_server():
    (block,) = re.findall(r"```json\n(.*?)```", README, re.DOTALL)
    server = json.loads(block)["mcpServers"]["mosaic"]
    assert server["command"] == "uv"
    assert server["args"][-1] == "mosaic-mcp"


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)\)", README))
def test_links_lead_somewhere(link: str):
    assert link.startswith("https://") or (ROOT / link).exists(), link
