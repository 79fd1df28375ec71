"""Where one shot ends and another begins. Helper only.

A cut shows as a jump between two key frames, or as an inter frame that takes far more bytes than
those after it; only there more is decoded, and the cut is found to the frame.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from mosaic_mcp.studio.perception.frames import Film, Packet, Sample, Span

JUMP = 12.0
"""Mean difference of two small pictures (0..255) that may be a cut."""
CHANGED, MUCH = 10, 0.35
"""At a cut a pixel changes by so much in at least this share of the picture. Measured: 0.73 and
more at cuts, 0.29 and less where a presenter walks."""
CUT = 8.0
"""The same between neighbouring frames at a cut."""
STANDS_OUT = 3.0
"""At a cut the picture changes so many times more than it usually does around it."""
FLASH_S = Fraction(1, 5)
BURST = 3.0
"""Times the usual size of the inter frames after it: it may show something new."""
BURST_AFTER = 12
"""Inter frames that say what is usual."""
BESIDE = 6
"""Reference frames before and behind a cut that say what change is usual there."""


def cuts_of(
    film: Film, keys: list[Sample], packets: list[Packet], end: Fraction
) -> tuple[list[Fraction], dict[Span, list[Sample]]]:
    """The exact time of every cut up to `end`, and what else was seen while they were looked for.

    That is by the key frames between which it lies, which are not among it.
    """
    times = [*(key.time for key in keys), max(packet.time for packet in packets)]
    jumps = [_jump(a.tiny, b.tiny) for a, b in itertools.pairwise(keys)]
    bursts = _bursts(packets)
    cuts: list[Fraction] = []
    seen: dict[Span, list[Sample]] = {}
    for gap, jump in zip(itertools.pairwise(times), [*jumps, False], strict=True):
        span = gap[0], min(gap[1], end)
        if span[0] >= end:
            break
        inside = [time for time in bursts if span[0] < time < span[1]]
        if inside:
            last = span[1] if jump else max(inside)
            cuts += _sharp(film.samples((span[0], last), exact_from=span[0]), span[0])
        elif jump:
            glance = _Glance(span)
            found = _sharp(glance.kept_of(film.samples(span)), span[0])
            if found and found != [span[1]]:
                # Not at the key frame after all: at one of these, or at a frame just before.
                near, far = glance.around(found[0], found[-1])
                exact = _sharp(film.samples((span[0], far), exact_from=near), near)
                found = [time for time in exact if time <= found[-1]]
            cuts += found
            seen[span] = glance.kept
    return cuts, seen


class _Glance:
    """A look at the reference frames of a gap: about where cuts are, and some of the pictures."""

    def __init__(self, gap: Span) -> None:
        self._gap = gap
        self._times: list[Fraction] = []
        self.kept: list[Sample] = []

    def kept_of(self, samples: Iterable[Sample]) -> Iterator[Sample]:
        """The samples as they come; those for faces are kept."""
        for sample in samples:
            self._times.append(sample.time)
            if sample.gray is not None:
                self.kept.append(sample)
            yield sample

    def around(self, first: Fraction, last: Fraction) -> Span:
        """The span around cuts in which enough pictures lie to say what change is usual there."""
        before = [time for time in self._times if self._gap[0] <= time < first]
        after = [time for time in self._times if time > last]
        return [self._gap[0], *before][-BESIDE:][0], [last, *after][:BESIDE][-1]


def _sharp(samples: Iterable[Sample], begin: Fraction) -> list[Fraction]:
    """Frames that differ from the one before, from `begin` on, as those of another shot do."""
    before: Sample | None = None
    changes: list[tuple[Fraction, float]] = []
    for sample in samples:
        if before is not None and before.time >= begin:
            changes.append((sample.time, float(np.abs(sample.tiny - before.tiny).mean())))
        before = sample
    usual = float(np.median([change for _, change in changes])) if changes else 0.0
    sharp = [c for c in changes if c[1] > max(CUT, STANDS_OUT * usual)]
    # A flash is two jumps, and no two shots: the larger one is the cut.
    return [
        time
        for time, change in sharp
        if not any(0 < abs(at - time) < FLASH_S and more >= change for at, more in sharp)
    ]


def _jump(one: NDArray[np.int16], other: NDArray[np.int16]) -> bool:
    """True where much of the picture is another one; somebody who moves changes less."""
    change = np.abs(one - other)
    return float(change.mean()) > JUMP and float((change > CHANGED).mean()) > MUCH


def _bursts(packets: list[Packet]) -> list[Fraction]:
    """When inter frames take far more bytes than those that follow them."""
    inter = [packet for packet in packets if not packet.key]
    if not inter:
        return []
    sizes = np.array([packet.size for packet in inter], np.float64)
    after = np.lib.stride_tricks.sliding_window_view(
        np.pad(sizes[1:], (0, BURST_AFTER), constant_values=sizes[-1]), BURST_AFTER
    )
    # Frames that nothing refers to are small: what is usual is what the larger ones have.
    usual = np.percentile(after, 75, axis=1)
    return [inter[n].time for n in np.flatnonzero(sizes > BURST * usual)]
