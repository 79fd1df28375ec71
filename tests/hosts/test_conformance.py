"""The MCP project's own conformance suite, over HTTP, on servers of our factory.

The suite calls fixtures by name, so most of it runs on a server with those added; what needs none
runs on the server as it is.
"""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mosaic_mcp.server import build_server
from mosaic_mcp.settings import Settings
from tests.support.conformance.server import Events, fixtures_server
from tests.support.hosted_double import KEY, hosted_double
from tests.support.loopback import on_loopback
from tests.support.node import node, npm_program
from tests.support.waiting import PROGRAM_S

pytestmark = [
    pytest.mark.hosts,
    # Logging and sampling are deprecated, and the handshake era's clients may still ask for them.
    pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning"),
]


def short(*values: str) -> Any:
    """Parameters of a test that the gate runs too."""
    return pytest.param(*values, marks=pytest.mark.short)


SUITE = ("@modelcontextprotocol/conformance", "0.2.0-alpha.12")
HANDSHAKE, MODERN = "2025-11-25", "2026-07-28"
NOT_RUN_BY_THE_SUITE = {
    "tasks-status-notifications",  # "Skipped: …", whatever the server does
    # At 2025-11-25 the vocabulary that came later is reported only.
    "sep-2106-composition-keywords-preserved",
    "sep-2106-conditional-keywords-preserved",
    "sep-2106-defs-anchor-preserved",
}
TASKS = [
    short("tasks-lifecycle"),
    short("tasks-capability-negotiation"),
    "tasks-wire-fields",
    "tasks-request-state-removal",
    short("tasks-mrtr-input"),
    "tasks-request-headers",
    "tasks-dispatch-and-envelope",
    "tasks-status-notifications",
    "tasks-required-task-error",
    "tasks-mrtr-composition",
]
NEED_NO_FIXTURES = [
    short(HANDSHAKE, "server-initialize"),
    (HANDSHAKE, "server-session-lifecycle"),
    (HANDSHAKE, "ping"),
    (HANDSHAKE, "completion-complete"),
    (HANDSHAKE, "tools-list"),
    (HANDSHAKE, "resources-list"),
    (HANDSHAKE, "prompts-list"),
    (HANDSHAKE, "server-sse-multiple-streams"),
    (HANDSHAKE, "dns-rebinding-protection"),
    (MODERN, "completion-complete"),
    short(MODERN, "tools-list"),
    (MODERN, "resources-list"),
    (MODERN, "prompts-list"),
    (MODERN, "server-sse-multiple-streams"),
    (MODERN, "dns-rebinding-protection"),
    (MODERN, "sep-2164-resource-not-found"),
    (MODERN, "caching"),
    short(MODERN, "http-header-validation"),
    (MODERN, "input-required-result-unsupported-methods"),
]


@pytest.fixture(scope="module")
def suite() -> list[str | Path]:
    return [node(), npm_program(*SUITE)]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Some scenarios call our tools; the hosted API's double answers them at once."""
    with hosted_double() as double:
        home = tmp_path_factory.mktemp("home")
        yield Settings(home=home, api_key=KEY, api_url=double.url)


@pytest.fixture(scope="module")
def fixtures_url(settings: Settings) -> Iterator[str]:
    server = fixtures_server(settings)
    with on_loopback(server, event_store=Events(), retry_interval=100) as url:
        yield url


@pytest.fixture(scope="module")
def real_url(settings: Settings) -> Iterator[str]:
    with on_loopback(build_server(settings)) as url:
        yield url


def scenarios(suite: list, version: str) -> set[str]:
    """The names of the server scenarios that apply to a version of the protocol."""
    done = subprocess.run([*suite, "list", "--server"], capture_output=True, text=True, check=True)
    named = re.findall(r"^ +- (\S+) \[(.+)\]$", done.stdout, re.MULTILINE)
    return {name for name, versions in named if version in versions.split(",")}


def run(suite: list, url: str, out: Path, *arguments: str) -> set[str]:
    """Run scenarios; the names of those that were run. Fails with whatever did not succeed."""
    done = subprocess.run(
        [*suite, "server", "--url", url, "-o", out, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=PROGRAM_S,
    )
    bad: list[str] = []
    names: set[str] = set()
    for file in out.glob("server-*/checks.json"):
        names.add(re.sub(r"^server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z$", r"\1", file.parent.name))
        for check in json.loads(file.read_text("utf-8")):
            skipped = check["status"] == "SKIPPED" and check["id"] in NOT_RUN_BY_THE_SUITE
            if check["status"] not in ("SUCCESS", "INFO") and not skipped:
                bad.append(f"{check['id']}: {check['status']} {check.get('errorMessage')}")
    assert not bad, "\n".join(bad)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return names


@pytest.mark.short
@pytest.mark.parametrize("version", [HANDSHAKE, MODERN])
def test_every_server_scenario_passes(suite, fixtures_url, tmp_path, version):
    ran = run(suite, fixtures_url, tmp_path, "--suite", "all", "--spec-version", version)
    assert ran == scenarios(suite, version)


@pytest.mark.parametrize("scenario", TASKS)
def test_every_scenario_of_the_tasks_extension_passes(suite, fixtures_url, tmp_path, scenario):
    assert run(suite, fixtures_url, tmp_path, "--scenario", scenario) == {scenario}


def test_no_scenario_of_the_tasks_extension_is_forgotten(suite):
    listed = {s for s in scenarios(suite, "extension") if s.startswith("tasks-")}
    assert listed == {getattr(s, "values", (s,))[0] for s in TASKS}


@pytest.mark.parametrize(("version", "scenario"), NEED_NO_FIXTURES)
def test_the_server_as_it_is_passes_what_needs_no_fixtures(
    suite, real_url, tmp_path, version, scenario
):
    arguments = ("--scenario", scenario, "--spec-version", version)
    assert run(suite, real_url, tmp_path, *arguments) == {scenario}
