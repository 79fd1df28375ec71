"""OpenTimelineIO as plain JSON: its library is not needed to write it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from mosaic_mcp.studio.export.cuts import Cut, frames_in, plain
from mosaic_mcp.studio.export.lanes import Lane, lanes_of, notes_of
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
                "markers": _markers(notes_of(timeline), 0, rate),
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
    return {
        "OTIO_SCHEMA": "Clip.1",
        "name": plain(cut.source.name),
        "metadata": {"mosaic": {"tile": cut.tile}},
        "source_range": _range(cut.source_in, cut.source_out - cut.source_in, rate),
        "effects": [],
        "markers": _markers(cut.notes, cut.source_in, rate),
        "media_reference": {
            "OTIO_SCHEMA": "ExternalReference.1",
            "name": plain(cut.source.name),
            "metadata": {"mosaic": {"sha256": cut.source.sha256}},
            "target_url": quote(paths[cut.source.sha256]),
            "available_range": _range(0, frames_in(cut, timeline.frame_rate), rate),
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


def _range(start: int, duration: int, rate: float) -> dict[str, Any]:
    return {
        "OTIO_SCHEMA": "TimeRange.1",
        "start_time": {"OTIO_SCHEMA": "RationalTime.1", "value": start, "rate": rate},
        "duration": {"OTIO_SCHEMA": "RationalTime.1", "value": duration, "rate": rate},
    }
