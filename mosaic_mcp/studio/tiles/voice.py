"""Voice: speech in another language. The studio says why it cannot."""

from __future__ import annotations

from collections.abc import Sequence

from mosaic_mcp.contract.tiles.sound import VoiceParams
from mosaic_mcp.errors import Unsupported
from mosaic_mcp.studio.tiles.tile import TileContext
from mosaic_mcp.studio.timeline.model import Timeline

REMEDY = (
    "Use the hosted engine (set MOSAIC_API_KEY) or skip the tile. With a translation of your own, "
    "AI Voiceover speaks it over the video, and Captions shows it when it is brought as the SRT."
)
NOTE = (
    "Not done in the local studio: translating speech, keeping the speaker's voice and moving the "
    f"lips need models. {REMEDY}"
)


async def apply(
    inputs: Sequence[Timeline],  # noqa: ARG001
    params: VoiceParams,
    context: TileContext,  # noqa: ARG001
) -> list[Timeline]:
    """Refuse, with what can be done instead."""
    into = f" into {params.target_language}" if params.target_language else ""
    raise Unsupported(f"The local studio cannot translate speech{into}.", remedy=REMEDY)
