"""AI Voiceover: a script, spoken over the video."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from mosaic_mcp.contract.tiles.sound import VoiceoverParams
from mosaic_mcp.errors import Fault, Unsupported
from mosaic_mcp.studio.tiles.sight import intervals_of
from mosaic_mcp.studio.tiles.spoken import spoken_within
from mosaic_mcp.studio.tiles.tile import TileContext, as_faults, each_of
from mosaic_mcp.studio.timeline.edit import offsets, to_output
from mosaic_mcp.studio.timeline.model import Source, Timeline, Track
from mosaic_mcp.studio.voices.speaking import voice_named

NOTE = (
    "Spoken by espeak-ng, a plainly robotic voice, on this machine (the extra `voice`); voices are "
    "languages, female and male. Everything else is softer while it speaks. A script that is too "
    "long is spoken faster, up to 205 words a minute; one that still does not fit is refused with "
    "the number of words that would. Aligned, its paragraphs (or sentences) begin where shots do, "
    "in order: what a shot shows is not understood. A script is not written here: auto needs the "
    "hosted engine. Captions behind it and the subtitles of the output have its words while it "
    "speaks, unless the system's espeak-ng speaks, which does not tell when."
)

VOICE_LUFS = -16.0
DUCK_DB = -14.0
"""Of everything else while the voice speaks."""
PAUSE = Fraction(3, 10)
"""Seconds between two parts of a script."""
AUTO = (
    "Write the script yourself (script_mode custom): a chat assistant that has read the transcript "
    "can. Or use the hosted engine (set MOSAIC_API_KEY)."
)


async def check(params: VoiceoverParams) -> list[Fault]:
    """Scripts that are to be written, and voices that are not there."""
    faults: list[Fault] = []
    with as_faults(faults, "script_mode"):
        _refuse_auto(params)
    with as_faults(faults, "voice"):
        await voice_named(params.voice)
    return faults


def _refuse_auto(params: VoiceoverParams) -> None:
    if params.script_mode == "auto":
        raise Unsupported("The local studio does not write scripts.", remedy=AUTO)


async def apply(
    inputs: Sequence[Timeline], params: VoiceoverParams, context: TileContext
) -> list[Timeline]:
    """Lay the script over every input."""
    _refuse_auto(params)
    voice = await voice_named(params.voice)
    return [await _with_voice(t, params, voice, part) for t, part in each_of(inputs, context)]


async def _with_voice(
    timeline: Timeline, params: VoiceoverParams, voice: str, context: TileContext
) -> Timeline:
    script = params.script or ""
    texts = parts_of(script) if params.align_to_moments else [script.strip()]
    made = await spoken_within(texts, voice, timeline.duration, PAUSE, context)
    times = [Fraction(0)]
    if params.align_to_moments:
        moments = await _moments(timeline, context)
        times = placed([s.duration for s in made], moments, timeline.duration)
    tracks = [await _track(source, at, context) for source, at in zip(made, times, strict=True)]
    return timeline.model_copy(
        update={
            "sources": timeline.sources | {s.sha256: s for s in made},
            "tracks": (*timeline.tracks, *tracks),
        }
    )


async def _track(source: Source, at: Fraction, context: TileContext) -> Track:
    level = await context.perception.level(source)
    return Track(
        tile=context.node,
        source=source.sha256,
        kind="voice",
        at=at,
        gain_db=round(VOICE_LUFS - level, 1) if level > -60 else 0.0,
        duck_db=DUCK_DB,
    )


def parts_of(script: str) -> list[str]:
    """The paragraphs of a script; its sentences when it has one paragraph only."""
    paragraphs = [p.strip() for p in re.split(r"\n\s*\n", script) if p.strip()]
    if len(paragraphs) > 1:
        return paragraphs
    return [s.strip() for s in re.split(r"(?<=[.!?…])\s+", script.strip()) if s.strip()]


async def _moments(timeline: Timeline, context: TileContext) -> list[Fraction]:
    """Where in the output the picture changes."""
    found = set(offsets(timeline)[:-1])
    for sha in dict.fromkeys(clip.source for clip in timeline.clips):
        source, shown = timeline.sources[sha], intervals_of(sha, [timeline])
        for at in await context.perception.shots(source, shown):
            found.update(to_output(timeline, sha, at))
    return sorted(found)


def placed(
    lengths: Sequence[Fraction], moments: Sequence[Fraction], duration: Fraction
) -> list[Fraction]:
    """When each part begins: spread over the video, at the nearest moment that leaves room.

    In order and without overlap; together the parts must fit.
    """
    times: list[Fraction] = []
    earliest = Fraction(0)
    for number, length in enumerate(lengths):
        rest = sum(lengths[number:], Fraction(0)) + PAUSE * (len(lengths) - number - 1)
        latest = max(duration - rest, earliest)
        ideal = min(max(duration * number / len(lengths), earliest), latest)
        fitting = [m for m in moments if earliest <= m <= latest]
        at = min(fitting, key=lambda m: abs(m - ideal)) if fitting else ideal
        times.append(at)
        earliest = at + length + PAUSE
    return times
