"""What cannot be done is refused in a sentence; nothing half-made is left, nothing else stops."""

import os
import re
import signal
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from mosaic_mcp.contract.extensions import Discovery
from mosaic_mcp.server import build_server
from mosaic_mcp.settings import Settings
from tests.acceptance.conftest import Talk
from tests.acceptance.tools import answer, refusal, to_the_end
from tests.support.coded import ffmpeg
from tests.support.studio_runs import processes_in
from tests.support.waiting import WAIT_S

AGENT = "Caption and reframe"
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[Client]:
    async with Client(build_server(settings)) as client:
        yield client


def kept(home: Path) -> set[Path]:
    """Everything that stands for media and work in a data folder."""
    folders = ("assets", "renders", "uploads", "work")
    return {p for folder in folders for p in (home / folder).rglob("*") if p.is_file()}


def pid(home: Path) -> int:
    return Discovery.model_validate_json((home / "studio" / "studio.json").read_bytes()).pid


@pytest.fixture
async def untouched(client: Client, settings: Settings) -> AsyncIterator[None]:
    """Afterwards the data folder holds what it held, no run exists that did not exist before, and
    the same studio still serves."""
    runs = await answer(client, "list_runs", limit=20)
    before, studio = kept(settings.home), pid(settings.home)
    yield
    assert kept(settings.home) == before
    assert await answer(client, "list_runs", limit=20) == runs
    assert pid(settings.home) == studio


def faststart(talk: Talk, folder: Path) -> bytes:
    """The talk with its index in front, where a cut-off file still opens."""
    path = folder / "front.mp4"
    ffmpeg("-i", talk.video, "-c", "copy", "-movflags", "+faststart", path)
    return path.read_bytes()


BROKEN: dict[str, tuple[Callable[[Talk, Path], bytes], str, str]] = {
    "empty.mp4": (lambda *_: b"", "0 bytes", "again"),
    "letter.mp4": (lambda *_: b"Dear editor, " * 500, "not a media file", "We read MP4"),
    "noise.mov": (lambda *_: bytes(range(256)) * 400, "not a media file", "We read MP4"),
    "half.mp4": (lambda talk, _: talk.video.read_bytes()[:40_000], "cut off", "again"),
    "front half.mp4": (lambda *at: faststart(*at)[:60_000], "cut off", "again"),
    "headless.mp4": (lambda talk, _: talk.video.read_bytes()[40_000:], "not a media file", "We"),
}


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("name", BROKEN)
async def test_a_file_that_is_no_whole_video_is_refused(
    client: Client, talk: Talk, folder: Path, tmp_path: Path, name: str
):
    make, what, remedy = BROKEN[name]
    path = folder / name
    path.write_bytes(make(talk, tmp_path))
    text = await refusal(client, "run_agent", agent=AGENT, videos=[str(path)], wait_s=0)
    assert name in text
    assert what in text
    assert remedy in text


@pytest.mark.usefixtures("untouched")
async def test_a_missing_file_is_answered_with_what_is_there(client: Client, talk: Talk):
    gone = talk.video.with_name("my tlak.mp4")
    text = await refusal(client, "run_agent", agent=AGENT, videos=[str(gone)])
    assert "There is no file" in text
    assert "my talk.mp4" in text


UNKNOWN: list[tuple[str, dict[str, Any], str]] = [
    ("run_agent", {"agent": NOBODY, "videos": ["https://example.com/a.mp4"]}, "find_agents"),
    ("run_agent", {"agent": AGENT, "videos": [NOBODY]}, "list_outputs"),
    ("run_agent", {"agent": AGENT, "videos": [f"video:{NOBODY}"]}, NOBODY),
    ("run_agent", {"agent": AGENT, "videos": [f"render:{NOBODY}"]}, NOBODY),
    ("run_agent", {"agent": AGENT, "videos": [f"run:{NOBODY}"]}, "list_runs"),
    ("run_agent", {"agent": AGENT, "videos": [f"mimir:{NOBODY}"]}, "Settings > Integrations"),
    ("find_agents", {"agent": NOBODY}, "find_agents"),
    ("build_agent", {"name": "x", "tiles": ["Captions"], "agent": NOBODY}, "find_agents"),
    ("build_agent", {"name": "x", "tiles": ["Captoins"]}, "Did you mean"),
    ("get_run", {"run_id": NOBODY}, "list_runs"),
    ("list_outputs", {"run_id": NOBODY}, "list_runs"),
    ("resume_run", {"run_id": NOBODY}, "list_runs"),
    ("cancel_run", {"run_id": NOBODY}, "list_runs"),
    ("chain_run", {"source": NOBODY, "agent": AGENT}, "get_run"),
    ("view_output", {"output_id": NOBODY}, "list_outputs"),
    ("read_transcript", {"video": f"render:{NOBODY}"}, "get_run"),
    ("list_runs", {"agent": NOBODY}, "find_agents"),
]
"""A call that names what nobody has, and what its refusal must lead to."""


