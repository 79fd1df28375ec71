"""The README's commands do what it says; its links lead somewhere."""

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mosaic_mcp.settings import Settings
from mosaic_mcp.studio.perception.probe import probe
from tests.acceptance.conftest import Talk, environment
from tests.acceptance.tools import ROOT, tools_of
from tests.support.waiting import PROGRAM_S

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
        timeout=PROGRAM_S,
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
    subtitles = re.findall(r"^\s+subtitles\s+(.+)$", done.stdout, re.MULTILINE)
    assert len(subtitles) == 2
    for path in subtitles:
        ends = Path(path).read_text("utf-8").strip()[-1]
        assert ends in ".!?", "a clip ends with a whole sentence"


@pytest.mark.long
@pytest.mark.short
async def test_the_demo_edits_the_users_own_video_with_the_subtitles_beside_it(
    settings: Settings, talk: Talk, tmp_path: Path
):
    command = next(c for c in SHELL if "my.mp4" in c)
    shutil.copy(talk.video, tmp_path / "my.mp4")
    shutil.copy(talk.srt, tmp_path / "my.srt")
    done = run(command, settings, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Using the subtitles beside it: my.srt" in done.stdout
    videos = sorted((tmp_path / "mosaic-demo").glob("*.mp4"))
    assert videos
    assert (await probe(videos[0], name="my")).width == 1080


def test_a_demo_that_is_refused_says_why_and_ends(settings: Settings, tmp_path: Path):
    (tmp_path / "my.mp4").write_text("not a video")
    done = run(next(c for c in SHELL if "my.mp4" in c), settings, tmp_path)
    assert done.returncode == 1
    assert "my.mp4 cannot be used" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_doctor_finds_everything_in_order(settings: Settings, tmp_path: Path):
    command = next(c for c in SHELL if "doctor" in c)
    done = run(command, settings, tmp_path)
    assert done.returncode == 0, done.stdout
    for part in ("ffmpeg", "libx264", "Montserrat", "data folder", "studio"):
        assert part in done.stdout, done.stdout


async def test_the_configuration_starts_this_server(settings: Settings):
    (block,) = re.findall(r"```json\n(.*?)```", README, re.DOTALL)
    server = json.loads(block)["mcpServers"]["mosaic"]
    assert set(server) == {"command", "args", "env"}
    told = await tools_of([server["command"], *server["args"]], environment(settings))
    table = README.split("| tool | for |")[1].split("\n\n")[0]
    first_column = " ".join(row.split("|")[1] for row in table.strip().splitlines()[1:])
    assert re.findall(r"`(\w+)`", first_column) == told


async def test_the_command_for_claude_code_starts_this_server(settings: Settings):
    command = next(c for c in SHELL if c.startswith("claude mcp add mosaic -- "))
    told = await tools_of(command.split(" -- ")[1].split(), environment(settings))
    assert "run_agent" in told


def test_every_block_of_commands_is_run_by_a_test_here_or_is_the_tests_themselves():
    known = ("demo", "doctor", "claude mcp add mosaic -- ", "uv run pytest")
    assert [c for c in SHELL if not any(part in c for part in known)] == []


@pytest.mark.parametrize("module", re.findall(r"uv run python -m ([\w.]+)", README))
def test_a_module_that_is_named_exists(module: str):
    assert importlib.util.find_spec(module)


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)\)", README))
def test_links_lead_somewhere(link: str):
    assert link.startswith("https://") or (ROOT / link).exists(), link
