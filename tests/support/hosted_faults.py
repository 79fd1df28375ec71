"""Faults that a server can be told to have, as a layer around any ASGI app."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import anyio
import anyio.to_thread

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


@dataclass
class Fault:
    """What goes wrong with the next `times` requests that match.

    | kind | the work is done | the client sees |
    | --- | --- | --- |
    | answer | no | `status` with `body` and `headers` |
    | broken | no | a connection that breaks |
    | lost | yes | a connection that breaks |
    | hang | yes | nothing, until it gives up |
    | drip | no | a byte now and then, until it gives up |
    | late | yes | `status` with `body`, as from a gateway that lost patience |
    | cut | yes | the first `keep` bytes of the answer, then a broken connection |
    | held | yes | the answer, once `until` is set |
    """

    kind: Literal["answer", "broken", "lost", "hang", "drip", "late", "cut", "held"]
    path: str = ""
    method: str | None = None
    times: int = 1
    status: int = 500
    body: Any = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    keep: int = 0
    until: threading.Event = field(default_factory=threading.Event)

    def matches(self, scope: Message) -> bool:
        method = self.method in (None, scope["method"])
        return self.times > 0 and method and bool(re.search(self.path, scope["path"]))


@dataclass(frozen=True)
class Seen:
    """A request as it arrived."""

    method: str
    path: str
    query: str
    headers: dict[str, str]


class Faulty:
    """An ASGI app with faults, which notes what arrived."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.faults: list[Fault] = []
        self.seen: list[Seen] = []

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        headers = {k.decode().lower(): v.decode() for k, v in scope["headers"]}
        query = scope["query_string"].decode()
        self.seen.append(Seen(scope["method"], scope["path"], query, headers))
        fault = next((f for f in self.faults if f.matches(scope)), None)
        if fault is None:
            await self.app(scope, receive, send)
            return
        fault.times -= 1
        if fault.kind == "held":
            await anyio.to_thread.run_sync(fault.until.wait)
            await self.app(scope, receive, send)
            return
        if fault.kind in ("lost", "hang", "late"):
            await self.app(scope, receive, _nowhere)
        if fault.kind == "hang":
            while (await receive())["type"] != "http.disconnect":
                pass
        elif fault.kind == "drip":
            await _drip(send)
        elif fault.kind == "cut":
            await self.app(scope, receive, _cutting(send, fault.keep))
        elif fault.kind in ("answer", "late"):
            await _answer(send, fault)
        else:
            await _break(send)


async def _nowhere(message: Message) -> None:
    pass


def _cutting(send: Send, keep: int) -> Send:
    async def cut(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": message["body"][:keep], "more_body": False}
        await send(message)

    return cut


async def _break(send: Send) -> None:
    """Promise a body and end without one: the server then closes the connection."""
    headers = [(b"content-length", b"100")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def _drip(send: Send) -> None:
    headers = [(b"content-length", b"1000")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for _ in range(1000):
        await send({"type": "http.response.body", "body": b" ", "more_body": True})
        await anyio.sleep(0.02)


async def _answer(send: Send, fault: Fault) -> None:
    body = fault.body if isinstance(fault.body, bytes) else json.dumps(fault.body).encode()
    headers = {"content-length": str(len(body)), "content-type": "application/json"}
    lines = [(k.encode(), v.encode()) for k, v in {**headers, **fault.headers}.items()]
    await send({"type": "http.response.start", "status": fault.status, "headers": lines})
    await send({"type": "http.response.body", "body": body})
