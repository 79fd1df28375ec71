"""Every file in examples/ does what examples/README.md says."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from PIL import Image

from mosaic_mcp.client import connect
from mosaic_mcp.contract.agents import CreateAgent, UpdateAgent
from mosaic_mcp.server import build_server
from mosaic_mcp.settings import Settings
from mosaic_mcp.studio.perception.probe import probe
from tests.acceptance.conftest import Talk, environment
from tests.acceptance.tools import ROOT, answer, tools_of
from tests.support.waiting import PROGRAM_S

EXAMPLES = ROOT / "examples"
CLIENTS = {
    # What each client's own page allows: the table of servers, and the keys of a server.
    "claude_desktop_config.json": ("mcpServers", {"command", "args", "env"}),
    "claude-code.mcp.json": ("mcpServers", {"type", "command", "args", "env"}),
    "cursor.mcp.json": ("mcpServers", {"type", "command", "args", "env"}),
    "vscode.mcp.json": ("servers", {"type", "command", "args", "env"}),
    "codex.config.toml": (
        "mcp_servers",
        {"command", "args", "env", "startup_timeout_sec", "tool_timeout_sec"},
    ),
    "gemini.settings.json": ("mcpServers", {"command", "args", "env", "timeout"}),
}
TYPED = {"claude-code.mcp.json", "cursor.mcp.json", "vscode.mcp.json"}
AGENTS = sorted(p for p in (EXAMPLES / "agents").glob("*.json") if ".operations" not in p.name)


@pytest.fixture(scope="module")
def sampled(settings: Settings) -> Settings:
    """The settings, with the sample's folder allowed as well."""
    return replace(settings, allowed_dirs=(*settings.allowed_dirs, ROOT / "mosaic_mcp/sample"))


@pytest.fixture(scope="module")
def sample() -> dict[str, str]:
    folder = ROOT / "mosaic_mcp/sample"
    return {"source": str(folder / "talk.mp4"), "transcript": str(folder / "talk.srt")}


def server_of(name: str) -> dict[str, Any]:
    text = (EXAMPLES / "clients" / name).read_text("utf-8")
    config = tomllib.loads(text) if name.endswith(".toml") else json.loads(text)
    table, allowed = CLIENTS[name]
    assert set(config) == {table}
    assert set(config[table]) == {"mosaic"}
    server = config[table]["mosaic"]
    assert set(server) <= allowed
    return server


def test_there_is_a_configuration_for_every_client():
    assert {path.name for path in (EXAMPLES / "clients").iterdir()} == set(CLIENTS)


@pytest.mark.parametrize("name", CLIENTS)
async def test_a_client_configuration_starts_the_server(name: str, settings: Settings):
    server = server_of(name)
    assert (server.get("type") == "stdio") is (name in TYPED)
    env = {**environment(settings), **server.get("env", {})}
    assert "run_agent" in await tools_of([server["command"], *server["args"]], env)


@pytest.fixture
async def client(sampled: Settings) -> AsyncIterator[Client]:
    async with Client(build_server(sampled)) as client:
        yield client


@pytest.mark.parametrize("path", AGENTS, ids=lambda path: path.stem)
async def test_an_agent_can_be_built_without_advice_and_planned_on_the_sample(
    path: Path, client: Client, sample: dict[str, str]
):
    built = await answer(client, "build_agent", **json.loads(path.read_text("utf-8")))
    assert "findings" not in built
    videos = [sample] if built.get("inputs") else []
    shown = await answer(client, "run_agent", agent=built["agent_id"], videos=videos, dry_run=True)
    assert shown["status"] == "dry_run"
    if videos:
        assert built["inputs"] == ["Video Input"]
        assert "warnings" not in shown
    else:
        [warning] = shown["warnings"]
        assert "stands in" in warning


def test_the_gallery_shows_every_agent():
    page = ROOT / "docs/gallery.md"
    text = page.read_text("utf-8")
    for path in AGENTS:
        assert f"agents/{path.name})" in text
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", text)
    assert pictures
    for picture in pictures:
        with Image.open(page.parent / picture) as shown:
            assert shown.format == "JPEG"
            assert shown.width > 400


