"""A web server that serves files, well or badly, and keeps what it was asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from tests.support.serving import served


@dataclass
class Page:
    """What stands at a path. The defaults are a good server's."""

    content: bytes = b""
    kind: str = "video/mp4"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    etag: str = '"v1"'
    tells_length: bool = True
    ranges: bool = True
    breaks: list[int] = field(default_factory=list)
    """Bytes after which the first, second … connection breaks."""
    then: Callable[[Page], None] | None = None
    """Called after a connection broke: the page may have changed meanwhile."""
    hold_after: int | None = None
    """Bytes after which it says nothing more until the server ends."""
    pace_s: float = 0.0
    """Seconds that the content takes, in ten parts: a slow line."""


@dataclass(frozen=True)
class Asked:
    """A request as it arrived."""

    path: str
    headers: dict[str, str]


class FileServer:
    """Pages by path."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.pages: dict[str, Page] = {}
        self.asked: list[Asked] = []
        self.ending = threading.Event()

    def put(self, path: str, content: bytes = b"", **more: object) -> str:
        """Serve a page; its address."""
        self.pages[path] = Page(content, **more)  # type: ignore[arg-type]
        return self.url(path)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"


@contextmanager
def file_server() -> Generator[FileServer]:
    """A serving server on loopback, all of it, so that 127.0.0.2 leads to it as well."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            serving.asked.append(Asked(self.path, {k.lower(): v for k, v in self.headers.items()}))
            page = serving.pages.get(self.path.partition("?")[0], Page(status=404))
            content, start = page.content, 0
            wanted = self.headers.get("range")
            fits = self.headers.get("if-range", page.etag) == page.etag
            if wanted and page.ranges and fits and page.status == 200:
                start = int(wanted.removeprefix("bytes=").partition("-")[0])
            self.send_response(206 if start else page.status)
            if start:
                span = f"bytes {start}-{len(content) - 1}/{len(content)}"
                self.send_header("content-range", span)
            self.send_header("content-type", page.kind)
            self.send_header("etag", page.etag)
            if page.tells_length:
                self.send_header("content-length", str(len(content) - start))
            self.send_header("connection", "close")
            for name, value in page.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.close_connection = True
            stop = page.breaks.pop(0) if page.breaks else None
            try:
                sent = content[start : page.hold_after if stop is None else start + stop]
                size = -(-len(sent) // 10) if page.pace_s and sent else max(len(sent), 1)
                for place in range(0, len(sent), size):
                    self.wfile.write(sent[place : place + size])
                    self.wfile.flush()
                    serving.ending.wait(page.pace_s / 10)
            except OSError:  # the client had enough
                return
            if stop is not None and page.then:
                page.then(page)
            if page.hold_after is not None:
                serving.ending.wait()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with served(Handler, "") as port:
        serving = FileServer(port)
        try:
            yield serving
        finally:
            serving.ending.set()
