"""Other people's Python programs: each at a pinned version, in an environment of its own, by uv."""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import cache

from tests.support.node import not_installable


@cache
def pypi_program(package: str, program: str) -> tuple[str, ...]:
    """How to run a program of a package that is named with its version (`x==1.2.3`)."""
    uv = shutil.which("uv")
    if uv is None:
        not_installable("uv is not on the path")
    environment = (uv, "tool", "run", "--python", sys.executable, "--from", package)
    done = subprocess.run([*environment, "python", "-V"], check=False, capture_output=True)
    if done.returncode != 0:
        not_installable(f"uv could not install {package}: {done.stderr.decode()[-800:]}")
    return (*environment, program)
