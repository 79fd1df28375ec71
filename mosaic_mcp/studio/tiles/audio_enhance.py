"""Audio Enhance: less noise, even loudness."""

from __future__ import annotations

from collections.abc import Sequence

from mosaic_mcp.studio.tiles.speech.heard import sounding_sources
from mosaic_mcp.studio.tiles.tile import TileContext
from mosaic_mcp.studio.timeline.model import Sound, Timeline

NOTE = (
    "Spectral noise reduction, then -14 LUFS with true peaks below -1 dB. No speech separation. "
    "A video without sound passes unchanged."
)

LOUDNESS_LUFS = -14.0
"""What YouTube, Spotify and TikTok level to."""
TRUE_PEAK_DB = -1.0


async def apply(
    inputs: Sequence[Timeline],
    params: object,  # noqa: ARG001  the tile has no settings
    context: TileContext,
) -> list[Timeline]:
    """Ask for a clean, level sound on every input that has one."""
    sound = Sound(
        tile=context.node, denoise=True, loudness_lufs=LOUDNESS_LUFS, true_peak_db=TRUE_PEAK_DB
    )
    silent = [t.name for t in inputs if not _sounds(t)]
    if silent:
        await context.warn(f"no sound to enhance in {', '.join(silent)}")
    return [t.model_copy(update={"sound": sound}) if _sounds(t) else t for t in inputs]


def _sounds(timeline: Timeline) -> bool:
    return bool(timeline.tracks or sounding_sources(timeline))
