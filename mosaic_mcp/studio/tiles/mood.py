"""Which mood and tempo music is to have: by the words, or by the look of the video."""

from __future__ import annotations

from collections.abc import Iterable

from mosaic_mcp.contract.tiles.sound import MusicParams
from mosaic_mcp.studio.composing.moods import TEMPO, Mood, mood_of, named
from mosaic_mcp.studio.tiles.sight import intervals_of
from mosaic_mcp.studio.tiles.tile import TileContext
from mosaic_mcp.studio.timeline.model import Timeline

QUICK_CUTS = 18.0
"""Shots a minute from which a video counts as lively."""
SLOW_CUTS = 5.0
DARK = 0.22
"""Middle brightness 0..1 below which a video counts as dark."""
SLOWEST, FASTEST = 40, 240
"""Beats a minute that music may have, as for the parameter `bpm`."""


async def tempo_for(texts: Iterable[str | None], context: TileContext) -> int | None:
    """Beats a minute that the first text with a tempo asks for; None: none does.

    One that music cannot have is told, and not read.
    """
    for text in texts:
        for found in TEMPO.finditer(text or ""):
            bpm = int(found[1] or found[2])
            if SLOWEST <= bpm <= FASTEST:
                return bpm
            await context.warn(
                f"“{found[0]}” was not read: music here has {SLOWEST} to {FASTEST} beats a minute"
            )
    return None


async def mood_for(timeline: Timeline, params: MusicParams, context: TileContext) -> Mood | None:
    """Words first; with `use_intelligent_analysis` by cuts and brightness; None: nothing tells."""
    mood = mood_of((params.mood, params.genre, params.style, params.prompt))
    if mood is None and params.use_intelligent_analysis:
        return await _seen(timeline, context)
    return mood


async def _seen(timeline: Timeline, context: TileContext) -> Mood | None:
    """By how often the picture changes and how bright it is. What it shows is not understood."""
    changes, bright = len(timeline.clips), list[float]()
    for sha in dict.fromkeys(clip.source for clip in timeline.clips):
        source = timeline.sources[sha]
        if source.kind != "video":
            continue
        shots = await context.perception.shots(source, intervals_of(sha, [timeline]))
        changes += sum(
            c.start < at < c.end for c in timeline.clips if c.source == sha for at in shots
        )
        colours = await context.perception.colours(source)
        middle = len(colours.green) // 2
        bright.append((colours.red[middle] + colours.green[middle] + colours.blue[middle]) / 3)
    if not bright:
        return None
    a_minute = 60 * changes / max(float(timeline.duration), 1.0)
    if a_minute >= QUICK_CUTS:
        return named("energetic")
    if sum(bright) / len(bright) < DARK:
        return named("cinematic")
    return named("calm") if a_minute <= SLOW_CUTS else None
