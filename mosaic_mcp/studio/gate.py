"""What every request passes before its route: the Host, the size of its body, the idle clock."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Generator, Iterable, Set
from contextlib import contextmanager, nullcontext

import anyio
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mosaic_mcp.errors import Fault, Forbidden, InvalidRequest, MosaicError, TooLarge

MAX_BODY_BYTES = 16 * 1024**2
"""Largest JSON body; a transcript of 5 million characters fits. Uploads obey their policy."""
BODY_S = 60.0
"""Seconds for a JSON body to arrive."""
UPLOAD_S = 6 * 3600.0
UPLOAD_PATH = "/media/uploads"
HEALTH = "/health"
LIVE = "/health/live"
METRICS = "/metrics"
QUIET = frozenset({HEALTH, LIVE, METRICS})
"""Who only looks keeps nobody awake: these do not count as calls."""
LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost"})


class Activity:
    """How long nobody has called."""

    def __init__(self) -> None:
        self._open = 0
        self._last = time.monotonic()

    @contextmanager
    def request(self) -> Generator[None]:
        """A request is being answered."""
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1
            self._last = time.monotonic()

    def idle_s(self) -> float:
        """Seconds since the last request ended; 0 while one is open."""
        return 0.0 if self._open else time.monotonic() - self._last


class Gate:
    """ASGI middleware.

    A page in a browser can make its own name point to 127.0.0.1 (DNS rebinding) and so reach a
    server on loopback; its requests carry that name as Host, and are refused. So is what a page of
    another origin sends to us by our own name; only files by signed link may be shown anywhere.
    """

    def __init__(
        self,
        app: ASGIApp,
        activity: Activity,
        refuse: Callable[[MosaicError], Response],
        names: Iterable[str] | None = (),
    ) -> None:
        """`names` are further hosts by which callers may know this server; None: any."""
        self._app = app
        self._activity = activity
        self._refuse = refuse
        self._names = None if names is None else LOOPBACK_NAMES | {n.lower() for n in names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        quiet = scope["path"] in QUIET
        with nullcontext() if quiet else self._activity.request():
            if (refusal := _refusal(headers, scope, self._names)) is not None:
                await self._refuse(refusal)(scope, receive, send)
            elif scope["path"] == UPLOAD_PATH:
                await self._app(scope, _patient(receive, UPLOAD_S), send)
            else:
                await self._app(scope, _limited(_patient(receive, BODY_S)), send)


def _refusal(headers: Headers, scope: Scope, names: Set[str] | None) -> MosaicError | None:
    method, path = scope["method"], scope["path"]
    if b"%00" in scope.get("raw_path", b"") + scope.get("query_string", b""):
        return InvalidRequest([Fault("", "the address holds %00, which no name has.")])
    host = headers.get("host", "").rpartition("@")[2].lower()
    if names is not None and host.partition(":")[0] not in names:
        return Forbidden(
            f"This studio answers only to {' and '.join(sorted(names))}.",
            remedy="Use the address in studio.json, or set MOSAIC_STUDIO_PUBLIC_URL to yours.",
        )
    origin = headers.get("origin", "").lower()
    shown = method in ("GET", "HEAD") and path.startswith("/media/")
    if origin and origin not in (f"http://{host}", f"https://{host}") and not shown:
        return Forbidden(
            "This studio does not answer web pages of other origins.",
            remedy="Call it from a program, which sends no Origin.",
        )
    length = headers.get("content-length", "0")
    if path != UPLOAD_PATH and length.isdigit() and int(length) > MAX_BODY_BYTES:
        return _too_large()
    return None


def _patient(receive: Receive, seconds: float) -> Receive:
    """Wait for a body no longer than `seconds` from the first time that it is asked for."""
    until: float | None = None
    whole = False

    async def patient() -> Message:
        nonlocal until, whole
        if whole:  # what follows is the end of the connection
            return await receive()
        until = anyio.current_time() + seconds if until is None else until
        try:
            with anyio.fail_after(max(0.0, until - anyio.current_time())):
                message = await receive()
        except TimeoutError as error:
            raise InvalidRequest(
                [Fault("", f"the body did not arrive within {seconds:.0f} s.", "Send it faster.")]
            ) from error
        whole = message["type"] == "http.request" and not message.get("more_body", False)
        return message

    return patient


def _limited(receive: Receive) -> Callable[[], Awaitable[Message]]:
    taken = 0

    async def limited() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > MAX_BODY_BYTES:
            raise _too_large()
        return message

    return limited


def _too_large() -> TooLarge:
    return TooLarge(
        f"The body is larger than {MAX_BODY_BYTES:,} bytes.",
        remedy="Files go through /uploads, not into a JSON body.",
    )
