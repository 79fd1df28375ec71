"""Each package is taken by its own tool, and starts."""

import json
import re
import runpy
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from mosaic_mcp import __version__, settings
from mosaic_mcp.server.tools import TOOLS
from mosaic_mcp.settings import Settings
from tests.acceptance.conftest import end_studio
from tests.support.node import node, not_installable, npm_program
from tests.support.ours import over_stdio
from tests.support.pypi import pypi_program
from tests.support.waiting import PROGRAM_S

pytestmark = pytest.mark.hosts

PROJECT = Path(__file__).parents[2]
PACKAGING = PROJECT / "packaging"
PLUGIN = PACKAGING / "claude-code"


def run(*command: str | Path, **more: Any) -> str:
    """What a program that must succeed prints."""
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=PROGRAM_S, **more
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


@pytest.fixture(scope="module")
def uv() -> str:
    return shutil.which("uv") or not_installable("uv is not on the path")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Settings]:
    """A user who installs for the first time; the studio that starts ends with the test."""
    yield Settings(home=tmp_path / "home", allowed_dirs=(tmp_path,))
    end_studio(tmp_path / "home")


def started(command: str, *args: str, home: Settings) -> Client:
    """A client of the server that this command starts."""
    return Client(StdioServerParameters(command=command, args=list(args), env=over_stdio(home).env))


@pytest.fixture(scope="module")
def wheel(uv: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run(uv, "build", "--quiet", "--wheel", "--out-dir", folder, PROJECT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.mark.short
async def test_the_wheel_alone_starts_and_says_what_is_missing(
    uv: str, wheel: Path, home: Settings
):
    async with started(uv, "tool", "run", "--from", str(wheel), "mosaic-mcp", home=home) as client:
        assert len((await client.list_tools()).tools) == len(TOOLS)
        answer = await client.call_tool("find_agents", {})
    assert answer.is_error
    assert 'pip install "mosaic-mcp[studio]"' in answer.content[0].text


async def test_the_wheel_with_its_studio_starts_the_studio(uv: str, wheel: Path, home: Settings):
    whole = f"mosaic-mcp[studio] @ {wheel.as_uri()}"
    async with started(uv, "tool", "run", "--from", whole, "mosaic-mcp", home=home) as client:
        answer = await client.call_tool("find_agents", {"agent": "Caption and reframe"})
    assert not answer.is_error, answer.content
    assert answer.structured_content["agent"]["nodes"]


@pytest.mark.short
async def test_the_bundle_is_valid_packs_and_starts(tmp_path: Path, home: Settings):
    mcpb = npm_program("@anthropic-ai/mcpb", "2.1.2")
    staged, packed, there = tmp_path / "staged", tmp_path / "mosaic-mcp.mcpb", tmp_path / "there"
    runpy.run_path(str(PACKAGING / "mcpb" / "stage.py"))["stage"](staged)
    run(node(), mcpb, "validate", staged / "manifest.json")
    run(node(), mcpb, "pack", staged, packed)
    assert "mosaic-mcp.mcpb" in run(node(), mcpb, "info", packed)

    zipfile.ZipFile(packed).extractall(there)
    manifest = read(there / "manifest.json")
    assert manifest["version"] == __version__
    start = manifest["server"]["mcp_config"]
    args = [a.replace("${__dirname}", str(there)) for a in start["args"]]
    async with started(start["command"], *args, home=home) as client:
        answer = await client.call_tool("find_agents", {})
    assert not answer.is_error, answer.content


@pytest.mark.short
def test_the_bundle_without_a_key_edits_on_this_machine():
    manifest = read(PACKAGING / "mcpb" / "manifest.json")
    assert manifest["server"]["mcp_config"]["env"] == {"MOSAIC_API_KEY": "${user_config.api_key}"}
    assert not Settings.from_env(
        {"MOSAIC_API_KEY": manifest["user_config"]["api_key"]["default"]}
    ).hosted


@pytest.mark.short
def test_the_registry_entry_keeps_the_registry_s_rules():
    """Those of its schema 2025-12-11 that an entry like ours can break."""
    entry = read(PACKAGING / "server.json")
    assert entry["$schema"].endswith("/2025-12-11/server.schema.json")
    assert re.fullmatch(r"[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+", entry["name"])
    assert len(entry["description"]) <= 100
    (package,) = entry["packages"]
    assert entry["version"] == package["version"] == __version__
    assert (package["registryType"], package["identifier"]) == ("pypi", "mosaic-mcp")
    assert package["transport"] == {"type": "stdio"}
    named = {v["name"]: v for v in package["environmentVariables"]}
    assert [name for name in named if name not in (settings.__doc__ or "")] == []
    assert named["MOSAIC_API_KEY"]["isSecret"]


@pytest.mark.short
def test_the_skill_is_valid():
    validate = pypi_program("skills-ref==0.1.1", "agentskills")
    assert "Valid skill" in run(*validate, "validate", PLUGIN / "skills" / "edit-video")


@pytest.mark.short
def test_the_skill_names_only_tools_that_exist():
    text = (PLUGIN / "skills" / "edit-video" / "SKILL.md").read_text("utf-8")
    called = set(re.findall(r"`(\w+)\(", text))
    assert called <= {tool.__name__.rpartition(".")[2] for tool in TOOLS}
    assert "run_agent" in called


@pytest.mark.long
def test_claude_code_takes_the_plugin(tmp_path: Path):
    claude = npm_program("@anthropic-ai/claude-code", "2.1.330")
    validate = ("plugin", "validate", PLUGIN, "--profile", "directory", "--strict")
    told = run(claude, *validate, env={"HOME": str(tmp_path), "PATH": str(node().parent)})
    assert "Validation passed" in told


@pytest.mark.short
def test_the_plugin_starts_the_checkout_that_it_lies_in():
    server = read(PLUGIN / ".mcp.json")["mcpServers"]["mosaic"]
    place = server["args"][server["args"].index("--directory") + 1]
    assert Path(place.replace("${CLAUDE_PLUGIN_ROOT}", str(PLUGIN))).resolve() == PROJECT
    assert read(PLUGIN / ".claude-plugin" / "plugin.json")["version"] == __version__
