"""Passages: runs of whole sentences near a length, and the best set of them without overlap."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from math import exp
from typing import TypeVar

NumberT = TypeVar("NumberT", int, Fraction)

SHORTEST = Fraction(1, 2)
LONGEST = Fraction(7, 5)
"""A passage lasts between these shares of the wished length; the nearer the better."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What is never divided: a sentence, or a stretch of speech. Times are output time."""

    start: Fraction
    end: Fraction
    text: str = ""
    stems: tuple[str, ...] = ()
    """The stems of its words that carry a topic."""
    whole: bool = True
    """False for a part of a sentence that was too long to be kept in one."""


@dataclass(frozen=True, slots=True)
class Passage:
    """Units `first` up to and including `last`, from the first word to the last.

    There are tens of thousands in a long talk: they have no copies of what their units say.
    """

    first: int
    last: int
    start: Fraction
    end: Fraction
    distinct: int
    """How many different stems it has."""

    @property
    def duration(self) -> Fraction:
        """Seconds from the first word to the last."""
        return self.end - self.start

    def total(self, sums: Sequence[NumberT]) -> NumberT:
        """Of its units, by the `sums` of all units."""
        return sums[self.last + 1] - sums[self.first]

    def fit(self, wished: Fraction) -> float:
        """How near its length is to the wished one: 1 when equal, 0.6 a quarter away."""
        return exp(-0.5 * float((self.duration - wished) / (wished / 4)) ** 2)


def passages(units: Sequence[Unit], wished: Fraction) -> list[Passage]:
    """Every run of units whose length suits `wished` seconds."""
    found: list[Passage] = []
    shortest, longest = wished * SHORTEST, wished * LONGEST
    for first, begin in enumerate(units):
        stems: set[str] = set()
        for last in range(first, len(units)):
            duration = units[last].end - begin.start
            if duration > longest:
                break
            stems.update(units[last].stems)
            if duration >= shortest:
                found.append(Passage(first, last, begin.start, units[last].end, len(stems)))
    return found


def sums(numbers: Iterable[NumberT], zero: NumberT) -> list[NumberT]:
    """The sums of the first so many, of none first: any run's sum is the difference of two."""
    return list(accumulate(numbers, initial=zero))


def choose(candidates: Sequence[Passage], scores: Sequence[float], count: int) -> list[int]:
    """The indices of at most `count` separate candidates with the highest sum, best first.

    Weighted interval scheduling: `best[k]` holds, for each number of units from the left, the
    highest sum of at most k candidates within them and the choice that reaches it.
    """
    units = max((c.last for c in candidates), default=-1) + 1
    ending: list[list[int]] = [[] for _ in range(units)]
    for i, candidate in enumerate(candidates):
        ending[candidate.last].append(i)
    best: list[tuple[float, tuple[int, ...]]] = [(0.0, ())] * (units + 1)
    for _ in range(count):
        row: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
        for unit in range(units):
            row.append(row[-1])
            for i in ending[unit]:
                total, chosen = best[candidates[i].first]
                if total + scores[i] > row[-1][0]:
                    row[-1] = (total + scores[i], (*chosen, i))
        best = row
    return sorted(best[-1][1], key=lambda i: -scores[i])