@pytest.mark.usefixtures("untouched")
async def test_an_unknown_id_is_answered_with_where_ids_are(client: Client):
    told = [(await refusal(client, tool, **said), step) for tool, said, step in UNKNOWN]
    assert [text for text, step in told if step not in text] == []


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"params": {"Captions": {"caption_style": "comic"}}}, "params.Captions.caption_style"),
    ({"params": {"Captions": {"caption_max_words": 0}}}, "params.Captions.caption_max_words"),
    ({"params": {"Captions": {"colour": "red"}}}, "params.Captions.colour"),
    ({"params": {"Video Input": {"x": 1}}}, "protected"),
    ({"params": {"Subtitles": {}}}, "params"),
    ({"skip": ["Video Input"]}, "skip"),
    ({"clip": "9:00-8:00"}, "clip"),
    ({"clip": "the good part"}, "clip"),
    ({"callback_url": "ftp://example.com"}, "callback_url"),
    ({"quality": "ultra"}, "quality"),
    ({"wait_s": 51}, "wait_s"),
    ({"qualty": "draft"}, "Did you mean 'quality'?"),
    ({"videos": []}, "video"),
]
"""Arguments beside a good agent and video, and what the refusal must name."""


@pytest.mark.usefixtures("untouched")
async def test_a_bad_parameter_is_named_and_nothing_is_started(client: Client, talk: Talk):
    good = {"agent": AGENT, "videos": [talk.named]}
    told = [(await refusal(client, "run_agent", **good | said), name) for said, name in WRONG]
    assert [text for text, name in told if name not in text] == []


UPRIGHT = {"agent": AGENT, "skip": ["Captions"], "wait_s": 0}
"""A run of one output whose picture takes a second or more to encode."""


def until(found: Callable[[], Any]) -> Any:
    """What another process has, as soon as it has it."""
    deadline = time.monotonic() + WAIT_S
    while not (value := found()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return value


def programs(home: Path, name: str) -> list[int]:
    """The encoding FFmpeg, or the guard that started it."""
    at_work = []
    for number in processes_in(home / "work"):
        try:
            command = Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"libx264" in command and name.encode() in b" ".join(command[:5]):
            at_work.append((b"guard.py" in b" ".join(command[:5]), number))
    return [n for is_guard, n in at_work if is_guard is (name == "guard.py")]


@pytest.mark.parametrize(("killed", "clip"), [("ffmpeg", "0-2"), ("guard.py", "1-3")])
async def test_ffmpeg_killed_in_the_middle_is_told_and_begun_again(
    client: Client, settings: Settings, talk: Talk, killed: str, clip: str
):
    run = await answer(client, "run_agent", **UPRIGHT, videos=[str(talk.video)], clip=clip)
    before = {p for p in kept(settings.home) if "work" not in p.parts}
    (victim,) = until(lambda: programs(settings.home, killed))
    os.kill(victim, signal.SIGKILL)
    steps: list[str] = []

    async def told(_value: float, _total: float | None, message: str | None) -> None:
        if "FFmpeg was killed" in (message or ""):
            steps.append(message or "")
            assert kept(settings.home) == before
            assert processes_in(settings.home / "work") == set()

    # 1.1 s pass before it is tried again, during which nothing is left of the first try.
    await client.call_tool(
        "get_run", {"run_id": run["run_id"], "wait_s": 50}, progress_callback=told
    )
    assert "trying again in 1 s" in steps[0]
    ended = await to_the_end(client, await answer(client, "get_run", run_id=run["run_id"]))
    assert (ended["status"], ended.get("errors")) == ("completed", None)


async def test_a_video_that_is_damaged_inside_fails_by_its_name(
    client: Client, settings: Settings, talk: Talk, folder: Path, tmp_path: Path
):
    """Its index is whole, so that only the decoder finds out."""
    content = bytearray(faststart(talk, tmp_path))
    start = content.index(b"mdat") + 4
    for place in range(start + 5_000, len(content), 2):
        content[place] = 0xFF
    path = folder / "scratched.mp4"
    path.write_bytes(content)
    before = kept(settings.home)
    result = await client.call_tool(
        "run_agent", {**UPRIGHT, "videos": [str(path)], "quality": "draft"}
    )
    if result.is_error:
        text = str(result.structured_content)
    else:
        ended = await to_the_end(client, result.structured_content or {})
        assert ended["status"] == "failed", ended
        text = str(ended["errors"])
        assert not {p for p in kept(settings.home) - before if "assets" not in p.parts}
    assert re.search(r"damaged|cut short", text), text
    assert "scratched" in text
    await answer(client, "find_agents")
