"""What a render will need, estimated from its timeline before it begins.

Memory: 150 MB, 200 bytes a pixel of the canvas (300 for `best`) and 100 a pixel of each source.
x264 alone takes 153 (veryfast) and 253 (medium) in 1080p, 128 and 225 in 4K, as measured.

Disk: twice the file at 0.1 bit a pixel (0.15 for `best`), 0.8 MB a second of sound, 0.2 of music
and voices beside it, as much as what was made for it takes in timeline.zip, and 4 MB.
The file stands twice in the work folder: before and after its sound is added. An estimate that
proves too low is doubled, see `queueing.raise_need`.
"""

from __future__ import annotations

from dataclasses import dataclass

from mosaic_mcp.studio.export.bundle import PACKED_BYTES
from mosaic_mcp.studio.timeline.model import Timeline

MB = 1_000_000
SOUND_A_SECOND = 800_000
"""Bytes: two channels of 48,000 samples in 32 bits, before and after loudness."""
TRACK_A_SECOND = 192_000
"""Bytes: the same in 16 bits, of music and voices and of what they are mixed to."""


@dataclass(frozen=True, slots=True)
class Need:
    """Bytes that a job needs while it is at work."""

    memory: int = 0
    disk: int = 0


def render_need(timeline: Timeline, quality: str) -> Need:
    """The need of one render."""
    best = quality == "best"
    pixels = timeline.width * timeline.height // (4 if quality == "draft" else 1)
    seen_parts = (*timeline.clips, *timeline.cutaways, *timeline.overlays)
    used = {part.source for part in seen_parts}
    sources = [timeline.sources[sha] for sha in used if sha in timeline.sources]
    seen = sum(source.width * source.height for source in sources)
    seconds = float(timeline.duration)
    video = pixels * float(timeline.frame_rate) * seconds * (0.15 if best else 0.1) / 8
    return Need(
        memory=150 * MB + pixels * (300 if best else 200) + seen * 100,
        disk=int(2 * video + SOUND_A_SECOND * seconds + TRACK_A_SECOND * _beside(timeline))
        + _packed(timeline)
        + 4 * MB,
    )


def _packed(timeline: Timeline) -> int:
    """Bytes of the files in timeline.zip, by their lengths: all that the user did not bring."""
    made = [s for s in timeline.sources.values() if s.origin != "user"]
    sound = sum(TRACK_A_SECOND * float(s.duration) for s in made if s.audio_channels)
    seen = sum(0.1 / 8 * s.width * s.height * float(s.frame_rate * s.duration) for s in made)
    return min(int(sound + seen), PACKED_BYTES)


def _beside(timeline: Timeline) -> float:
    """Seconds of sound that is decoded beside that of the clips, and of the mix."""
    if not timeline.tracks:
        return 0.0
    ends = (
        timeline.sources[t.source].duration if t.end is None else t.end for t in timeline.tracks
    )
    decoded = sum(end - t.start for t, end in zip(timeline.tracks, ends, strict=True))
    return float(timeline.duration + decoded)
