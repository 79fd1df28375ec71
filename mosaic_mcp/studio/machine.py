"""What this machine has for jobs: cores, memory and disk space, within a container's limits."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import AsyncGenerator, Generator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

import anyio
import psutil

from mosaic_mcp.errors import NoSpace

GROUPS = Path("/sys/fs/cgroup")
MEMORY_SHARE = 0.8
"""Part of the available memory that renders may plan with; the rest is for everything else."""
RESERVE_SHARE, RESERVE_MOST = 0.02, 1_000_000_000
"""Disk space that jobs leave free: 2 % of the disk, at most 1 GB. The databases live from it."""
CORES_OF_A_RENDER = 2
"""A render uses more than one core by itself."""
UNLIMITED = 1 << 60
"""A cgroup's number from which on it means "no limit"."""


def cores() -> int:
    """Cores that this process may use: by its affinity, and by its cgroup's share of time."""
    affinity = getattr(os, "sched_getaffinity", None)
    mine = len(affinity(0)) if affinity else os.cpu_count() or 1
    quota, _, period = _read("cpu.max").partition(" ")
    if not quota:  # the first version of cgroups
        quota, period = _read("cpu/cpu.cfs_quota_us"), _read("cpu/cpu.cfs_period_us")
    if quota.isdecimal() and period.strip().isdecimal():
        mine = min(mine, max(1, math.ceil(int(quota) / int(period))))
    return mine


def render_slots() -> int:
    """How many renders may be at work at once, as far as cores decide."""
    return max(1, cores() // CORES_OF_A_RENDER)


def available_memory() -> int:
    """Bytes that could be used now without swapping."""
    known: list[int | None] = [psutil.virtual_memory().available]
    known.append(_left("memory.max", "memory.current"))
    known.append(_left("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"))
    return min(size for size in known if size is not None)


def _left(limit: str, used: str) -> int | None:
    """What a cgroup may still use; page cache counts as used there, so this is on the safe side."""
    most, now = _read(limit), _read(used)
    if not (most.isdecimal() and now.isdecimal()) or int(most) >= UNLIMITED:
        return None
    return max(0, int(most) - int(now))


def _read(name: str) -> str:
    """A file of this process' cgroup as containers see it: at the root of their own mount."""
    with suppress(OSError):
        return (GROUPS / name).read_text("ascii").strip()
    return ""


class Machine:
    """Shares memory and disk space among the jobs of this process.

    Memory is waited for, in the order of asking; one job may always run, however much it needs.
    Disk space is promised at a job's beginning until its end, so that two jobs do not count on the
    same bytes.
    """

    def __init__(self, home: Path, memory: int | None = None) -> None:
        """`home` is on the disk that jobs fill; `memory` in bytes replaces what is measured."""
        self._home = home
        self._memory = memory
        self._budget = memory or 0
        self._lent: list[int] = []
        self._turn = anyio.Lock()
        self._given_back = anyio.Event()
        self._promised = 0
        self._own: ContextVar[int] = ContextVar("own", default=0)

    @asynccontextmanager
    async def memory(self, need: int) -> AsyncGenerator[None]:
        """Wait until `need` bytes fit beside what is lent."""
        with ExitStack() as lent:
            async with self._turn:
                while not self._fits(need):
                    self._given_back = anyio.Event()
                    await self._given_back.wait()
                lent.enter_context(self._lend(need))
            yield

    @contextmanager
    def more_memory(self, need: int) -> Generator[bool]:
        """Count on `need` more bytes until the end of the block if they are there now, else False.

        For a job that has memory already: it must not wait for what others give back, nor take it
        from those who wait.
        """
        if self._turn.locked() or not self._fits(need):
            yield False
            return
        with self._lend(need):
            yield True

    @contextmanager
    def _lend(self, need: int) -> Generator[None]:
        self._lent.append(need)
        try:
            yield
        finally:
            self._lent.remove(need)
            self._given_back.set()

    def _fits(self, need: int) -> bool:
        if not self._lent:
            # Measured while none of our renders uses any: theirs would be counted twice.
            free = available_memory() if self._memory is None else self._memory
            self._budget = int(free * MEMORY_SHARE)
            return True
        return sum(self._lent) + need <= self._budget

    @contextmanager
    def disk(self, need: int) -> Generator[None]:
        """Count on `need` bytes until the end of the block; they are meant for what it asks for."""
        self._promised += need
        token = self._own.set(self._own.get() + need)
        try:
            yield
        finally:
            self._own.reset(token)
            self._promised -= need

    def short_of(self, need: int) -> str | None:
        """What is missing when `need` more bytes do not fit on the disk, None when they do."""
        return self.told(need) if self.free < self._wanted(need) else None

    def told(self, need: int) -> str:
        """How much is free, and how much has to be: "1.2 GB free, 2 GB needed"."""
        return f"{size(self.free)} free, {size(self._wanted(need))} needed"

    def _wanted(self, need: int) -> int:
        return need + self._promised - self._own.get() + self.reserve

    def check(self, need: int, name: str) -> None:
        """Raise NoSpace when `name`, of so many bytes, does not fit beside the reserve."""
        if (short := self.short_of(need)) is not None:
            raise NoSpace(f"The disk with the data folder has no room for {name}: {short}.")

    @property
    def free(self) -> int:
        """Free bytes on the disk of the data folder."""
        return shutil.disk_usage(self._home).free

    @property
    def reserve(self) -> int:
        """Bytes that jobs leave free."""
        return int(min(RESERVE_SHARE * shutil.disk_usage(self._home).total, RESERVE_MOST))


def size(count: int) -> str:
    """Bytes for people: "1.2 GB", "340 MB", "12 kB"; decimal, as disks are sold."""
    for unit, step in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= step:
            return f"{count / step:,.{1 if count < 100 * step else 0}f} {unit}".replace(".0 ", " ")
    return f"{count} bytes"
