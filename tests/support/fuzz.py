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

from tests.support.studio_process import KEYS, running_studio

EXAMPLES = 120
"""For each operation, which makes more than 5,000 requests in all."""
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_schema_conformance,ignored_auth"
)


def fuzz(examples: int, seed: int, *, phases: str = "examples,coverage,fuzzing") -> tuple[int, str]:
    """The exit code of schemathesis, 0 when nothing is wrong, and its report."""
    with (
        tempfile.TemporaryDirectory() as home,
        running_studio(Path(home), MOSAIC_STUDIO_KEYS=KEYS) as studio,
    ):
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "run"),
            f"{studio.discovery.url}/openapi.json",
            *("--header", "Authorization: Bearer mk_anna"),
            *("--phases", phases, "--checks", CHECKS),
            *("--max-examples", str(examples), "--seed", str(seed)),
            *("--continue-on-failure", "--no-color", "--workers", "2"),
            *("--request-timeout", "60"),
            # Waiting for a change is what it is for.
            *("--exclude-path", "/studio/v1/runs/{run_id}/watch"),
        ]
        done = subprocess.run(command, capture_output=True, text=True, cwd=home, check=False)
        alive = studio.process.poll() is None
        crashes = [line for line in studio.log().splitlines() if " failed: " in line]
    report = "\n".join([done.stdout, done.stderr, *crashes])
    return (done.returncode or int(not alive or bool(crashes))), report


def requests_in(report: str) -> int:
    """How many requests a report tells of."""
    found = re.search(r"([\d,]+) generated", report)
    return int(found[1].replace(",", "")) if found else 0


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