async def test_the_operations_make_a_graph_through_the_rest_api(sampled: Settings):
    body = (EXAMPLES / "agents" / "captions.operations.json").read_text("utf-8")
    async with await connect(sampled) as client:
        made = await client.create_agent(CreateAgent(name="Captions by REST"))
        changed = await client.update_agent(made.agent_id, UpdateAgent.model_validate_json(body))
        assert (changed.operations_applied, len(changed.created_nodes)) == (3, 2)
        graph = await client.get_agent(made.agent_id)
    names = [node.node_type.node_type_name for node in graph.agent_nodes]
    assert names == ["Video Input", "Captions"]
    assert len(graph.connections) == 1


def run(script: str, *arguments: object, settings: Settings) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(EXAMPLES / "scripts" / script), *map(str, arguments)],
        env=environment(settings),
        capture_output=True,
        text=True,
        timeout=PROGRAM_S,
        check=False,
    )


@pytest.mark.long
@pytest.mark.short
async def test_a_script_edits_a_file_in_both_shapes(
    sampled: Settings, sample: dict[str, str], folder: Path
):
    done = run(
        "edit_file.py",
        sample["source"],
        *("--transcript", sample["transcript"], "--clip", "0:01-0:03", "--quality", "draft"),
        *("--build", EXAMPLES / "agents/vertical_and_square.json", "--out", folder / "edited"),
        settings=sampled,
    )
    assert done.returncode == 0, done.stderr
    made = [await probe(Path(line), name="made") for line in done.stdout.splitlines()]
    assert sorted((m.width, m.height) for m in made) == [(540, 540), (540, 960)]
    assert all(abs(float(m.duration) - 2) < 0.2 for m in made)


async def test_a_script_makes_one_clip_of_what_is_said(
    sampled: Settings, sample: dict[str, str], folder: Path
):
    done = run(
        "clip_moment.py",
        *(sample["source"], "good luck", "--quality", "draft", "--out", folder / "moment"),
        settings=sampled,
    )
    assert done.returncode == 0, done.stderr
    said, path = done.stdout.splitlines()
    # "Good luck with your show!" is said from 57.06 s to 58.31 s (talk.srt).
    assert said.startswith("56.") or said.startswith("57.")
    assert 1.2 < (await probe(Path(path), name="made")).duration < 3


@pytest.mark.long
@pytest.mark.short
async def test_a_script_chains_a_second_agent(
    sampled: Settings, sample: dict[str, str], folder: Path
):
    done = run(
        "chain.py",
        *(sample["source"], "Clean up a talking head", "Caption and reframe"),
        *("--transcript", sample["transcript"], "--clip", "0:00-0:04"),
        *("--quality", "draft", "--out", folder / "chained"),
        settings=sampled,
    )
    assert done.returncode == 0, done.stderr
    lineage, path = done.stdout.splitlines()
    assert lineage.startswith("made from ")
    made = await probe(Path(path), name="made")
    assert (made.width, made.height) == (540, 960)
    assert made.duration < 4


@pytest.mark.long
@pytest.mark.short
def test_a_script_shows_on_a_page_what_agents_make(settings: Settings, talk: Talk, folder: Path):
    agents, page = folder / "agents", folder / "gallery" / "page.md"
    agents.mkdir()
    page.parent.mkdir()
    agent = {"name": "Mark it", "description": "A mark.", "tiles": ["Watermark"]}
    (agents / "mark.json").write_text(json.dumps(agent))
    done = run(
        "gallery.py",
        *(talk.video, page, "--transcript", talk.srt, "--clip", "0-2"),
        *("--quality", "draft", "--agents", agents),
        settings=settings,
    )
    assert done.returncode == 0, done.stderr
    text = page.read_text("utf-8")
    assert "## Mark it" in text
    [picture] = re.findall(r"!\[[^]]*\]\(([^)]+)\)", text)
    with Image.open(page.parent / picture) as sheet:
        assert sheet.width > 400


def test_a_script_ends_with_the_tools_own_words(sampled: Settings, folder: Path):
    done = run("edit_file.py", folder / "gone.mp4", settings=sampled)
    assert done.returncode == 1
    assert "There is no file" in done.stderr
    assert "Traceback" not in done.stderr
