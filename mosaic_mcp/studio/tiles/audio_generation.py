"""Audio Generation: a voice-over or a piece of music, from nothing but words."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from hashlib import sha256

from mosaic_mcp.contract.tiles.sound import AudioGenerationParams
from mosaic_mcp.errors import Fault, Unsupported
from mosaic_mcp.studio.composing.moods import DEFAULT, mood_of
from mosaic_mcp.studio.tiles.composed import Piece, composed
from mosaic_mcp.studio.tiles.mood import tempo_for
from mosaic_mcp.studio.tiles.spoken import CALM, spoken
from mosaic_mcp.studio.tiles.tile import TileContext, as_faults
from mosaic_mcp.studio.timeline.model import Clip, Sound, Source, Timeline
from mosaic_mcp.studio.voices.speaking import voice_named

NOTE = (
    "A voice-over is spoken by espeak-ng as in AI Voiceover; voice_id is one of its voices, model "
    "has no effect, and a voice reference is not imitated. Music is synthesised as in AI Music, at "
    "the tempo that its prompt gives (“120 BPM”) or that of its mood, 30 s unless music_length_ms "
    "says otherwise, 5 minutes at most. The output is a video file "
    "that shows the sound's wave, at -16 LUFS: the local studio has no outputs that are sound "
    "alone."
)

USUAL_MS = 30_000
SHORTEST_MS = 500
LONGEST_MS = 300_000
LOUDNESS_LUFS = -16.0
WIDTH, HEIGHT, RATE = 1280, 720, Fraction(30)


async def check(params: AudioGenerationParams) -> list[Fault]:
    """Voices that are not there, music that is too long, and context that would be lost."""
    faults: list[Fault] = []
    if params.selected_context and any(params.selected_context.values()):
        what = "is not drawn on: voices imitate nobody, and music follows its prompt alone."
        remedy = "Leave it out, or use the hosted engine (set MOSAIC_API_KEY)."
        faults.append(Fault("selected_context", what, remedy))
    if params.mode == "voiceover":
        with as_faults(faults, "voice_id"):
            await voice_named(params.voice_id)
    else:
        with as_faults(faults, "music_length_ms"):
            _length(params)
    return faults


async def apply(
    inputs: Sequence[Timeline],
    params: AudioGenerationParams,
    context: TileContext,
) -> list[Timeline]:
    """The inputs, and a timeline with the sound alone."""
    if params.mode == "voiceover":
        voice = await voice_named(params.voice_id)
        await context.report(0.2, "speaking")
        source = await spoken((params.script or "").strip(), voice, CALM, context)
        return [*inputs, sound_alone(source, "voice-over", context.node)]
    return [*inputs, sound_alone(await _music(params, context), "music", context.node)]


async def _music(params: AudioGenerationParams, context: TileContext) -> Source:
    length = _length(params)
    mood = mood_of((params.music_prompt,)) or DEFAULT
    bpm = await tempo_for((params.music_prompt,), context) or mood.bpm
    await context.report(0.2, f"composing: {mood.name}, {bpm} beats a minute")
    wish = sha256((params.music_prompt or "").encode()).hexdigest()
    return await composed(Piece(mood.name, bpm, "medium", length / 1000, wish), context)


def _length(params: AudioGenerationParams) -> int:
    """Milliseconds of music."""
    length = USUAL_MS if params.music_length_ms is None else params.music_length_ms
    if length < SHORTEST_MS:
        raise Unsupported(
            f"The local studio composes at least {SHORTEST_MS / 1000:g} s, not {length} ms.",
            remedy="music_length_ms is in milliseconds: 30000 is half a minute.",
        )
    if length > LONGEST_MS:
        raise Unsupported(
            f"The local studio composes at most {LONGEST_MS // 60_000} minutes, "
            f"not {length / 60_000:.1f}.",
            remedy="Ask for a shorter piece; AI Music repeats it under a longer video.",
        )
    return length


def sound_alone(source: Source, name: str, tile: str) -> Timeline:
    """A timeline of one sound; its picture is the sound's wave."""
    return Timeline(
        name=name,
        width=WIDTH,
        height=HEIGHT,
        frame_rate=RATE,
        sources={source.sha256: source},
        clips=(Clip(source=source.sha256, start=Fraction(0), end=source.duration, tile=tile),),
        sound=Sound(tile=tile, loudness_lufs=LOUDNESS_LUFS),
    )
