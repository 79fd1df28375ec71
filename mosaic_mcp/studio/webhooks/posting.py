"""One attempt to post an event: to a checked address, in bounded time, answered or not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import anyio
import httpx

from mosaic_mcp import __version__
from mosaic_mcp.contract.input_rules import is_http
from mosaic_mcp.errors import Fault, MediaError
from mosaic_mcp.studio.webhooks.outbox import CLAIM_S, GONE, Outcome
from mosaic_mcp.web.addresses import (
    CheckedTransport,
    IPAddress,
    addresses_of,
    anywhere,
    public,
)

ATTEMPT_S = 20.0
"""Seconds for one attempt, from the name's look-up to the answer's headers; its body is not read.
"""
LOOK_UP_S = 2.0
"""A name that is not looked up by then is no reason to refuse a run."""
MAX_URL = 2048

assert ATTEMPT_S < CLAIM_S  # noqa: S101 - else two processes would send at once

Allowed = Callable[[IPAddress], bool]


def allowed_by(private_urls: bool) -> Allowed:
    """Where webhooks may go, by the setting MOSAIC_PRIVATE_URLS."""
    return anywhere if private_urls else public


async def callback_faults(url: str | None, allowed: Allowed) -> list[Fault]:
    """What is wrong with where a run's events are to go, beyond what the contract says of it.

    A host that nobody knows now is none: it may be known when there is something to tell.
    """
    if url is None or not is_http(url):
        return []
    if len(url) > MAX_URL:
        return [Fault("callback_url", f"is longer than {MAX_URL} characters.", "Shorten it.")]
    parts = _parsed(url)
    if parts is None:
        return [Fault("callback_url", "is no address that can be connected to.", "Check it.")]
    try:
        with anyio.move_on_after(LOOK_UP_S):
            if not all(map(allowed, await addresses_of(parts.host, _port(parts)))):
                return [
                    Fault(
                        "callback_url",
                        f"{parts.host!r} is inside a private network; webhooks go to public "
                        "addresses only.",
                        "Give a public address, or start the studio with MOSAIC_PRIVATE_URLS=1.",
                    )
                ]
    except (MediaError, httpx.ConnectError):
        return []
    return []


def _parsed(url: str) -> httpx.URL | None:
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL:
        return None
    return parts if 0 < _port(parts) < 65536 else None


def _port(url: httpx.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


def client(allowed: Allowed) -> httpx.AsyncClient:
    """Connects only to addresses that `allowed` has seen, follows no redirect, keeps nothing.

    A kept connection belongs to a number: another name at that number would get what was meant
    for the one whose certificate was checked.
    """
    return httpx.AsyncClient(
        transport=CheckedTransport(allowed),
        headers={"user-agent": f"mosaic-mcp/{__version__}", "connection": "close"},
        follow_redirects=False,
        trust_env=False,
        timeout=ATTEMPT_S,
    )


async def post(http: httpx.AsyncClient, url: str, body: str, headers: Mapping[str, str]) -> Outcome:
    """Post the event; never raises for what the other side does."""
    sent = {"content-type": "application/json", **headers}
    try:
        with anyio.fail_after(ATTEMPT_S):
            async with http.stream("POST", url, content=body.encode(), headers=sent) as answer:
                return _outcome(answer)
    except (TimeoutError, httpx.TimeoutException):
        return Outcome(error=f"There was no answer within {ATTEMPT_S:.0f} s.")
    except MediaError as error:  # the name leads to nowhere, or into a private network
        return Outcome(error=error.message)
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        return Outcome(error=f"It could not be reached ({type(error).__name__}).")


def _outcome(answer: httpx.Response) -> Outcome:
    status = answer.status_code
    if answer.is_success:
        return Outcome(status)
    said = f"It answered {status}"
    if answer.is_redirect:
        said += "; redirects are not followed"
    if status == GONE:
        said += ", so nothing more is sent for this run"
    return Outcome(status, f"{said}.", _retry_after_s(answer.headers))


def _retry_after_s(headers: httpx.Headers) -> float:
    """Retry-After in seconds, from either of its forms (RFC 9110 10.2.3); 0 without one."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdecimal():
        return float(value)
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return 0.0
    aware = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())
