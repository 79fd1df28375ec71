"""The MCP Inspector's command line, a client by the protocol's authors, against our server."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mosaic_mcp.server.app_view import SHOWN_BY, URI
from mosaic_mcp.server.tools import TOOLS
from tests.support.node import node, npm_program
from tests.support.ours import Ours
from tests.support.waiting import PROGRAM_S

pytestmark = [pytest.mark.hosts, pytest.mark.short]

ERAS = {"legacy": "2025-11-25", "modern": "2026-07-28"}
NAMES = [tool.__name__.rpartition(".")[2] for tool in TOOLS]
TOOL_FAILED = 5
"""The Inspector's exit code for a result with `isError`."""


@pytest.fixture
def inspect(tmp_path: Path):
    """Run the Inspector; it keeps its catalogue in a folder of the test."""
    script = npm_program("@modelcontextprotocol/inspector", "2.12.0", "mcp-inspector")
    home = {"HOME": str(tmp_path), "MCP_CATALOG_PATH": str(tmp_path / "catalog.json")}

    def run(ours: Ours, method: str, *more: str) -> subprocess.CompletedProcess[str]:
        target = [ours.url, "--transport", "http"] if ours.url else [*ours.command, *_env(ours)]
        return subprocess.run(
            [node(), script, "--cli", *target, "--format", "json", "--method", method, *more],
            check=False,
            capture_output=True,
            text=True,
            timeout=PROGRAM_S,
            env={**os.environ, **home},
        )

    return run


def _env(ours: Ours) -> list[str]:
    return [w for k, v in ours.env.items() if k.startswith("MOSAIC_") for w in ("-e", f"{k}={v}")]


def answer(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)["result"]


@pytest.mark.parametrize("era", ERAS)
def test_both_eras_are_spoken_over_both_transports(inspect, ours: Ours, era: str):
    said = answer(inspect(ours, "initialize", "--protocol-era", era))
    assert said["protocolVersion"] == ERAS[era]
    assert said["serverInfo"]["name"] == "mosaic-mcp"


@pytest.mark.parametrize("era", ERAS)
def test_the_tools_are_listed_in_both_eras(inspect, ours: Ours, era: str):
    tools = answer(inspect(ours, "tools/list", "--protocol-era", era))["tools"]
    assert [t["name"] for t in tools] == NAMES


@pytest.mark.parametrize("era", ERAS)
def test_a_tool_is_called_in_both_eras(inspect, ours: Ours, era: str):
    wanted = '{"agent": "Caption and reframe"}'
    call = ("--tool-name", "find_agents", "--tool-args-json", wanted)
    said = answer(inspect(ours, "tools/call", "--protocol-era", era, *call))
    found = said["structuredContent"]["agent"]
    assert found["name"] == "Caption and reframe"
    assert json.loads(said["content"][0]["text"]) == said["structuredContent"]


def test_a_refusal_reaches_the_command_line_as_one(inspect, stdio: Ours):
    call = ("--tool-name", "get_run", "--tool-args-json", '{"run_idd": "x"}')
    done = inspect(stdio, "tools/call", *call)
    assert done.returncode == TOOL_FAILED, done.stdout + done.stderr
    assert "run_id" in done.stdout + done.stderr


def test_no_schema_is_beyond_what_some_hosts_can_read(inspect, stdio: Ours):
    done = inspect(stdio, "tools/list", "--strict")
    assert done.returncode == 0, done.stderr
    assert "Warning:" not in done.stderr, done.stderr


def test_the_tools_of_runs_are_bound_to_the_viewer_where_it_can_be_shown(inspect, stdio: Ours):
    done = inspect(stdio, "tools/list", "--app-info", "--advertise-apps")
    assert done.returncode == 0, done.stderr
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["toolName"] for line in said][: len(NAMES)] == NAMES
    bound = {line["toolName"] for line in said if line["hasApp"]}
    assert bound == SHOWN_BY | {line["toolName"] for line in said[len(NAMES) :]}
    assert {line["resourceUri"] for line in said if line["hasApp"]} == {URI}
    (page,) = answer(inspect(stdio, "resources/read", "--uri", URI))["contents"]
    assert page["mimeType"] == "text/html;profile=mcp-app"
