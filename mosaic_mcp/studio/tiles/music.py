"""AI Music: music under the video, the user's own or composed here."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from mosaic_mcp.contract.tiles.sound import MusicParams
from mosaic_mcp.errors import MediaError
from mosaic_mcp.studio.perception.model import Beats
from mosaic_mcp.studio.tiles.composed import Piece, composed
from mosaic_mcp.studio.tiles.mixed_level import own_level
from mosaic_mcp.studio.tiles.mood import mood_for
from mosaic_mcp.studio.tiles.speech.relevance import stems
from mosaic_mcp.studio.tiles.tile import Song, TileContext, each_of
from mosaic_mcp.studio.timeline.model import Source, Timeline, Track

NOTE = (
    "Plays audio_id where it is given; else a song of your music folder (`music` in the data "
    "folder; not where several machines work on one MOSAIC_STUDIO_DATABASE) whose name or tags "
    "have a word of the genre, mood, style or prompt, by tempo where a BPM is given. Without one "
    "the studio synthesises a simple instrumental from rules (chords, bass, drums, a motif; eight "
    "moods): no recording, no voice, no model, and the style is not read further than its mood. "
    "Softer while somebody speaks."
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
NEAR_TEMPO = 0.06
"""How far, as a share, a song's tempo may be from the one asked for; twice and half count."""
ANY_MUSIC = {"music", "song", "track", "background", "mp3"}
"""Words (stems) that say nothing of what music is wanted."""
MEASURED = 8
"""Songs whose tempo is measured, at most."""


async def apply(
    inputs: Sequence[Timeline], params: MusicParams, context: TileContext
) -> list[Timeline]:
    """Lay music under every input."""
    return [await _with_music(t, params, part) for t, part in each_of(inputs, context)]


async def _with_music(timeline: Timeline, params: MusicParams, context: TileContext) -> Timeline:
    start, end = _span(timeline, params)
    source = await _chosen(params, context)
    if source is None:
        source = await _composed(timeline, params, float(end - start), context)
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


async def _chosen(params: MusicParams, context: TileContext) -> Source | None:
    """The uploaded music, or a fitting song; None: none fits."""
    if params.audio_id is not None:
        source = await context.assets.source(params.audio_id)
        if not source.audio_channels:
            raise MediaError(
                f"{source.name} ({params.audio_id}) has no sound.",
                remedy="Upload an audio file and give its id.",
            )
        return source
    songs = await context.sounds.songs()
    return await _song(songs, params, context) if songs else None


async def _song(songs: list[Song], params: MusicParams, context: TileContext) -> Source | None:
    wanted = _words(
        " ".join(filter(None, (params.genre, params.mood, params.style, params.prompt)))
    )
    scores = [len(wanted & _words(song.words)) for song in songs]
    best = max(scores)
    if wanted and not best:
        await context.report(0.2, "no song of the music folder fits the words")
        return None
    fitting = [song for song, score in zip(songs, scores, strict=True) if score == best]
    if params.bpm is None:
        await context.report(0.2, f"playing {fitting[0].path.name} of the music folder")
        return await context.sounds.song(fitting[0])
    for song in fitting[:MEASURED]:
        await context.report(0.2, f"measuring the tempo of {song.path.name}")
        source = await context.sounds.song(song)
        if _near(await context.perception.beats(source), params.bpm):
            return source
    await context.report(0.2, f"no fitting song has {params.bpm:g} beats a minute")
    return None


def _words(text: str) -> set[str]:
    return set(stems(text, "en")) - ANY_MUSIC


def _near(beats: Beats, bpm: float) -> bool:
    ratios = (beats.tempo / bpm * factor for factor in (0.5, 1.0, 2.0))
    return any(abs(ratio - 1) <= NEAR_TEMPO for ratio in ratios)


async def _composed(
    timeline: Timeline, params: MusicParams, seconds: float, context: TileContext
) -> Source:
    mood = await mood_for(timeline, params, context)
    piece = Piece(
        mood=mood.name,
        bpm=params.bpm or mood.bpm,
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
