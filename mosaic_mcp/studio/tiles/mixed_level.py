"""How loud the own sound of a timeline is, for what is laid beside it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mosaic_mcp.studio.tiles.speech.heard import sounding_sources
from mosaic_mcp.studio.tiles.tile import TileContext
from mosaic_mcp.studio.timeline.model import Timeline

INAUDIBLE_LUFS = -60.0


@dataclass(frozen=True, slots=True)
class OwnLevel:
    """The sound of a timeline's clips: its loudness, and whether somebody speaks."""

    lufs: float
    speech: bool


async def own_level(timeline: Timeline, context: TileContext) -> OwnLevel | None:
    """None: there is nothing to hear."""
    power, shown, speech = 0.0, 0.0, False
    for source in sounding_sources(timeline):
        clips = [c for c in timeline.clips if c.source == source.sha256 and not c.muted]
        seconds = float(sum(c.duration for c in clips))
        await context.report(0.6, f"listening to {source.name}")
        level = await context.perception.level(source)
        if level < INAUDIBLE_LUFS:
            continue
        power += seconds * 10 ** (level / 10)
        shown += seconds
        spoken = await context.perception.speech(source)
        speech = speech or any(s.start < c.end and c.start < s.end for s in spoken for c in clips)
    target = timeline.sound.loudness_lufs if timeline.sound else None
    if not shown:
        return None
    return OwnLevel(target if target is not None else 10 * math.log10(power / shown), speech)
