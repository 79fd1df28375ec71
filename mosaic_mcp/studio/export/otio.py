"""OpenTimelineIO as plain JSON: its library is not needed to write it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from mosaic_mcp.studio.export.cuts import Cut, plain
from mosaic_mcp.studio.export.lanes import Lane, lanes_of, notes_of
from mosaic_mcp.studio.export.marks import Mark, marks_of
from mosaic_mcp.studio.export.media import first_frame, frames_in, numbered, own_rate
from mosaic_mcp.studio.export.motion import motion_notes
from mosaic_mcp.studio.timeline.model import Timeline


def otio(timeline: Timeline, paths: Mapping[str, str]) -> str:
    """The timeline as OTIO JSON with a track for each lane; what has no track is in markers."""
    rate = float(timeline.frame_rate)
    tracks = [_track(lane, timeline, paths, rate) for lane in lanes_of(timeline)]
    return json.dumps(
        {
            "OTIO_SCHEMA": "Timeline.1",
            "name": plain(timeline.name),
            "global_start_time": None,
            "metadata": {},
            "tracks": {
                "OTIO_SCHEMA": "Stack.1",
                "name": "tracks",
                "metadata": {},
                "source_range": None,
                "effects": [],
                "markers": [
                    *_markers([*motion_notes(timeline), *notes_of(timeline)], 0, rate),
                    *(_marker(mark, rate) for mark in marks_of(timeline, timeline.frame_rate)),
                ],
                "children": tracks,
            },
        },
        indent=1,
    )


def _track(lane: Lane, timeline: Timeline, paths: Mapping[str, str], rate: float) -> dict[str, Any]:
    return {
        "OTIO_SCHEMA": "Track.1",
        "name": lane.name,
        "kind": lane.kind,
        "metadata": {},
        "source_range": None,
        "effects": [],
        "markers": [],
        "children": list(_children(lane, timeline, paths, rate)),
    }


def _children(
    lane: Lane, timeline: Timeline, paths: Mapping[str, str], rate: float
) -> Iterator[dict[str, Any]]:
    """The cuts, and gaps where there are none."""
    at = 0
    for cut in lane.cuts:
        if cut.record_in > at:
            yield _gap(cut.record_in - at, rate)
        yield _clip(cut, timeline, paths, rate)
        at = cut.record_out


def _clip(cut: Cut, timeline: Timeline, paths: Mapping[str, str], rate: float) -> dict[str, Any]:
    own = own_rate(cut.source, timeline.frame_rate)
    media = float(own)
    _, start = numbered(cut.source, own)
    first = start + first_frame(cut, timeline.frame_rate)
    return {
        "OTIO_SCHEMA": "Clip.1",
        "name": plain(cut.source.name),
        "metadata": {"mosaic": {"tile": cut.tile}},
        # Its length stays in whole frames of the sequence: lengths add up to places there.
        "source_range": _range(first, cut.source_out - cut.source_in, media, rate),
        "effects": [],
        "markers": _markers(cut.notes, first, media),
        "media_reference": {
            "OTIO_SCHEMA": "ExternalReference.1",
            "name": plain(cut.source.name),
            "metadata": {"mosaic": {"sha256": cut.source.sha256}},
            "target_url": quote(paths[cut.source.sha256]),
            "available_range": _range(start, frames_in(cut, own), media),
        },
    }


def _markers(notes: Sequence[str], at: int, rate: float) -> list[dict[str, Any]]:
    return [
        {
            "OTIO_SCHEMA": "Marker.2",
            "name": plain(note),
            "color": "YELLOW",
            "metadata": {},
            "marked_range": _range(at, 0, rate),
        }
        for note in notes
    ]


def _gap(frames: int, rate: float) -> dict[str, Any]:
    return {
        "OTIO_SCHEMA": "Gap.1",
        "name": "",
        "metadata": {},
        "source_range": _range(0, frames, rate),
        "effects": [],
        "markers": [],
    }


def _marker(mark: Mark, rate: float) -> dict[str, Any]:
    return {
        "OTIO_SCHEMA": "Marker.2",
        "name": plain(mark.text),
        "color": "YELLOW",
        "metadata": {"mosaic": {"kind": mark.kind}},
        "marked_range": _range(mark.first, mark.count, rate),
    }


def _range(start: int, duration: int, rate: float, lasting: float = 0) -> dict[str, Any]:
    """A range of frames; `lasting` is the rate of its duration where that is another."""
    return {
        "OTIO_SCHEMA": "TimeRange.1",
        "start_time": _time(start, rate),
        "duration": _time(duration, lasting or rate),
    }


def _time(frames: int, rate: float) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "RationalTime.1", "value": frames, "rate": rate}
