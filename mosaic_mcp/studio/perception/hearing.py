"""What a recogniser is to the rest: words from a stretch of sound. Runs in the helper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Word:
    """A word as an engine heard it: seconds from the start of the stretch, confidence 0..1."""

    text: str
    start: float
    end: float
    confidence: float


class Ear(Protocol):
    """An engine with its weights, ready to listen."""

    longest_s: float
    """The longest stretch that it takes."""
    pause_s: float
    """Speech with shorter pauses in between is heard as one stretch."""
    language: str
    """What is spoken; "" until an engine that knows many languages has heard some of it."""

    def hear(self, sound: NDArray[np.int16]) -> list[Word]:
        """The words of mono samples at 16 kHz."""
        ...
