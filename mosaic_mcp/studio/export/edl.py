"""CMX 3600: the cut list that everything reads. Cuts only; frames are counted without dropping."""

from __future__ import annotations

from mosaic_mcp.studio.export.cuts import cuts_of, plain, timebase, timecode
from mosaic_mcp.studio.timeline.model import Timeline

MAX_CHARS = 120
"""Of a name: old readers have short lines."""


def edl(timeline: Timeline) -> str:
    """The picture's cuts as an EDL."""
    base, _ = timebase(timeline.frame_rate)
    lines = [f"TITLE: {plain(timeline.name)[:MAX_CHARS]}", "FCM: NON-DROP FRAME", ""]
    for cut in cuts_of(timeline):
        times = " ".join(
            timecode(frame, base)
            for frame in (cut.source_in, cut.source_out, cut.record_in, cut.record_out)
        )
        lines.append(f"{cut.index + 1:03}  AX       V     C        {times}")
        lines.append(f"* FROM CLIP NAME: {plain(cut.source.name)[:MAX_CHARS]}")
        lines += [f"* COMMENT: {plain(note)[:MAX_CHARS]}" for note in cut.notes]
    return "\n".join(lines) + "\n"
