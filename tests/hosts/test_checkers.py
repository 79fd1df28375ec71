"""What independent checkers say about our tools: tdqs on definitions, mcp-scanner on threats."""

import json
import subprocess
from collections.abc import Sequence
from typing import Any

import pytest

from mosaic_mcp.server.tools import TOOLS
from tests.support.ours import Ours
from tests.support.pypi import pypi_program
from tests.support.waiting import PROGRAM_S

pytestmark = [pytest.mark.hosts, pytest.mark.short]

NAMES = [tool.__name__.rpartition(".")[2] for tool in TOOLS]


def run(command: Sequence[str], ours: Ours) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        timeout=PROGRAM_S,
        # The scanner's libraries would otherwise ask the internet for a price list, and it would
        # give the server a minute to start.
        env=ours.env
        | {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}
        | {"MCP_SCANNER_STDIO_TIMEOUT": str(int(PROGRAM_S))},
    )


def test_tdqs_finds_no_fault_in_the_definitions(stdio: Ours):
    tdqs = pypi_program("tdqs==0.1.0", "tdqs")
    lint = ("lint", "--command", " ".join(stdio.command), "--fail-on", "warning")
    done = run([*tdqs, *lint, "--format", "markdown"], stdio)
    assert f"{len(NAMES)} tools" in done.stdout, done.stderr
    assert done.returncode == 0, done.stdout


def scan(ours: Ours, *what: str) -> Any:
    """What the scanner's YARA rules say, as JSON.

    It gives a server's first answer ten seconds: on a busy machine it is asked again.
    """
    scanner = pypi_program("cisco-ai-mcp-scanner==4.8.7", "mcp-scanner")
    for _ in range(20):
        done = run([*scanner, "--analyzers", "yara", "--raw", *what], ours)
        if "Timeout connecting" not in done.stderr:
            break
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_scanner_finds_no_threat_in_the_tools(stdio: Ours):
    command, *arguments = stdio.command
    each = [f"--stdio-arg={argument}" for argument in arguments]
    found = scan(stdio, "stdio", "--stdio-command", command, *each)
    assert [f["tool_name"] for f in found] == NAMES
    assert [f for f in found if not f["is_safe"]] == []


def test_the_scanner_finds_no_threat_in_the_instructions(stdio: Ours, http: Ours):
    (found,) = scan(stdio, "instructions", "--server-url", str(http.url))
    assert "run_agent" in found["instructions"]
    assert found["is_safe"], found["findings"]
