"""A killer with a seed: SIGKILL for the processes of one data folder, at random moments."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import anyio
import anyio.to_thread

from tests.chaos.processes import Process, kill, of_kind, processes_of
from tests.chaos.watching import Watch

Plan = Mapping[str, int]
"""How many deaths of each kind a round brings; `program` stands for one of PROGRAMS."""
PROGRAMS = ("ffmpeg", "guard", "helper")
CALM: Plan = {}
SHORT: Plan = {"studio": 3, "program": 2, "mcp": 1}
MOST: Plan = {"studio": 4, "program": 3, "mcp": 2}
"""All may hit one job; one that dies more often is given up (runs/retrying.py), and rightly so."""
LONGEST_S = 2.5
"""Longest pause before the next kill."""


@dataclass
class Killed:
    """What was killed so far, over all rounds."""

    kinds: Counter[str] = field(default_factory=Counter)
    phases: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        return sum(self.kinds.values())


def victims(rng: random.Random, plan: Plan) -> list[str]:
    """The kinds to kill in one round, in a random order."""
    kinds = [kind for kind, count in plan.items() for _ in range(count)]
    rng.shuffle(kinds)
    return [rng.choice(PROGRAMS) if kind == "program" else kind for kind in kinds]


async def kill_at_random(watch: Watch, rng: random.Random, killed: Killed, plan: Plan) -> None:
    """Kill as planned, then only watch; never returns by itself."""
    kinds = victims(rng, plan)
    while kinds:
        kind, pause = kinds.pop(), rng.uniform(0, LONGEST_S)
        # Every other death of the studio is to fall between a render's name and its record.
        wanted = "publishing" if kind == "studio" and rng.random() < 0.5 else None
        process, phase = await _target(watch, kind, pause, wanted)
        if kill(process):
            killed.kinds[kind] += 1
            killed.phases[phase] += 1
        else:
            kinds.append(kind)
    while True:
        await _look(watch)


async def _target(watch: Watch, kind: str, pause: float, wanted: str | None) -> tuple[Process, str]:
    """A process of this kind that lives after the pause; in the wanted phase, if that comes."""
    begin = time.monotonic() + pause
    while True:
        found, phase = await _look(watch)
        fits = wanted is None or phase == wanted or time.monotonic() > begin + 4 * LONGEST_S
        targets = list(of_kind(found, kind))
        if targets and fits and (phase == wanted or time.monotonic() >= begin):
            return targets[0], phase


async def _look(watch: Watch) -> tuple[list[Process], str]:
    def look() -> tuple[list[Process], str]:
        found = processes_of(watch.home)
        return found, watch.look(found)

    seen = await anyio.to_thread.run_sync(look)
    await anyio.sleep(0.01)
    return seen
