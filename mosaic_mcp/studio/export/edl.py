"""CMX 3600: the cut list that everything reads. Cuts only; the list's frames are not dropped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import PurePosixPath

from mosaic_mcp.studio.export.cuts import Cut, cuts_of, plain
from mosaic_mcp.studio.export.media import (
    first_frame,
    label_rate,
    numbered,
    own_rate,
    recounted,
    sequence_rate,
    timebase,
)
from mosaic_mcp.studio.timeline.model import Timeline
from mosaic_mcp.studio.timeline.timecode import Numbering

MAX_CHARS = 120
"""Of a name: old readers have short lines."""
MAX_EVENTS = 999
"""Of a list: their numbers have three digits."""


def edls(timeline: Timeline, paths: Mapping[str, str]) -> list[str]:
    """The picture's cuts as EDLs: one, or several that go on from each other.

    `paths` are relative paths of the sources by hash.
    """
    rate = timeline.frame_rate
    # A sound that is not heard is on no lane and has no path.
    cuts = (cut for cut in cuts_of(timeline) if cut.source.sha256 in paths)
    events = [_Event(cut, recounted(cut, rate, sequence_rate(rate)), rate) for cut in cuts]
    # What is too short for a frame of the list has none in it.
    events = [e for e in events if e.listed.record_in < e.listed.record_out]
    starts = range(0, len(events), MAX_EVENTS) or [0]
    return [_edl(timeline, events[start : start + MAX_EVENTS], paths) for start in starts]


@dataclass(frozen=True, slots=True)
class _Event:
    cut: Cut
    listed: Cut
    """The same in frames of the list."""
    rate: Fraction
    """Of the sequence."""


def _edl(timeline: Timeline, events: Sequence[_Event], paths: Mapping[str, str]) -> str:
    lines = [f"TITLE: {plain(timeline.name)[:MAX_CHARS]}", "FCM: NON-DROP FRAME", ""]
    for number, event in enumerate(events, 1):
        lines += _lines(number, event, PurePosixPath(paths[event.cut.source.sha256]))
    return "\n".join(lines) + "\n"


def _lines(number: int, event: _Event, path: PurePosixPath) -> Iterator[str]:
    """A cut: source and sequence in frames of one rate, the only one that a list has."""
    cut, listed, rate = event.cut, event.listed, sequence_rate(event.rate)
    record = Numbering(timebase(rate)[0])
    source, start = numbered(cut.source, rate)
    times = (
        source.label(start + listed.source_in),
        source.label(start + listed.source_out),
        record.label(listed.record_in),
        record.label(listed.record_out),
    )
    track = "AA" if cut.source.kind == "audio" else "V"
    yield f"{number:03}  AX       {track:<5} C        {' '.join(times)}"
    yield f"* FROM CLIP NAME: {path.name}"
    yield f"* SOURCE FILE: {path}"
    if (own := own_rate(cut.source, rate)) != rate:
        told = own if cut.source.variable_frame_rate else cut.source.frame_rate
        labels = label_rate(cut.source, own)
        numbering, start = numbered(cut.source, labels)
        first = numbering.label(start + int(first_frame(cut, event.rate, own) * labels / own))
        yield f"* COMMENT: source runs at {float(told):.6g} frames/s, from its {first}"
    for note in cut.notes:
        yield f"* COMMENT: {plain(note)[:MAX_CHARS]}"
