"""A provider's HTTP API: JSON both ways, waiting for work that takes a while, and its refusals as
sentences that name the key's variable and never the key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import anyio
import httpx

from mosaic_mcp import __version__
from mosaic_mcp.errors import (
    GenerationFailed,
    MediaError,
    MosaicError,
    RateLimited,
    SourceUnavailable,
    Unauthorized,
)
from mosaic_mcp.studio.providers.provider import Kind, Tell
from mosaic_mcp.web.addresses import IPAddress, ProxiedTransport, public
from mosaic_mcp.web.download import Limits, download

MOST_BYTES = 100 * 1024**2
"""Of an answer: a picture may come inside it, in base 64."""
FILES: dict[Kind, Limits] = {
    "image": Limits(size=50 * 1024**2, seconds=300),
    "video": Limits(size=2 * 1024**3, seconds=1800),
}
"""What a made file may take to download."""
CANCEL_S = 5.0
GATEWAYS = (502, 504, 524)
"""What is in front of a provider says that it did not answer, though it may be at work."""
GONE = (404, 410)
BAD_LOOKS = 5
"""Looks in a row that may fail before a paid job is left for a later attempt."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a job is looked after, and how long."""

    first_s: float = 1.0
    growth: float = 1.4
    most_s: float = 10.0
    limit_s: float = 1800.0


USUAL = Pace()


