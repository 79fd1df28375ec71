"""What is remembered of work that a provider was asked for, until it is made: a studio that died
meanwhile goes on with it, and pays nothing twice.

| kept in the storage | from when | what the next attempt does |
| --- | --- | --- |
| made/<hash>.asked | before it is asked | says that it may be paid; the attempt after that asks |
| made/<hash>.work | its answer | looks after that work |

None of the providers documents an idempotency key, so there is no other way to ask only once.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import uuid4

from mosaic_mcp.errors import MosaicError, OutcomeUnknown
from mosaic_mcp.studio.library import Library

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Order:
    """One wish at one provider."""

    library: Library
    wish: str
    """Its hash."""
    provider: str
    attempt: str = field(default_factory=lambda: uuid4().hex)
    """Whose the work is: the attempt that began it, or took it over."""

    async def work(self) -> dict[str, str] | None:
        """Where the work is that was begun before, now this attempt's; None when nothing was.

        Raises OutcomeUnknown, once, when it was asked for and nobody knows what became of that.
        """
        kept = await self.library.ordered(self.wish, "work")
        if kept is not None:
            work = json.loads(kept)["work"]
            await self.begun(work)
            return work
        if await self.library.ordered(self.wish, "asked") is None:
            return None
        await self.forget()
        raise OutcomeUnknown(
            f"An earlier attempt ended while it asked {self.provider} for this, which may be made "
            "and paid, and cannot be found any more.",
            remedy="Resume the run to ask, and pay, once more.",
        )

    async def place(self, ask: Callable[[], Awaitable[T]]) -> T:
        """The answer of `ask`; that it was asked is kept until that is over."""
        await self.library.keep_ordered(self.wish, "asked", self.provider)
        try:
            return await ask()
        except MosaicError:  # it is known to have come to nothing, or the user is told
            await self.forget()
            raise

    async def begun(self, work: Mapping[str, str]) -> None:
        """Keep where the work is."""
        kept = {"attempt": self.attempt, "work": dict(work)}
        await self.library.keep_ordered(self.wish, "work", json.dumps(kept))

    async def stop(self, cancel: Callable[[], Awaitable[object]]) -> None:
        """Have the work cancelled over there, unless a later attempt took it over."""
        kept = await self.library.ordered(self.wish, "work")
        if kept is not None and json.loads(kept)["attempt"] == self.attempt:
            await cancel()
            await self.forget()

    async def forget(self) -> None:
        """It is made, or came to nothing: the next attempt asks anew."""
        await self.library.forget_ordered(self.wish)
