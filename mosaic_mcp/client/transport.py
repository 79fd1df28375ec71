"""One HTTP request to an engine: authorised, repeated where that is safe, errors as exceptions.

A request that may be done twice (every GET, and POSTs that say so) is repeated after a broken
connection, 429 and 5xx, with growing pauses that honour Retry-After. Any other POST is sent once:
when its outcome is not known, OutcomeUnknown says so and the caller looks before sending again.
"""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, TypeVar, cast

import anyio
import httpx
from opentelemetry.trace import SpanKind
from pydantic import BaseModel, ValidationError

from mosaic_mcp import __version__, logs, traces
from mosaic_mcp.contract.errors import error_from
from mosaic_mcp.contract.extensions import REQUEST_HEADER
from mosaic_mcp.errors import (
    EngineUnavailable,
    MosaicError,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Unauthorized,
    Unsupported,
)

PAUSES_S = (0.5, 1.0, 2.0)
"""Seconds before the second, third and fourth try, each changed by up to 30 %."""
BUDGET_S = 25.0
"""Seconds after which no other try begins: no tool call may block for longer than 50."""
CONNECT_S = 10.0
ANSWER_S = 20.0
"""Seconds for one answer, from the first byte sent to the last one read."""
ACT_S = 30.0
"""The same for requests that are not idempotent: the engine may have more to do."""
MAX_BODY = 32 * 1024 * 1024
"""Bytes of an answer that we read: JSON and pictures are far smaller."""

MOST_QUOTED = 300
"""Characters of a line of an API's own words that are told."""
MOST_LINES = 20
ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)