@dataclass(frozen=True, slots=True)
class Api:
    """The API at an address, asked with a key."""

    name: str
    variable: str
    base: str
    headers: Mapping[str, str]
    allowed: Callable[[IPAddress], bool] = public
    """Where made files may be fetched from."""
    pace: Pace = USUAL
    answer_s: float = 60.0
    """Seconds that an answer may take."""
    own: bool = False
    """True for an address of the operator's own choice, which may be of this machine."""

    async def ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """The answer to a request, at a path of the API; raises what `Provider.make` does."""
        try:
            status, said, waits = await self._answer(method, path, body)
        except httpx.TransportError as error:
            late = isinstance(error, httpx.TimeoutException)
            why = "no answer in time" if late else str(error) or type(error).__name__
            if method == "POST" and not isinstance(
                error, httpx.ConnectError | httpx.ConnectTimeout
            ):
                raise self._maybe_paid(f"did not answer: {why}") from error
            raise self._silent(why) from error
        except MediaError as error:  # there is no such host, or it is in a private network
            raise self._silent(error.message) from error
        if method == "POST" and status in GATEWAYS:
            raise self._maybe_paid(f"did not answer its own gateway (HTTP {status})")
        if method == "GET" and status in GONE:
            raise self._maybe_paid(f"no longer knows what it was asked for (HTTP {status})")
        if status >= 400:
            raise self._refusal(status, said, waits)
        if not isinstance(said, dict):
            raise GenerationFailed(
                f"{self.name} answered with something that is not its API's form.",
                remedy="Check that the address is that of the API, and the model's name.",
            )
        return cast("dict[str, Any]", said)

    async def _answer(self, method: str, path: str, body: Any) -> tuple[int, Any, float | None]:
        client = httpx.AsyncClient(
            transport=ProxiedTransport(self.allowed, trusted=self.base if self.own else None),
            headers={"User-Agent": f"mosaic-mcp/{__version__}", **self.headers},
            timeout=httpx.Timeout(30, read=self.answer_s),
            trust_env=False,
        )
        async with client, client.stream(method, f"{self.base}{path}", json=body) as response:
            content = bytearray()
            async for block in response.aiter_bytes():
                content += block
                if len(content) > MOST_BYTES:
                    raise GenerationFailed(f"{self.name} sent more than 100 MB.")
            try:
                said = httpx.Response(200, content=bytes(content)).json()
            except ValueError:
                said = None
            waits = response.headers.get("retry-after", "")
            return response.status_code, said, float(waits) if waits.isdecimal() else None

    def _maybe_paid(self, what: str) -> GenerationFailed:
        """For what may have been made and charged: asking again is for the user to decide."""
        return GenerationFailed(
            f"{self.name} {what}. It may have made and charged something all the same.",
            remedy="Resume the run to ask, and pay, once more.",
        )

    def _silent(self, why: str) -> SourceUnavailable:
        return SourceUnavailable(
            f"{self.name} cannot be reached: {why}.",
            remedy="Check the connection, then resume the run.",
        )

    def _refusal(self, status: int, said: Any, waits: float | None) -> MosaicError:
        why = reason(said)
        if status in (401, 403):
            return Unauthorized(
                f"{self.name} does not accept the key in {self.variable} (HTTP {status}).",
                remedy="Set a valid key in the studio's environment and restart it.",
            )
        if status == 402 or "insufficient_quota" in str(said):
            return GenerationFailed(
                f"{self.name} takes no more work for this key: {why or 'it has no credit left'}.",
                remedy="Add credit there, then resume the run.",
            )
        if status == 429:
            return RateLimited(
                f"{self.name} has too many requests of this key.",
                remedy="Resume the run in a moment.",
                retry_after_s=waits,
            )
        if status >= 500:
            return self._silent(f"it answers HTTP {status}")
        return GenerationFailed(
            f"{self.name} refused the request (HTTP {status}): {why or 'it does not say why'}.",
            remedy="Change what it names, or the model (MOSAIC_IMAGE_MODEL, MOSAIC_VIDEO_MODEL).",
        )

    async def finished(
        self,
        look: Callable[[], Awaitable[dict[str, Any] | None]],
        cancel: Callable[[], Awaitable[object]],
        tell: Tell,
    ) -> dict[str, Any]:
        """What `look` answers once it is not None; given up, the job is cancelled over there."""
        try:
            with anyio.fail_after(self.pace.limit_s):
                return await self._looked(look, tell)
        except MosaicError:  # it has ended over there, or nobody can tell
            raise
        except BaseException as end:  # too slow, cancelled, or no longer ours
            # Where that fails it ends by itself, and what was made is paid anyway.
            with anyio.move_on_after(CANCEL_S, shield=True), suppress(MosaicError):
                await cancel()
            if isinstance(end, TimeoutError):
                raise GenerationFailed(
                    f"{self.name} was not done within {self.pace.limit_s / 60:.0f} minutes and "
                    "was told to stop.",
                    remedy="Resume the run to ask once more, or use a faster model.",
                ) from end
            raise

    async def _looked(
        self, look: Callable[[], Awaitable[dict[str, Any] | None]], tell: Tell
    ) -> dict[str, Any]:
        pause, bad = self.pace.first_s, 0
        while True:
            await tell(f"waiting for {self.name}")
            await anyio.sleep(pause)
            pause = min(pause * self.pace.growth, self.pace.most_s)
            try:
                answer = await look()
            except (SourceUnavailable, RateLimited):
                bad += 1
                if bad >= BAD_LOOKS:
                    raise
                continue
            bad = 0
            if answer is not None:
                return answer

    async def fetch(self, url: object, kind: Kind, folder: Path, tell: Tell) -> Path:
        """The file at an address that the provider gave."""
        if not isinstance(url, str):
            raise GenerationFailed(
                f"{self.name} made nothing that could be fetched.",
                remedy=f"Use a model that makes one {kind}.",
            )
        await tell(f"fetching the {kind} from {self.name}")
        try:
            path, _ = await download(url, folder, limits=FILES[kind], allowed=self.allowed)
        except MediaError as error:  # gone, or nothing that could be fetched
            raise self._maybe_paid(f"does not hand out its work: {error.message}") from error
        return path


def reason(said: object) -> str:
    """Why a provider refuses, in its own words: the first sentence that one of the usual fields
    has, on one line."""
    if isinstance(said, str):
        return " ".join(said.split()).rstrip(".")[:300]
    parts: list[object] = []
    if isinstance(said, list):
        parts = cast("list[object]", said)
    elif isinstance(said, dict):
        fields = cast("dict[str, object]", said)
        parts = [fields.get(name) for name in ("error", "message", "detail", "msg", "title")]
    return next((why for part in parts if (why := reason(part))), "")
