"""Where one shot ends and another begins. Helper only.

A cut shows as a jump between two key frames, or as an inter frame that takes far more bytes than
those after it; only there more is decoded, and the cut is found to the frame.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from mosaic_mcp.studio.perception.frames import NEAR, Film, Packet, Sample, Span

JUMP = 12.0
"""Mean difference of two small pictures (0..255) that may be a cut."""
CHANGED, MUCH = 10, 0.35
"""At a cut a pixel changes by so much in at least this share of the picture. Measured: 0.73 and
more at cuts, 0.29 and less where a presenter walks."""
CUT = 8.0
"""The same between neighbouring frames at a cut."""
STANDS_OUT = 3.0
"""At a cut the picture changes so many times more than it usually does around it."""
USUAL = 6
"""Samples of the new shot that say what change is usual there."""
FLASH_S = Fraction(1, 5)
BURST = 3.0
"""Times the usual size of the inter frames after it: it may show something new."""
BURST_AFTER = 12
"""Inter frames that say what is usual."""
SETTLED_S = Fraction(1, 5)
"""Inter frames right behind a key frame are large: they add what it left out."""
REORDERED = 4
"""Frames that may show the next shot already before the inter frame that holds most of it."""


@dataclass(slots=True)
class _Change:
    """How much two samples differ that follow each other, so many frames apart."""

    before: Fraction
    time: Fraction
    much: float
    frames: int = 1


def cuts_of(
    film: Film, keys: list[Sample], packets: list[Packet], end: Fraction
) -> tuple[list[Fraction], dict[Span, list[Sample]]]:
    """The exact time of every cut up to `end`, and what else was seen while they were looked for.

    That is by the key frames between which it lies, which are not among it.
    """
    frames = sorted(packet.time for packet in packets)
    sizes = _sizes(packets)
    cuts: list[Fraction] = []
    seen: dict[Span, list[Sample]] = {}
    for key, behind in itertools.zip_longest(keys, keys[1:]):
        span = key.time, min(behind.time if behind else frames[-1], end)
        if span[0] >= end:
            break
        bursts = [time for time, size in _within(sizes, span) if size > BURST]
        if behind and _jump(key.tiny, behind.tiny):
            bursts = bursts or _largest(sizes, span)
            exact = [_before(frames, burst) for burst in bursts]
            samples = _until_equal(film.samples(span, exact=exact), behind, span, bursts)
            changes = _changes(_kept(samples, seen.setdefault(span, [])), frames)
        elif bursts:
            exact = [_before(frames, burst) for burst in bursts]
            changes = _changes(film.samples((span[0], bursts[-1]), exact=exact), frames)
        else:
            continue
        cuts += _cuts(film, span[0], frames, list(changes))
    return cuts, seen


def _kept(samples: Iterable[Sample], kept: list[Sample]) -> Iterator[Sample]:
    """The samples as they come; those that are there for faces are kept."""
    for sample in samples:
        if sample.gray is not None:
            kept.append(sample)
        yield sample


def _until_equal(
    samples: Iterable[Sample], behind: Sample, span: Span, bursts: list[Fraction]
) -> Iterator[Sample]:
    """The samples up to where the rest cannot hold a cut: it ends as it begins, and has no burst.

    But all of those that are there for faces, and so many of the shot that they say what is usual.
    """
    faces = span[0]
    last_burst = bursts[-1] if bursts else span[0]
    equal = 0
    for sample in samples:
        yield sample
        faces = faces if sample.gray is None else sample.time
        equal = equal + 1 if _difference(sample, behind) < CUT else 0
        if span[1] - faces <= NEAR and sample.time >= last_burst and equal >= USUAL:
            return


def _cuts(
    film: Film, key: Fraction, frames: list[Fraction], changes: list[_Change]
) -> Iterator[Fraction]:
    """The first frames of new shots behind a key frame, of whose gap some frames were seen."""
    # Over more frames more changes, by and large.
    usual = float(np.median([change.much / change.frames for change in changes] or [0.0]))

    def sharp(changes: Iterable[_Change]) -> list[_Change]:
        return [one for one in changes if one.much > max(CUT, STANDS_OUT * usual * one.frames)]

    cuts = sharp(_closer(film, key, frames, sharp(changes)))
    # A flash is two jumps, and no two shots: the larger one is the cut.
    for cut in cuts:
        others = (other for other in cuts if 0 < abs(other.time - cut.time) < FLASH_S)
        if not any(other.much >= cut.much for other in others):
            yield cut.time


def _closer(
    film: Film, key: Fraction, frames: list[Fraction], changes: list[_Change]
) -> Iterator[_Change]:
    """Changes over several frames become the largest inside, which is small where it was slow."""
    rough = [(change.before, change.time) for change in changes if change.frames > 1]
    steps: list[_Change] = []
    if rough:
        steps = list(_changes(film.samples((key, rough[-1][1]), exact=rough), frames))
    for change in changes:
        inside = [s for s in steps if change.before <= s.before and s.time <= change.time]
        yield max(inside, key=lambda step: step.much, default=change)


def _changes(samples: Iterable[Sample], frames: list[Fraction]) -> Iterator[_Change]:
    for one, other in itertools.pairwise(samples):
        apart = bisect_left(frames, other.time) - bisect_left(frames, one.time)
        yield _Change(one.time, other.time, _difference(one, other), max(1, apart))


def _difference(one: Sample, other: Sample) -> float:
    return float(np.abs(other.tiny - one.tiny).mean())


def _jump(one: NDArray[np.int16], other: NDArray[np.int16]) -> bool:
    """True where much of the picture is another one; somebody who moves changes less."""
    change = np.abs(one - other)
    return float(change.mean()) > JUMP and float((change > CHANGED).mean()) > MUCH


def _sizes(packets: list[Packet]) -> list[tuple[Fraction, float]]:
    """The times of the inter frames, and their sizes against what is usual behind them."""
    inter = [packet for packet in packets if not packet.key]
    if not inter:
        return []
    sizes = np.array([packet.size for packet in inter], np.float64)
    after = np.lib.stride_tricks.sliding_window_view(
        np.pad(sizes[1:], (0, BURST_AFTER), constant_values=sizes[-1]), BURST_AFTER
    )
    # Frames that nothing refers to are small: what is usual is what the larger ones have.
    usual = np.percentile(after, 75, axis=1)
    times = [packet.time for packet in inter]
    return sorted(zip(times, (sizes / usual).tolist(), strict=True))


def _within(sizes: list[tuple[Fraction, float]], span: Span) -> list[tuple[Fraction, float]]:
    """Those between the ends of a span."""
    first = bisect_right(sizes, span[0], key=lambda one: one[0])
    return sizes[first : bisect_left(sizes, span[1], key=lambda one: one[0])]


def _largest(sizes: list[tuple[Fraction, float]], span: Span) -> list[Fraction]:
    """Where in a span a cut most probably is, if anywhere; empty where it is too short to say."""
    inside = _within(sizes, (span[0] + SETTLED_S, span[1]))
    return [max(inside, key=lambda one: one[1])[0]] if inside else []


def _before(frames: list[Fraction], burst: Fraction) -> Span:
    """What may show the new shot first, and a frame of the old one."""
    at = bisect_left(frames, burst)
    return frames[max(0, at - REORDERED)], burst
