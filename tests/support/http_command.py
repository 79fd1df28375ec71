"""`mosaic-mcp serve --http` as a process of its own, and the SDK's client of it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from mosaic_mcp.contract.extensions import Discovery
from tests.support.waiting import WAIT_S

ANNA = "anna-token-0123456789abcdef0123456789"
BEN = "ben-token-0123456789abcdef0123456789=="
TOKENS = f"{ANNA}=anna,{BEN}=ben"


@dataclass
class HttpServer:
    """A started server; `url` is where it listens, MCP is at /mcp below it."""

    home: Path
    process: subprocess.Popen[str]
    url: str

    @asynccontextmanager
    async def client(self, token: str | None = None, mode: str = "auto") -> AsyncGenerator[Client]:
        """The SDK's client over real HTTP."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        timeout = httpx2.Timeout(30, read=90)
        async with (
            httpx2.AsyncClient(headers=headers, timeout=timeout, trust_env=False) as http,
            Client(streamable_http_client(f"{self.url}/mcp", http_client=http), mode=mode) as made,
        ):
            yield made

    def http(self, token: str | None = None, **headers: str) -> httpx.Client:
        """A plain client of its paths."""
        if token:
            headers["authorization"] = f"Bearer {token}"
        return httpx.Client(base_url=self.url, headers=headers, timeout=WAIT_S, trust_env=False)

    def upload(self, token: str, kind: str, path: Path) -> str:
        """The id of a file that somebody elsewhere sends in the contract's three steps."""
        with self.http(token) as http:
            ticket = http.post(f"/uploads/{kind}/get_upload_url").raise_for_status().json()
            with path.open("rb") as file, self.http() as store:
                sent = store.post(
                    ticket["upload_url"],
                    data=ticket["upload_fields"],
                    files={"file": (path.name, file)},
                )
                sent.raise_for_status()
            named = {f"{kind}_id": ticket[f"{kind}_id"]}
            http.post(f"/uploads/{kind}/finalize_upload", json=named).raise_for_status()
        return ticket[f"{kind}_id"]

    def end(self) -> int:
        """Tell it to end as a supervisor does; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=WAIT_S)


def start(home: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Start the command with nothing of ours in its environment but `environment`."""
    return subprocess.Popen(
        [sys.executable, "-m", "mosaic_mcp", "serve", "--http", *arguments],
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith("MOSAIC_")},
            "MOSAIC_HOME": str(home),
            **environment,
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def http_server(home: Path, *arguments: str, **environment: str) -> Generator[HttpServer]:
    """A serving server on a free port; it and its studio are ended on leaving."""
    process = start(home, "--port", "0", *arguments, **environment)
    try:
        assert process.stderr is not None
        said = process.stderr.readline()
        listens = re.search(r"listens on (\S+)", said)
        assert listens, said + process.stderr.read()
        yield HttpServer(home, process, listens[1].rstrip("."))
    finally:
        process.terminate()
        process.communicate(timeout=WAIT_S)
        with suppress(OSError):
            found = Discovery.model_validate_json((home / "studio/studio.json").read_bytes())
            os.kill(found.pid, signal.SIGTERM)


def refused(home: Path, *arguments: str, **environment: str) -> str:
    """What a start that must be refused says."""
    process = start(home, *arguments, **environment)
    _, said = process.communicate(timeout=WAIT_S)
    assert process.returncode == 1, said
    assert "Traceback" not in said
    return said
