"""Sources as editors count them: in frames of their own rate, numbered by their own timecode."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import chain
from math import ceil

from mosaic_mcp.studio.export.cuts import Cut
from mosaic_mcp.studio.timeline.edit import canvas_rate
from mosaic_mcp.studio.timeline.model import Source
from mosaic_mcp.studio.timeline.timecode import Numbering

NTSC = Fraction(1000, 1001)
"""What NTSC's rates run slow by."""


COMMON_RATES = sorted(
    [*map(Fraction, (24, 25, 30, 48, 50, 60)), *(n * NTSC for n in (24, 30, 48, 60))]
)
"""Rates of a sequence that editors have, and OpenTimelineIO reads an EDL in."""


def timebase(rate: Fraction) -> tuple[int, bool]:
    """The nearest rate that XML can say: whole, and whether it runs slow by 1000/1001 (NTSC)."""
    whole = max(1, round(rate))
    # Nearer to NTSC's than half of what that is slow by: 37.5 is no slow 38.
    return whole, abs(rate - whole * NTSC) < whole * (1 - NTSC) / 2


def sequence_rate(rate: Fraction) -> Fraction:
    """The rate that XML and EDL count a sequence in: one that editors have.

    Where that is not its own, it is the lowest multiple (25 of 12.5), in which each frame is some
    whole ones; else the next whole one above, in which places are found by time.
    """
    nearest = min(COMMON_RATES, key=lambda common: abs(common - rate))
    if abs(nearest - rate) < rate * (1 - NTSC) / 2:
        return nearest
    multiples = (common for common in COMMON_RATES if (common / rate).denominator == 1)
    above = (common for common in COMMON_RATES if common > rate and common.denominator == 1)
    return next(chain(multiples, above), COMMON_RATES[-1])


def own_rate(source: Source, sequence: Fraction) -> Fraction:
    """Frames a second that an editor counts a source in.

    Sounds and stills have none: the sequence's. Where the rate varies editors take a constant one,
    and find frames by their time: a common rate serves. One halfway between whole rates (12.5) is
    counted twice as fast: each picture is two frames.
    """
    if source.kind != "video" or source.frame_rate in (0, sequence):
        return sequence
    if source.variable_frame_rate:
        return canvas_rate(source)
    rate = source.frame_rate
    whole, ntsc = timebase(2 * rate if rate.denominator == 2 else rate)
    return whole * NTSC if ntsc else Fraction(whole)


def frames_in(cut: Cut, rate: Fraction) -> int:
    """How long the source of a cut is, in frames of the rate; a still is as long as it is used."""
    # A length in microseconds, or milliseconds (Matroska), may miss its last frame by a rounding.
    return int(cut.source.duration * rate + Fraction(1, 10)) or cut.source_out


def recounted(cut: Cut, rate: Fraction, other: Fraction) -> Cut:
    """A cut in frames of another rate, found by time.

    Each edge in the sequence is rounded by itself, so that neighbours still meet. Where the source
    would end too early for the length of the cut, it begins as much earlier.
    """
    if rate == other:
        return cut
    first, end, begin = (
        round(frame * other / rate) for frame in (cut.record_in, cut.record_out, cut.source_in)
    )
    if cut.source.duration:
        begin = max(0, min(begin, frames_in(cut, other) - (end - first)))
    return replace(
        cut, record_in=first, record_out=end, source_in=begin, source_out=begin + end - first
    )


def first_frame(cut: Cut, sequence: Fraction, own: Fraction | None = None) -> int:
    """The first frame of its source that a cut shows, in frames of the source's `own` rate.

    That is the renderer's: FFmpeg's `fps` filter shows at a frame of the sequence the last picture
    that is due before its middle. At the end of the source it may be one earlier: enough must be
    left for the length of the cut.
    """
    rate = own or own_rate(cut.source, sequence)
    if rate == sequence:
        return cut.source_in
    shown = ceil((cut.source_in + Fraction(1, 2)) * rate / sequence) - 1
    length = (cut.record_out - cut.record_in) * rate / sequence
    return max(0, min(shown, int(frames_in(cut, rate) - length)))


def numbered(source: Source, rate: Fraction) -> tuple[Numbering, int]:
    """How frames of a rate are numbered as the source's timecode has them, and its first one."""
    base, ntsc = timebase(rate)
    if source.timecode is None:
        return Numbering(base), 0
    drop = ";" in source.timecode.label and ntsc and base % 30 == 0
    numbering = Numbering(base, drop)
    return numbering, numbering.frame(source.timecode.label, source.timecode.base)


def label_rate(source: Source, rate: Fraction) -> Fraction:
    """The rate of a source's timecode, where its frames have this one."""
    if source.timecode is None:
        return rate
    return source.timecode.base * NTSC if timebase(rate)[1] else Fraction(source.timecode.base)