Sleep = Callable[[float], Awaitable[None]]
Clock = Callable[[], float]
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the engine said to a request that it accepted."""

    content: bytes
    headers: httpx.Headers
    idempotent: bool
    """True when the request may be sent again without harm."""

    def read(self, model: type[Model]) -> Model:
        """The body as a model of the contract."""
        try:
            return model.model_validate_json(self.content)
        except ValidationError as error:
            # Not chained: pydantic's text would carry parts of the answer, such as signed links.
            fault = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in fault["loc"])
            message = f"The engine's answer is no {model.__name__}: {where} {fault['msg']}".strip()
        if self.idempotent:
            raise Unsupported(
                message, remedy="Check MOSAIC_API_URL; a newer mosaic-mcp may know this API."
            )
        raise OutcomeUnknown(
            message, remedy="The request may have been done: look before sending it again."
        )

    @property
    def media_type(self) -> str:
        """The type of the body without its parameters."""
        return self.headers.get("content-type", "application/octet-stream").split(";")[0]


class Transport:
    """Sends requests to one engine with one key; `sleep` and `clock` are replaced in tests."""

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        local: bool = False,
        headers: Mapping[str, str] | None = None,
        sleep: Sleep = anyio.sleep,
        clock: Clock = time.monotonic,
    ) -> None:
        self.base_url = _checked_url(base_url)
        self._token = _checked_token(token)
        self._local = local
        self._sleep = sleep
        self._clock = clock
        self._ahead_s = 0.0
        self._http = httpx.AsyncClient(
            base_url=self.base_url,
            headers={
                **(headers or {}),
                "authorization": f"Bearer {token}",
                "user-agent": f"mosaic-mcp/{__version__}",
            },
            follow_redirects=False,
            trust_env=not on_this_machine(self.base_url),
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    def engine_time(self) -> float:
        """Seconds since 1970 by the engine's clock, as its last answer showed it."""
        return time.time() + self._ahead_s

    async def get(
        self, path: str, *, query: Mapping[str, Any] | None = None, timeout_s: float | None = None
    ) -> Answer:
        """GET, repeated while that may help."""
        return await self._repeated("GET", path, query=query, timeout_s=timeout_s)

    async def post(
        self,
        path: str,
        body: Any = None,
        *,
        method: str = "POST",
        idempotent: bool = False,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
    ) -> Answer:
        """POST or PUT; sent once unless it is `idempotent`: twice the same as once.

        Raises OutcomeUnknown when it was sent and nobody can say whether it was done.
        """
        send = self._repeated if idempotent else self._once
        return await send(
            method, path, query=query, body=body, headers=headers, timeout_s=timeout_s
        )

    async def _repeated(self, method: str, path: str, **request: Any) -> Answer:
        give_up = self._clock() + BUDGET_S
        tries = 0
        while True:
            try:
                return await self._once(method, path, idempotent=True, **request)
            except (EngineUnavailable, RateLimited) as error:
                pause = _pause(error, tries)
                if pause is None or self._clock() + pause > give_up:
                    raise
            await self._sleep(pause)
            tries += 1

    async def _once(
        self,
        method: str,
        path: str,
        *,
        idempotent: bool = False,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
    ) -> Answer:
        timeout_s = timeout_s or (ANSWER_S if idempotent else ACT_S)
        params = {k: v for k, v in (query or {}).items() if v is not None}
        timeout = httpx.Timeout(timeout_s, connect=CONNECT_S)
        request = self._http.build_request(
            method, path, params=params, json=body, headers=headers, timeout=timeout
        )
        try:
            with traces.span(method, kind=SpanKind.CLIENT) as span:
                observable(request)
                # httpx counts from byte to byte; an answer that trickles must end too.
                with anyio.fail_after(timeout_s):
                    response = await self._http.send(request, stream=True)
                    content = await read_body(response)
                span.set_attribute("http.response.status_code", response.status_code)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            raise self._unreachable() from error
        except (httpx.RequestError, TimeoutError) as error:
            raise self._lost(idempotent) from error
        self._ahead_s = _ahead_s(response.headers, time.time()) or self._ahead_s
        if response.is_success:
            return Answer(content, response.headers, idempotent)
        raise self._failure(response, content, idempotent)

    def _unreachable(self) -> MosaicError:
        if self._local:
            return EngineUnavailable(
                "The local studio has ended.", remedy="Call again: the next call starts it."
            )
        return EngineUnavailable(
            f"Nothing answers at {self.base_url}.",
            remedy="Check MOSAIC_API_URL and the network; `mosaic-mcp doctor` looks at both.",
        )

    def _lost(self, idempotent: bool) -> MosaicError:
        """What a connection that broke after sending means."""
        if idempotent:
            return EngineUnavailable(
                f"{self.base_url} does not answer.", remedy="Try again in a moment."
            )
        return OutcomeUnknown(
            f"{self.base_url} took the request and did not answer.",
            remedy="It may have been done: look before sending it again.",
        )

    def _failure(self, response: httpx.Response, content: bytes, idempotent: bool) -> MosaicError:
        if response.is_redirect:
            return Unsupported(
                f"{self.base_url} sends us on to {response.headers['location']!r:.200}; "
                "the key stays here.",
                remedy="Set MOSAIC_API_URL to the final address.",
            )
        if self._local and response.status_code == 401:
            return self._unreachable()  # another studio took its place, with a token of its own
        after_s = _retry_after_s(response.headers)
        facts = self._facts(content)
        error = error_from(response.status_code, facts if self._local else quoted(facts), after_s)
        if response.status_code < 500 or response.status_code == HTTPStatus.INSUFFICIENT_STORAGE:
            return error
        if idempotent:
            return EngineUnavailable(error.message, remedy=error.remedy, retry_after_s=after_s)
        # A gateway says 502 or 504 while the engine behind it goes on with the request.
        return OutcomeUnknown(
            f"{error.message} (status {response.status_code})",
            remedy="It may have been done: look before sending it again.",
        )

    def _facts(self, content: bytes) -> dict[str, Any] | None:
        """The body of an error; an engine that repeats our key does not get it into our logs."""
        text = content.decode("utf-8", "replace").replace(self._token, "[key]")
        try:
            body = json.loads(text)
        except ValueError:
            return None
        return cast(dict[str, Any], body) if isinstance(body, dict) else None


