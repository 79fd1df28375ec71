"""OpenTimelineIO as plain JSON: its library is not needed to write it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from mosaic_mcp.studio.export.cuts import Cut, cuts_of, frames_in, plain
from mosaic_mcp.studio.timeline.model import Timeline


def otio(timeline: Timeline, paths: Mapping[str, str]) -> str:
    """The timeline as OTIO JSON with one video and one audio track."""
    rate = float(timeline.frame_rate)
    cuts = list(cuts_of(timeline))
    tracks = [_track("Video", cuts, timeline, paths, rate)]
    if any(cut.source.audio_channels for cut in cuts):
        tracks.append(_track("Audio", cuts, timeline, paths, rate))
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
                "markers": [],
                "children": tracks,
            },
        },
        indent=1,
    )


def _track(
    kind: str, cuts: list[Cut], timeline: Timeline, paths: Mapping[str, str], rate: float
) -> dict[str, Any]:
    children = [
        _clip(cut, timeline, paths, rate)
        if (cut.source.kind != "audio" if kind == "Video" else cut.source.audio_channels)
        else _gap(cut.record_out - cut.record_in, rate)
        for cut in cuts
    ]
    return {
        "OTIO_SCHEMA": "Track.1",
        "name": kind,
        "kind": kind,
        "metadata": {},
        "source_range": None,
        "effects": [],
        "markers": [],
        "children": children,
    }


def _clip(cut: Cut, timeline: Timeline, paths: Mapping[str, str], rate: float) -> dict[str, Any]:
    return {
        "OTIO_SCHEMA": "Clip.1",
        "name": plain(cut.source.name),
        "metadata": {"mosaic": {"tile": cut.tile}},
        "source_range": _range(cut.source_in, cut.source_out - cut.source_in, rate),
        "effects": [],
        "markers": [],
        "media_reference": {
            "OTIO_SCHEMA": "ExternalReference.1",
            "name": plain(cut.source.name),
            "metadata": {"mosaic": {"sha256": cut.source.sha256}},
            "target_url": quote(paths[cut.source.sha256]),
            "available_range": _range(0, frames_in(cut.source, timeline.frame_rate), rate),
        },
    }


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
