"""Time that passes only when somebody waits."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Patience:
    """A clock and the sleep that moves it."""

    now: float = 1_800_000_000.0
    slept: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
