"""A PostgreSQL server of the test session's own: private folder, loopback, ended with it."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from tests.support.node import not_installable

USER = "studio"
PASSWORD = "geheim/7@:"
"""With what an address has to escape."""
ESCAPED = "geheim%2F7%40%3A"


def programs() -> Path:
    """Where PostgreSQL's programs are; skips the test without, in the gate fails it."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    path = found[-1] if found else shutil.which("initdb")
    if path is None:
        not_installable("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    return Path(path).parent


@dataclass
class Postgres:
    """A server that can be stopped and started."""

    bin: Path
    folder: Path
    port: int
    user: str | None
    """Whom to be: PostgreSQL does not run as root."""

    def __post_init__(self) -> None:
        self._numbers = count(1)

    def run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self.bin / program), "-D", str(self.folder / "data"), *arguments],
            user=self.user,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd=self.folder,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self) -> None:
        options = (
            f"-p {self.port} -c listen_addresses=127.0.0.1 -c fsync=off "
            f"-c unix_socket_directories={self.folder}"
        )
        log = str(self.folder / "log")
        # With a log, so that the server does not keep our pipes open.
        self.run("pg_ctl", "-w", "-o", options, "-l", log, "start")

    def stop(self, mode: str = "fast") -> None:
        self.run("pg_ctl", "-w", "-m", mode, "stop")

    def address(self, database: str) -> str:
        return f"postgresql://{USER}:{ESCAPED}@127.0.0.1:{self.port}/{database}"

    def create(self) -> str:
        """The address of a new database."""
        name = f"studio_{next(self._numbers)}"
        self.execute("postgres", f"CREATE DATABASE {name}")
        return self.address(name)

    def execute(self, database: str, statement: str) -> list[Any]:
        import psycopg  # loaded by the tests that use it alone

        with psycopg.connect(self.address(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []


@contextmanager
def postgres_server() -> Generator[Postgres]:
    """A running server; its folder is gone afterwards."""
    user = None
    if os.geteuid() == 0:
        names = {entry.pw_name for entry in pwd.getpwall()}
        user = "postgres" if "postgres" in names else "nobody"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    # Not in pytest's own folder: nobody but its user may enter that.
    folder = Path(tempfile.mkdtemp(prefix="studio-pg-"))
    server = Postgres(programs(), folder, port, user)
    try:
        (folder / "password").write_text(PASSWORD)
        if user is not None:
            shutil.chown(folder, user)
            shutil.chown(folder / "password", user)
        server.run(
            "initdb", "-U", USER, "--pwfile", str(folder / "password"), "-A", "scram-sha-256",
            "-E", "UTF8", "--locale=C", "--no-sync",
        )  # fmt: skip
        server.start()
        try:
            yield server
        finally:
            server.stop("immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
