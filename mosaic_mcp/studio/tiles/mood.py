"""Which mood music is to have: by the words, or by the look of the video."""

from __future__ import annotations

from mosaic_mcp.contract.tiles.sound import MusicParams
from mosaic_mcp.studio.composing.moods import DEFAULT, Mood, mood_of, named
from mosaic_mcp.studio.tiles.sight import intervals_of
from mosaic_mcp.studio.tiles.tile import TileContext
from mosaic_mcp.studio.timeline.model import Timeline

QUICK_CUTS = 18.0
"""Shots a minute from which a video counts as lively."""
SLOW_CUTS = 5.0
DARK = 0.22
"""Middle brightness 0..1 below which a video counts as dark."""


async def mood_for(timeline: Timeline, params: MusicParams, context: TileContext) -> Mood:
    """Words first; with `use_intelligent_analysis` by cuts and brightness; else the usual one."""
    mood = mood_of((params.mood, params.genre, params.style, params.prompt))
    if mood is None and params.use_intelligent_analysis:
        mood = await _seen(timeline, context)
    mood = mood or DEFAULT
    await context.report(0.3, f"composing: {mood.name}, {params.bpm or mood.bpm:g} beats a minute")
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
