"""S3 stand-ins on loopback, and a go-between that breaks what passes through it."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socket import create_server

import httpx

from tests.support.node import node, npm_program
from tests.support.pypi import pypi_program
from tests.support.serving import served
from tests.support.waiting import WAIT_S

MOTO = "moto[server]==5.2.5"
S3RVER = ("s3rver", "3.7.1")
BUCKET = "studio"


@dataclass(frozen=True)
class ObjectStore:
    """A serving store with an empty bucket."""

    endpoint: str
    bucket: str = BUCKET

    def environment(self, endpoint: str | None = None) -> dict[str, str]:
        """What a studio is started with."""
        return {
            "MOSAIC_STUDIO_STORAGE": f"s3://{self.bucket}/a/prefix",
            "AWS_ENDPOINT_URL": endpoint or self.endpoint,
            "AWS_ACCESS_KEY_ID": "S3RVER",
            "AWS_SECRET_ACCESS_KEY": "S3RVER-secret",
            "AWS_REGION": "us-east-1",
            "NO_PROXY": "127.0.0.1",
        }


@contextmanager
def moto(**environment: str) -> Generator[ObjectStore]:
    """Semantics as S3's: conditional puts, parts, listings. It checks no signature."""
    command = pypi_program(MOTO, "moto_server")
    with _serving(lambda port: [*command, "-H", "127.0.0.1", "-p", str(port)], environment) as at:
        yield ObjectStore(at)


@contextmanager
def s3rver(folder: Path) -> Generator[ObjectStore]:
    """Looks at signatures, and refuses links that have ended."""
    script = npm_program(*S3RVER)
    command = [str(node()), str(script), "-d", str(folder), "-a", "127.0.0.1"]
    with _serving(lambda port: [*command, "-p", str(port)]) as at:
        yield ObjectStore(at)


@contextmanager
def _serving(
    command: Callable[[int], Sequence[str]], environment: dict[str, str] | None = None
) -> Generator[str]:
    with create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    process = subprocess.Popen(
        command(port),
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    endpoint = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + WAIT_S
        while not _answers(endpoint):
            assert process.poll() is None, "the object store ended"
            assert time.monotonic() < deadline, "the object store does not answer"
            time.sleep(0.05)
        yield endpoint
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _answers(endpoint: str) -> bool:
    """True once the bucket could be made."""
    try:
        httpx.put(f"{endpoint}/{BUCKET}", trust_env=False, timeout=WAIT_S)
    except httpx.TransportError:
        return False
    return True


@dataclass
class GoBetween:
    """Passes requests on, but holds or refuses those that a test names."""

    endpoint: str
    hold_before: tuple[str, str] | None = None
    """(method, end of the path): not passed on, never answered."""
    hold_after: tuple[str, str] | None = None
    """Passed on, and its answer kept back."""
    refusals: list[tuple[int, bytes]] = field(default_factory=list[tuple[int, bytes]])
    """Answers to give to the next requests instead of passing them on."""
    asked: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    held: threading.Event = field(default_factory=threading.Event)
    """Set when a request is held."""
    ending: threading.Event = field(default_factory=threading.Event)


@contextmanager
def go_between(store: ObjectStore) -> Generator[GoBetween]:
    """A go-between in front of a store."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            path = self.path.partition("?")[0]
            between.asked.append((self.command, path))
            body = self.rfile.read(int(self.headers.get("content-length", 0)))

            def named(which: tuple[str, str] | None) -> bool:
                return which is not None and self.command == which[0] and path.endswith(which[1])

            if named(between.hold_before):
                return self.hold()
            if between.refusals:
                status, said = between.refusals.pop(0)
                return self.answer(status, {}, said)
            headers = {k: v for k, v in self.headers.items() if k.lower() != "connection"}
            url = store.endpoint + self.path
            got = http.request(self.command, url, headers=headers, content=body)
            if named(between.hold_after):
                return self.hold()
            return self.answer(got.status_code, got.headers, got.content)

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = pass_on  # noqa: N815

        def hold(self) -> None:
            between.held.set()
            between.ending.wait()
            self.close_connection = True

        def answer(self, status: int, headers: object, content: bytes) -> None:
            self.send_response(status)
            length = str(len(content))
            for name, value in dict(headers).items():
                if name == "content-length" and self.command == "HEAD":
                    length = value
                if name not in ("content-length", "connection", "server", "date"):
                    self.send_header(name, value)
            self.send_header("content-length", length)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with served(Handler) as port, httpx.Client(trust_env=False) as http:
        between = GoBetween(f"http://127.0.0.1:{port}")
        try:
            yield between
        finally:
            between.ending.set()
