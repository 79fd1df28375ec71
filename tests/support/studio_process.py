"""A studio of its own for a test: a process on a private data folder, ended by its pid."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from mosaic_mcp.contract.extensions import Discovery
from tests.support.waiting import WAIT_S

PROGRAM = "mosaic_mcp.studio"
HASTY = "tests.support.hasty_studio"
"""One that looks after its disk five times a second."""
KEYS = "mk_anna=anna,mk_ben=ben"


@dataclass
class RunningStudio:
    """A started studio and how to talk to it."""

    home: Path
    process: subprocess.Popen[bytes]

    @property
    def announced(self) -> bool:
        """True once the discovery file is of this process, not of one before it."""
        try:
            return self.discovery.pid == self.process.pid
        except FileNotFoundError:
            return False

    @property
    def discovery(self) -> Discovery:
        return Discovery.model_validate_json((self.home / "studio" / "studio.json").read_bytes())

    def client(self, key: str | None = None) -> httpx.Client:
        """A client with the discovery token, or with `key`; "" sends none."""
        found = self.discovery
        sent = found.token if key is None else key
        headers = {"authorization": f"Bearer {sent}"} if sent else {}
        return httpx.Client(base_url=found.url, headers=headers, timeout=WAIT_S, trust_env=False)

    def log(self) -> str:
        return "".join(p.read_text() for p in sorted((self.home / "studio/log").glob("*.log")))


def start(
    home: Path,
    *arguments: str,
    program: str = PROGRAM,
    under: Sequence[str] = (),
    **environment: str,
) -> subprocess.Popen[bytes]:
    """Start `python -m mosaic_mcp.studio` as a client does, or as the program of `under`."""
    home.mkdir(parents=True, exist_ok=True)
    return subprocess.Popen(
        [*under, sys.executable, "-m", program, *arguments],
        # A program of the tests is found from where the tests run.
        cwd=home if program == PROGRAM else None,
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith("MOSAIC_")},
            "MOSAIC_HOME": str(home),
            **environment,
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def until(what: Callable[[], bool], processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Wait for `what`, as long as one of the processes lives."""
    deadline = time.monotonic() + WAIT_S
    while not what():
        alive = any(process.poll() is None for process in processes)
        assert alive, f"the studio ended; its log may say why: {processes[0].communicate()}"
        assert time.monotonic() < deadline, "the studio did not get there"
        time.sleep(0.02)


@contextmanager
def running_studio(
    home: Path, *arguments: str, program: str = PROGRAM, **environment: str
) -> Generator[RunningStudio]:
    """A serving studio; ended in good order on leaving."""
    process = start(home, *arguments, program=program, **environment)
    try:
        running = RunningStudio(home, process)
        try:
            until(lambda: running.announced, [process])
        except AssertionError as error:
            raise AssertionError(f"{error}\n{running.log()}") from error
        yield running
    finally:
        process.terminate()
        try:
            process.communicate(timeout=WAIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
