"""Reading a timeline.zip as an editor would: with OpenTimelineIO and its adapters."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import opentimelineio as otio

from mosaic_mcp.studio.export import write_bundle
from mosaic_mcp.studio.timeline.model import Timeline

BOTH = (("timeline.otio", "otio_json"), ("timeline.xml", "fcp_xml"))
"""The formats that hold more than one track, and what reads them."""


@dataclass(frozen=True)
class Shot:
    """What an editor sees of one cut: the file, frames of the source, frames of the sequence."""

    media: str
    source: tuple[int, int]
    record: tuple[int, int]


def bundle(
    timeline: Timeline,
    folder: Path,
    *,
    media: Mapping[str, Path] | None = None,
    subtitles: Path | None = None,
) -> zipfile.ZipFile:
    """The zip of a timeline, open."""
    out = folder / "timeline.zip"
    write_bundle(timeline, out, media=media or {}, subtitles=subtitles)
    return zipfile.ZipFile(io.BytesIO(out.read_bytes()))


def read(archive: zipfile.ZipFile, name: str, adapter: str, **how) -> otio.schema.Timeline:
    """A timeline of the zip, as OpenTimelineIO reads it."""
    return otio.adapters.read_from_string(archive.read(name).decode(), adapter, **how)


def shots(timeline: otio.schema.Timeline, kind: str = "Video", track: int = 0) -> list[Shot]:
    """The clips of a track, by default the first of its kind."""
    tracks = timeline.video_tracks() if kind == "Video" else timeline.audio_tracks()
    found = []
    for clip in tracks[track].find_clips():
        used, place = clip.trimmed_range(), clip.range_in_parent()
        reference = clip.media_reference
        link = reference.target_url if hasattr(reference, "target_url") else clip.name
        found.append(
            Shot(
                link,
                (used.start_time.to_frames(), used.end_time_exclusive().to_frames()),
                (place.start_time.to_frames(), place.end_time_exclusive().to_frames()),
            )
        )
    return found
