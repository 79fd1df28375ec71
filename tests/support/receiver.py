"""An endpoint that receives webhooks: keeps what came, and answers as it is told."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.support.serving import served
from tests.support.waiting import WAIT_S


@dataclass(frozen=True)
class Received:
    """A request as it arrived."""

    path: str
    headers: dict[str, str]
    body: str

    @property
    def event(self) -> dict[str, Any]:
        return json.loads(self.body)

    @property
    def flag(self) -> str:
        return self.event["flag"]


@dataclass
class Receiver:
    """What came, in order; `next` waits for it."""

    port: int
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    """Status and headers of the next answers; then 204 always."""
    hold: threading.Event | None = None
    """While it is not set, answers wait for it."""
    came: queue.Queue[Received] = field(default_factory=queue.Queue)

    def url(self, path: str = "/hook", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def next(self) -> Received:
        return self.came.get(timeout=WAIT_S)

    def until(self, flag: str) -> list[Received]:
        """All that comes up to this event."""
        got = [self.next()]
        while got[-1].flag != flag:
            got.append(self.next())
        return got


@contextmanager
def receiver() -> Generator[Receiver]:
    """A receiver on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("content-length", 0))
            body = self.rfile.read(length).decode()
            headers = {k.lower(): v for k, v in self.headers.items()}
            status, more = serving.answers.pop(0) if serving.answers else (204, {})
            serving.came.put(Received(self.path, headers, body))
            if serving.hold is not None:
                serving.hold.wait(WAIT_S)
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            self.send_header("content-length", "0")
            self.end_headers()

        do_GET = do_POST  # whoever follows a redirect would come so  # noqa: N815

        def log_message(self, *args: object) -> None:
            pass

    with served(Handler) as port:
        serving = Receiver(port)
        try:
            yield serving
        finally:
            if serving.hold is not None:
                serving.hold.set()
