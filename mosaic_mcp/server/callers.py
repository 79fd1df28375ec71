"""Who calls over HTTP: an engine for each of them, so that nobody meets another's runs.

Tools ask the engine that they were built with; this one looks at the token of the request that is
being answered, at every call. Outside of a request it is nobody's and refuses.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from mcp.server.auth.middleware.auth_context import get_access_token

from mosaic_mcp.errors import EngineUnavailable, Unauthorized
from mosaic_mcp.server.engine import Engine
from mosaic_mcp.settings import Settings

if TYPE_CHECKING:
    from mosaic_mcp.client import Ledger, MosaicClient

IDLE_S = 4 * 3600.0
"""Seconds without a call after which somebody's connection is closed: longer than what a call
leaves behind goes on, at most the three hours of a transcript."""

logger = logging.getLogger(__name__)

Subject = Callable[[], str]
"""Whom the request that is being answered comes from."""


def authenticated() -> str:
    """The subject of the request's token; Unauthorized where there is no request."""
    token = get_access_token()
    if token is None or token.subject is None:
        raise Unauthorized("Nobody is known to make this call.", remedy="Send an access token.")
    return token.subject


class CallersEngine(Engine):
    """Looks like one engine, and is the engine of whoever makes the call."""

    def __init__(
        self,
        settings: Settings,
        settings_of: Callable[[str], Settings],
        subject: Subject = authenticated,
    ) -> None:
        super().__init__(settings)
        self._settings_of = settings_of
        self._subject = subject
        self._engines: dict[str, Engine] = {}
        self._used: dict[str, float] = {}

    @property
    def settings(self) -> Settings:
        """What holds for the caller: their name, their folder, their key."""
        return self._mine().settings

    async def client(self) -> MosaicClient:
        """A client that acts for the caller."""
        await self._let_go()
        try:
            return await self._mine().client()
        except EngineUnavailable as error:
            # It quotes the studio's log, and paths, for somebody who sits at this machine.
            logger.error("%s", error)
            raise EngineUnavailable(
                "The video engine of this server does not answer.",
                remedy="Make the same call again in a minute; if it stays so, tell whoever runs "
                "the server.",
                retry_after_s=60,
            ) from None

    def ledger(self) -> Ledger:
        """What is remembered of the caller's requests, labels and lineage."""
        return self._mine().ledger()

    async def close(self) -> None:
        """Close all connections; the engine and its runs go on."""
        engines = list(self._engines.values())
        self._engines.clear()
        self._used.clear()
        for engine in engines:
            await engine.close()

    def _mine(self) -> Engine:
        subject = self._subject()
        if subject not in self._engines:
            self._engines[subject] = Engine(self._settings_of(subject))
        self._used[subject] = time.monotonic()
        return self._engines[subject]

    async def _let_go(self) -> None:
        """Close what nobody used for long: an issuer may have very many subjects."""
        before = time.monotonic() - IDLE_S
        idle = [subject for subject, used in self._used.items() if used < before]
        # Taken out before anything is awaited: another call may be doing the same.
        engines = [self._engines.pop(subject) for subject in idle]
        for subject in idle:
            del self._used[subject]
        for engine in engines:
            await engine.close()
