"""Every tile of the contract as this studio does it: built, approximated, or declared missing.

`TILES` is the one list: the tile list, plans, reports and the docs all read it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mosaic_mcp.contract.graph_rules import FLOWS
from mosaic_mcp.contract.tiles.catalogue import TILE_TYPES, TileType
from mosaic_mcp.errors import Unsupported
from mosaic_mcp.studio.tiles import (
    audio_enhance,
    audio_generation,
    b_roll,
    captions,
    cinematic_captions,
    clips,
    color_correction,
    emoji_captions,
    generation,
    mirror,
    montage,
    motion_graphics,
    music,
    opening,
    passing,
    reframe,
    rough_cut,
    silence_removal,
    voice,
    voiceover,
    watermark,
)
from mosaic_mcp.studio.tiles.measured import MEASURED, REFUSED, REFUSED_BEFORE
from mosaic_mcp.studio.tiles.tile import Tile, TileContext
from mosaic_mcp.studio.timeline.model import Timeline

_BUILT = (
    Tile("Video Input", "exact", passing.apply),
    Tile("Silence Removal", "approximate", silence_removal.apply, silence_removal.NOTE),
    Tile("Rough Cut", "approximate", rough_cut.apply, rough_cut.NOTE),
    Tile("Clips", "approximate", clips.apply, clips.NOTE),
    Tile("Reframe", "approximate", reframe.apply, reframe.NOTE),
    Tile("Captions", "approximate", captions.apply, captions.NOTE),
    Tile("Cinematic Captions", "approximate", cinematic_captions.apply, cinematic_captions.NOTE),
    Tile("Captions With Emojis", "approximate", emoji_captions.apply, emoji_captions.NOTE),
    Tile("Motion Graphics", "approximate", motion_graphics.apply, motion_graphics.NOTE),
    Tile("Watermark", "approximate", watermark.apply, watermark.NOTE),
    Tile("Audio Enhance", "approximate", audio_enhance.apply, audio_enhance.NOTE),
    Tile("Color Correction", "approximate", color_correction.apply, color_correction.NOTE),
    Tile("Mirror", "exact", mirror.apply, mirror.NOTE),
    Tile("Intro", "approximate", opening.intro, opening.NOTE),
    Tile("Outro", "approximate", opening.outro, opening.NOTE),
    Tile("Montage", "approximate", montage.apply, montage.NOTE),
    Tile("AI Music", "approximate", music.apply, music.NOTE),
    Tile(
        "AI Voiceover",
        "approximate",
        voiceover.apply,
        voiceover.NOTE,
        check=voiceover.check,
    ),
    Tile(
        "Audio Generation",
        "approximate",
        audio_generation.apply,
        audio_generation.NOTE,
        check=audio_generation.check,
    ),
    Tile("Voice", "unsupported", voice.apply, voice.NOTE),
    Tile("AI B-Roll", "approximate", b_roll.apply, b_roll.NOTE, b_roll.means),
    Tile(
        "Image Generation",
        "approximate",
        generation.image,
        generation.IMAGE_NOTE,
        generation.image_means,
        generation.check_image,
    ),
    Tile(
        "Video Generation",
        "approximate",
        generation.video,
        generation.VIDEO_NOTE,
        generation.video_means,
        generation.check_video,
    ),
    Tile(
        "AI Content Generation",
        "approximate",
        generation.content,
        generation.CONTENT_NOTE,
        generation.content_means,
        generation.check_content,
    ),
    Tile("Destination", "approximate", passing.destination, passing.DESTINATION_NOTE),
)

HOSTED = "Use the hosted engine (set MOSAIC_API_KEY)"
WHY = {
    "AI Avatar": "A face that speaks, lips in time with the words, needs a hosted model that the "
    "studio's providers do not have.",
    "AI Augment": "Changing what was filmed needs a hosted video-to-video model; the studio's "
    "providers make pictures and videos from words alone.",
}
"""Of tiles that are not built: what they would take."""
TRIGGER_NOTE = (
    "Kept and listed, but nothing is watched: it starts no run. Runs that somebody starts go on "
    "without it."
)


def _missing(tile: TileType) -> Tile:
    """A tile that fails with what to do instead: never a silent pass-through."""

    async def refuse(
        inputs: Sequence[Timeline],  # noqa: ARG001
        params: Any,  # noqa: ARG001
        context: TileContext,  # noqa: ARG001
    ) -> list[Timeline]:
        raise Unsupported(f"The local studio cannot do {tile.name}. {why}".strip(), remedy=remedy)

    why = WHY.get(tile.name, "")
    # Without what brings or makes the videos there is no run.
    remedy = f"{HOSTED}." if FLOWS[tile.kind].source else f"{HOSTED}, or skip the tile."
    if tile.kind == "trigger":
        return Tile(tile.name, "unsupported", refuse, TRIGGER_NOTE, measured=(REFUSED,))
    note = f"{why or 'Not built in the local studio.'} {remedy}"
    return Tile(tile.name, "unsupported", refuse, note, measured=(REFUSED, REFUSED_BEFORE))


TILES: dict[str, Tile] = {t.name: _missing(t) for t in TILE_TYPES} | {
    t.name: replace(t, measured=MEASURED.get(t.name, ())) for t in _BUILT
}
"""By the contract's name."""