def quoted(facts: dict[str, Any] | None) -> dict[str, Any] | None:
    """An API's error with its words marked as its own.

    They reach a language model in the end: short lines without anything that could be taken for
    markup or an address, and never as if we said them.
    """
    if not facts or not facts.get("detail"):
        return {"error": facts.get("error")} if facts else None
    detail = facts["detail"]
    text = detail if isinstance(detail, str) else json.dumps(detail, ensure_ascii=False)
    lines = [" ".join(line.split()) for line in ADDRESS.sub("[address]", text).splitlines()]
    plain = ["".join(c for c in line if c.isprintable() and c not in '<>`"') for line in lines]
    said = [f'The API says: "{line[:MOST_QUOTED]}"' for line in plain if line]
    return {"error": facts.get("error"), "detail": "\n".join(said[:MOST_LINES])}


def observable(request: httpx.Request) -> None:
    """Join what the engine logs and traces about a request to what we do."""
    traces.inject(request.headers)
    if (known := logs.known_fact("request")) is not None:
        request.headers[REQUEST_HEADER] = known


def part(value: str) -> str:
    """An id as a part of a path: hostile until checked, so nothing but id characters passes."""
    if not value.isascii() or not value.replace("-", "").replace("_", "").isalnum():
        raise NotFound(f"{value[:80]!r} is not an id.", remedy="Ids are like 7f8d9c2b-4a6e-….")
    return value


def on_this_machine(url: str) -> bool:
    """True for a loopback address: a proxy of the environment must not see those requests."""
    return httpx.URL(url).host in ("127.0.0.1", "localhost", "::1")


async def read_body(response: httpx.Response) -> bytes:
    """The body of a streamed response up to the cap; the connection is given back in any case."""
    content = bytearray()
    try:
        async for chunk in response.aiter_bytes():
            content += chunk
            if len(content) > MAX_BODY:
                raise Unsupported(
                    f"The engine's answer is larger than {MAX_BODY // 2**20} MB.",
                    remedy="This is not a Mosaic API; check MOSAIC_API_URL.",
                )
    finally:
        await response.aclose()
    return bytes(content)


def _checked_url(text: str) -> str:
    try:
        url = httpx.URL(text.rstrip("/"))
        usable = url.scheme in ("http", "https") and bool(url.host) and not url.userinfo
    except httpx.InvalidURL:
        usable = False
    if not usable:
        raise EngineUnavailable(
            "The address of the Mosaic API is not one.",
            remedy="MOSAIC_API_URL is like https://api.mosaic.so, without a user name.",
        )
    return text.rstrip("/")


def _checked_token(token: str) -> str:
    """The key, when it can stand in a header: httpx would quote a wrong one in its error."""
    if not token.isascii() or not token.isprintable() or not token or " " in token:
        raise Unauthorized(
            "The API key holds characters that no key has.",
            remedy="Copy MOSAIC_API_KEY again: keys start with mk_ and are made in the dashboard.",
        )
    return token


def _pause(error: EngineUnavailable | RateLimited, tries: int) -> float | None:
    """Seconds to wait before another try, None when there were enough."""
    if tries == len(PAUSES_S):
        return None
    if error.retry_after_s is not None:
        return error.retry_after_s
    # Jitter, so that many waiting clients do not come back at once.
    return PAUSES_S[tries] * random.uniform(0.7, 1.3)


def _retry_after_s(headers: httpx.Headers) -> float | None:
    """Retry-After in seconds, from either of its forms (RFC 9110 10.2.3)."""
    value = headers.get("retry-after", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        until, now = parsedate_to_datetime(value), parsedate_to_datetime(headers.get("date", ""))
        return max(0.0, (until - now).total_seconds())
    except (TypeError, ValueError):
        return None


def _ahead_s(headers: httpx.Headers, now: float) -> float | None:
    """How far the engine's clock is ahead of ours, to the second; None when it does not say."""
    try:
        return parsedate_to_datetime(headers.get("date", "")).timestamp() - now
    except ValueError:
        return None
