"""CMX 3600: the cut list that everything reads. Cuts only; frames are counted without dropping."""

from __future__ import annotations

from mosaic_mcp.studio.export.cuts import cuts_of, timebase, timecode
from mosaic_mcp.studio.timeline.model import Timeline


def edl(timeline: Timeline) -> str:
    """The picture's cuts as an EDL."""
    base, _ = timebase(timeline.frame_rate)
    lines = [f"TITLE: {_plain(timeline.name)}", "FCM: NON-DROP FRAME", ""]
    for cut in cuts_of(timeline):
        times = " ".join(
            timecode(frame, base)
            for frame in (cut.source_in, cut.source_out, cut.record_in, cut.record_out)
        )
        lines.append(f"{cut.index + 1:03}  AX       V     C        {times}")
        lines.append(f"* FROM CLIP NAME: {_plain(cut.source.name)}")
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    """One line of printable text."""
    return "".join(c if c.isprintable() else " " for c in text)[:120]
