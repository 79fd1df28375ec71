"""AI Music: music under the video, the user's own or composed here."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from mosaic_mcp.contract.tiles.sound import MusicParams
from mosaic_mcp.errors import MediaError
from mosaic_mcp.studio.composing.moods import DEFAULT, Mood
from mosaic_mcp.studio.tiles.composed import Piece, composed
from mosaic_mcp.studio.tiles.mixed_level import own_level
from mosaic_mcp.studio.tiles.mood import mood_for, tempo_for
from mosaic_mcp.studio.tiles.songs import MEASURED, NEAR_TEMPO, Shelf
from mosaic_mcp.studio.tiles.tile import TileContext, each_of
from mosaic_mcp.studio.timeline.model import Source, Timeline, Track

NOTE = (
    "Plays audio_id where it is given; else a song of your music folder (`music` in the data "
    "folder; not where several machines work on one MOSAIC_STUDIO_DATABASE). What counts is first "
    "how many words of the genre, mood, style and prompt are in its name and tags, and whether "
    "they say the same mood, then its measured tempo: nearest to what is usual for the mood. A BPM "
    f"that is asked for it must have (within {NEAR_TEMPO:.0%}; half or twice counts); for one in "
    "the words (“120 BPM”) such a song is looked for, and another played where none fits. At most "
    f"{MEASURED} songs are measured for a video. "
    "Where no word says a mood, use_intelligent_analysis takes it from cuts and brightness; where "
    "no word says anything, any song may play. Without one that fits the studio synthesises a "
    "simple instrumental from rules (chords, bass, drums, a motif; eight moods; that tempo): no "
    "recording, no voice, no model, and the style is not read further than its mood. Softer while "
    "somebody speaks."
)

UNDER_SPEECH_LU = -18.0
"""Music while somebody speaks, against the speech."""
ALONE_LU = -10.0
"""Between what is said."""
BESIDE_SOUND_LU = -6.0
"""Under sound in which nobody speaks."""
SILENT_LUFS = -16.0
"""Where there is no other sound."""
INTENSITY_LU = {"low": -4.0, "medium": 0.0, "high": 3.0}
FADE_S = 1.5
LONGEST_WHOLE_S = 180
"""Longer pieces are a loop that fades out."""


async def apply(
    inputs: Sequence[Timeline], params: MusicParams, context: TileContext
) -> list[Timeline]:
    """Lay music under every input."""
    shelf = Shelf()
    return [await _with_music(t, params, shelf, part) for t, part in each_of(inputs, context)]


async def _with_music(
    timeline: Timeline, params: MusicParams, shelf: Shelf, context: TileContext
) -> Timeline:
    start, end = _span(timeline, params)
    if params.audio_id is not None:
        source = await _uploaded(params.audio_id, context)
    else:
        mood = await mood_for(timeline, params, context)
        said = (params.prompt, params.style, params.genre, params.mood)
        bpm = await tempo_for(said, context) if params.bpm is None else None
        source = await shelf.song_for(params, mood, bpm, context)
        if source is None:
            mood = mood or DEFAULT
            bpm = params.bpm or bpm or mood.bpm
            source = await _composed(timeline, params, mood, bpm, float(end - start), context)
    gain, duck = await _gains(timeline, source, params, context)
    length = end - start
    track = Track(
        tile=context.node,
        source=source.sha256,
        at=start,
        until=None if params.end_time is None else end,
        loop=source.duration < length,
        gain_db=gain,
        duck_db=duck,
        fade_s=min(FADE_S, float(min(length, source.duration)) / 4),
    )
    return timeline.model_copy(
        update={
            "sources": {**timeline.sources, source.sha256: source},
            "tracks": (*timeline.tracks, track),
        }
    )


def _span(timeline: Timeline, params: MusicParams) -> tuple[Fraction, Fraction]:
    """From where to where of the output."""
    start = Fraction(params.start_time or 0).limit_denominator(1000)
    end = timeline.duration
    if params.end_time is not None:
        end = min(end, Fraction(params.end_time).limit_denominator(1000))
    if end - start < Fraction(1, 2):
        raise MediaError(
            f"{timeline.name} lasts {float(timeline.duration):.1f} s: from {float(start):.1f} s on "
            "there is no room for music.",
            remedy="Give an earlier start_time.",
        )
    return start, end


async def _uploaded(asset_id: str, context: TileContext) -> Source:
    source = await context.assets.source(asset_id)
    if not source.audio_channels:
        raise MediaError(
            f"{source.name} ({asset_id}) has no sound.",
            remedy="Upload an audio file and give its id.",
        )
    return source


async def _composed(
    timeline: Timeline,
    params: MusicParams,
    mood: Mood,
    bpm: float,
    seconds: float,
    context: TileContext,
) -> Source:
    await context.report(0.3, f"composing: {mood.name}, {bpm:g} beats a minute")
    piece = Piece(
        mood=mood.name,
        bpm=bpm,
        intensity=params.intensity,
        seconds=round(seconds, 3) if seconds <= LONGEST_WHOLE_S else None,
        # Another wish, or another video, is another piece; the same is the same.
        wish="|".join((params.prompt or "", params.style or "", timeline.name)),
    )
    return await composed(piece, context)


async def _gains(
    timeline: Timeline, music: Source, params: MusicParams, context: TileContext
) -> tuple[float, float]:
    """The track's gain, and what is added while somebody speaks; in dB."""
    level = await context.perception.level(music)
    own = await own_level(timeline, context)
    more = INTENSITY_LU[params.intensity]
    if own is None:
        return round(SILENT_LUFS + more - level, 1), 0.0
    if not own.speech:
        return round(own.lufs + BESIDE_SOUND_LU + more - level, 1), 0.0
    return round(own.lufs + ALONE_LU + more - level, 1), UNDER_SPEECH_LU - ALONE_LU
