"""A timeline as the few facts of its edit, for whoever reads instead of opening an editor."""

from __future__ import annotations

from fractions import Fraction

from mosaic_mcp.contract.extensions import Cut, Edit
from mosaic_mcp.studio.export.cuts import cuts_of
from mosaic_mcp.studio.timeline.model import Timeline


def edit_of(output_id: str, timeline: Timeline) -> Edit:
    """The edit of an output: its cuts on whole frames, and what was laid over them."""
    rate = timeline.frame_rate
    cuts = tuple(
        Cut(
            at_s=_seconds(cut.record_in, rate),
            source=cut.source.name,
            from_s=_seconds(cut.source_in, rate),
            to_s=_seconds(cut.source_out, rate),
        )
        for cut in cuts_of(timeline)
    )
    framing, captions, sound = timeline.framing, timeline.captions, timeline.sound
    return Edit(
        output_id=output_id,
        name=timeline.name,
        width=timeline.width,
        height=timeline.height,
        frame_rate=str(rate),
        duration_s=round(float(timeline.duration), 3),
        cuts=cuts,
        framing=framing.fit if framing else None,
        framing_node=framing.tile if framing else None,
        caption_words=len(captions.words) if captions else 0,
        captions_node=captions.tile if captions else None,
        overlay_nodes=tuple(overlay.tile for overlay in timeline.overlays),
        cutaway_nodes=tuple(dict.fromkeys(cutaway.tile for cutaway in timeline.cutaways)),
        track_nodes=tuple(dict.fromkeys(track.tile for track in timeline.tracks)),
        sound_node=sound.tile if sound else None,
    )


def _seconds(frames: int, rate: Fraction) -> float:
    """Frames in seconds, to the millisecond."""
    return round(float(frames / rate), 3)
