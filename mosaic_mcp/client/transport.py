"""One HTTP request to an engine: authorised, retried where that is safe, errors as exceptions.

GETs are repeated after a broken connection, 429 and 5xx, with growing pauses that honour
Retry-After. A POST is never repeated here: the engine may have acted on it already.
"""

from __future__ import annotations

import json
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

import anyio
import httpx

from mosaic_mcp import __version__
from mosaic_mcp.contract.errors import error_from
from mosaic_mcp.errors import EngineUnavailable, MosaicError, OutcomeUnknown, RateLimited

TRIES = 4
MAX_PAUSE_S = 20.0
MAX_BODY = 32 * 1024 * 1024
"""Bytes of an answer that we read: JSON and pictures are far smaller."""

Sleep = Callable[[float], Awaitable[None]]


class Transport:
    """Sends requests to one engine with one key; `sleep` is replaced in tests."""

    def __init__(self, base_url: str, token: str, *, sleep: Sleep = anyio.sleep) -> None:
        self.base_url = base_url.rstrip("/")
        self._sleep = sleep
        self._http = httpx.AsyncClient(
            base_url=self.base_url,
            headers={
                "authorization": f"Bearer {token}",
                "user-agent": f"mosaic-mcp/{__version__}",
            },
            timeout=httpx.Timeout(30.0, connect=10.0),
            follow_redirects=False,
            trust_env=not _loopback(self.base_url),
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def get(
        self,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        timeout_s: float = 30.0,
    ) -> httpx.Response:
        """GET with retries."""
        pause = 0.5
        for attempt in range(1, TRIES + 1):
            try:
                return await self._send("GET", path, query=query, timeout_s=timeout_s)
            except (EngineUnavailable, RateLimited) as error:
                if attempt == TRIES:
                    raise
                asked = error.retry_after_s if isinstance(error, RateLimited) else None
                # Jitter, so that many waiting clients do not come back at once.
                wait = asked if asked is not None else pause * random.uniform(0.7, 1.3)
                await self._sleep(min(wait, MAX_PAUSE_S))
                pause *= 2
        raise AssertionError("unreachable")

    async def post(
        self,
        path: str,
        body: Any = None,
        *,
        method: str = "POST",
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 60.0,
    ) -> httpx.Response:
        """POST, PUT, PATCH or DELETE, sent once.

        Raises OutcomeUnknown when it was sent and no answer came back.
        """
        return await self._send(
            method, path, query=query, body=body, headers=headers, timeout_s=timeout_s
        )

    async def _send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float,
    ) -> httpx.Response:
        params = {k: v for k, v in (query or {}).items() if v is not None}
        request = self._http.build_request(
            method, path, params=params, json=body, headers=headers, timeout=timeout_s
        )
        try:
            response = await self._http.send(request, stream=True)
            await _read(response)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise EngineUnavailable(
                f"Nothing answers at {self.base_url}.",
                remedy="Check the address (MOSAIC_API_URL) and the network; "
                "`mosaic-mcp doctor` looks at both.",
            ) from error
        except httpx.TransportError as error:
            raise self._lost(method) from error
        if response.is_success:
            return response
        raise _failure(response)

    def _lost(self, method: str) -> MosaicError:
        """What a broken connection after sending means."""
        if method == "GET":
            return EngineUnavailable(
                f"{self.base_url} stopped answering.", remedy="Try again in a moment."
            )
        return OutcomeUnknown(
            f"{self.base_url} took the request and did not answer.",
            remedy="It may have been done: look for it before sending it again.",
        )


async def _read(response: httpx.Response) -> None:
    """Read the body up to the cap, then let the connection go."""
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in response.aiter_bytes():
            size += len(chunk)
            if size > MAX_BODY:
                raise EngineUnavailable(
                    f"The engine's answer is larger than {MAX_BODY // 2**20} MB.",
                    remedy="This is not a Mosaic API; check MOSAIC_API_URL.",
                )
            chunks.append(chunk)
    finally:
        await response.aclose()
    response._content = b"".join(chunks)  # pyright: ignore[reportPrivateUsage]


def _failure(response: httpx.Response) -> MosaicError:
    if response.is_redirect:
        return EngineUnavailable(
            f"{response.request.url.host} sends us elsewhere; the key stays here.",
            remedy="Set MOSAIC_API_URL to the final address.",
        )
    try:
        body = response.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        body = None
    facts = cast(dict[str, Any], body) if isinstance(body, dict) else None
    return error_from(response.status_code, facts, _seconds(response.headers.get("retry-after")))


def _seconds(value: str | None) -> float | None:
    """Retry-After in seconds; its date form is not used by any engine of ours."""
    try:
        return max(0.0, float(value)) if value else None
    except ValueError:
        return None


def _loopback(url: str) -> bool:
    """True for this machine: a proxy of the environment must not see those requests."""
    return httpx.URL(url).host in ("127.0.0.1", "localhost", "::1")
