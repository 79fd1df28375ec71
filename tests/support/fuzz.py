"""Fuzzing the studio's REST API against its own OpenAPI with schemathesis; the report is printed.

    uv run python -m tests.support.fuzz            # at least 5,000 requests, some minutes
    uv run python -m tests.support.fuzz --examples 2 --seed 7

A keyed studio on a private data folder is attacked with valid and invalid requests. Wrong is: a
5xx, a status or a content type that the OpenAPI does not declare, an answer that does not fit its
schema, and an accepted request that names no key.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from mosaic_mcp.contract.extensions import OWNER_HEADER
from tests.support.media import video
from tests.support.studio_process import KEYS, RunningStudio, running_studio
from tests.support.studio_runs import ENDED, Studio

EXAMPLES = 75
"""For each operation and pass, which makes more than 5,000 requests in all."""
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_schema_conformance,ignored_auth"
)


def fuzz(examples: int, seed: int, *, phases: str = "coverage,fuzzing") -> tuple[int, str]:
    """The exit code of schemathesis, 0 when nothing is wrong, and its reports.

    Two passes: with ids that nobody has, which stops at the door, and with those of a real agent,
    run, video and output.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        running_studio(Path(folder) / "home", MOSAIC_STUDIO_KEYS=KEYS) as studio,
    ):
        unknown = Path(folder) / "unknown.toml"
        unknown.touch()
        known = Path(folder) / "known.toml"
        known.write_text(known_ids(studio, Path(folder)))
        code, reports = 0, list[str]()
        for config, stages in ((unknown, phases), (known, "fuzzing")):
            command = [
                *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run"),
                f"{studio.discovery.url}/openapi.json",
                *("--header", "Authorization: Bearer mk_anna"),
                *("--phases", stages, "--checks", CHECKS),
                *("--max-examples", str(examples), "--seed", str(seed)),
                *("--continue-on-failure", "--no-color", "--workers", "2"),
                *("--request-timeout", "60"),
                # Waiting for a change is what it is for; without its agent nothing else is reached.
                *("--exclude-path", "/studio/v1/runs/{run_id}/watch"),
                *(() if config is unknown else ("--exclude-path", "/agent/{agent_id}/delete")),
            ]
            done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
            code = code or done.returncode
            reports += [done.stdout, done.stderr]
        crashes = [line for line in studio.log().splitlines() if " failed: " in line]
        alive = studio.process.poll() is None
    return code or int(not alive or bool(crashes)), "\n".join([*reports, *crashes])


def known_ids(studio: RunningStudio, folder: Path) -> str:
    """A configuration of schemathesis with ids of what Anna has."""
    with studio.client() as http:
        http.headers[OWNER_HEADER] = "anna"
        rest = Studio(http, studio.home)
        asset = rest.add(video(folder / "talk.mp4"))
        agent, nodes = rest.agent({"in": "Video Input", "out": "Destination"}, "in>out")
        run = rest.run(agent, {"video_ids": [asset]})
        ended = rest.until(run, lambda watch: watch["run"]["status"] in ENDED)
    ids = {
        "agent_id": agent,
        "agent_node_id": nodes["in"],
        "run_id": run,
        "video_id": asset,
        "render_id": ended["run"]["outputs"][0]["id"],
    }
    return "[parameters]\n" + "".join(f'"path.{name}" = "{value}"\n' for name, value in ids.items())


def requests_in(report: str) -> int:
    """How many requests the reports tell of."""
    return sum(int(n.replace(",", "")) for n in re.findall(r"([\d,]+) generated", report))


def main() -> int:
    """Fuzz and print; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", type=int, default=EXAMPLES, help="for each operation")
    parser.add_argument("--seed", type=int, default=1)
    said = parser.parse_args()
    code, report = fuzz(said.examples, said.seed)
    print(report)
    print(f"{requests_in(report)} requests, exit code {code}")
    return code


if __name__ == "__main__":
    sys.exit(main())
