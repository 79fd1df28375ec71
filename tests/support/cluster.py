"""Processes that share one database and one data folder: API processes and workers."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa

from mosaic_mcp.studio.store.postgres import postgres_url
from tests.support.studio_runs import Studio
from tests.support.waiting import WAIT_S

DEAD_S = 4.0
KEYS = "mk_local=local,mk_anna=anna"


@dataclass
class Member:
    """One process."""

    process: subprocess.Popen[bytes]
    output: Path

    @property
    def said(self) -> str:
        return self.output.read_text()

    @property
    def name(self) -> str:
        """A worker's name in the database."""
        found = re.search(r"^Worker (\S+) takes work", self.said, re.MULTILINE)
        assert found, self.said
        return found[1]

    def send(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)

    def end(self) -> int:
        """End it in good order; its exit code."""
        self.send(signal.SIGCONT)
        self.process.terminate()
        try:
            return self.process.wait(WAIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


@dataclass
class Cluster:
    """Starts members; ends them all with the test."""

    home: Path
    database: str | None
    """Address of a PostgreSQL database, or None for SQLite in the data folder."""
    stack: ExitStack
    engine: sa.Engine = field(init=False)

    def __post_init__(self) -> None:
        if self.database is None:
            self.engine = sa.create_engine(f"sqlite:///{self.home / 'studio' / 'studio.db'}")
        else:
            self.engine = sa.create_engine(
                postgres_url(self.database), pool_pre_ping=True, isolation_level="AUTOCOMMIT"
            )
        self.stack.callback(self.engine.dispose)

    def start(self, *arguments: str, **environment: str) -> Member:
        """`mosaic-mcp` with these arguments."""
        output = self.home.parent / f"{arguments[0]}-{time.monotonic_ns()}.log"
        ours = {"MOSAIC_STUDIO_DATABASE": self.database} if self.database else {}
        with output.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "mosaic_mcp", *arguments],
                env={
                    **{k: v for k, v in os.environ.items() if not k.startswith("MOSAIC_")},
                    "MOSAIC_HOME": str(self.home),
                    "MOSAIC_STUDIO_KEYS": KEYS,
                    "MOSAIC_STUDIO_DEAD_S": str(DEAD_S),
                    **ours,
                    **environment,
                },
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        member = Member(process, output)
        self.stack.callback(self._end, member)
        return member

    def _end(self, member: Member) -> None:
        if member.process.poll() is None:
            member.end()

    def worker(self) -> Member:
        """A worker that takes work."""
        worker = self.start("worker")
        until(lambda: "takes work from" in worker.said, worker)
        return worker

    def api(self, *arguments: str, key: str = "mk_local", **environment: str) -> Studio:
        """A serving API process, with a client of `key`."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        member = self.start("studio", "--port", str(port), *arguments, **environment)
        until(lambda: "Studio at" in member.said, member)
        http = httpx.Client(
            base_url=f"http://127.0.0.1:{port}",
            headers={"authorization": f"Bearer {key}"},
            timeout=WAIT_S,
            trust_env=False,
        )
        self.stack.callback(http.close)
        return Studio(http, self.home)

    def rows(self, query: str) -> list[Any]:
        with self.engine.connect() as connection:
            return list(connection.execute(sa.text(query)))

    def workers_of(self, run_id: str) -> set[str]:
        """Who did the nodes and renders of a run."""
        union = " union ".join(
            f"select worker from {table} where run_id = '{run_id}'"
            for table in ("run_nodes", "renders")
        )
        return {row.worker for row in self.rows(union)}


@contextmanager
def opened(home: Path, database: str | None) -> Generator[Cluster]:
    """A cluster without members yet."""
    home.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        yield Cluster(home, database, stack)


def until(what: Callable[[], bool], *members: Member, seconds: float = WAIT_S) -> None:
    """Wait for `what`, as long as the members live."""
    deadline = time.monotonic() + seconds
    while not what():
        for member in members:
            assert member.process.poll() is None, member.said
        assert time.monotonic() < deadline, [member.said for member in members]
        time.sleep(0.02)
