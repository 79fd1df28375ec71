"""Silence Removal: takes out what is not spoken, and filler words where the words are known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

import anyio.to_thread

from mosaic_mcp.contract.languages import in_words, is_english
from mosaic_mcp.contract.tiles.params import SilenceRemovalParams
from mosaic_mcp.contract.words import listed
from mosaic_mcp.studio.perception.model import ESTIMATED, Interval
from mosaic_mcp.studio.tiles.speech.heard import (
    Heard,
    hear_speech,
    listen,
    require_words,
    sounding_sources,
)
from mosaic_mcp.studio.tiles.speech.sounds import sounds_without
from mosaic_mcp.studio.tiles.speech.spans import Pace, keep, spans_of, tighten, without
from mosaic_mcp.studio.tiles.tile import TileContext, each_of
from mosaic_mcp.studio.timeline.edit import PlacedWord
from mosaic_mcp.studio.timeline.model import Timeline

NOTE = (
    "Pauses of 0.4 s or more are shortened to 0.27 s of breathing room. Filler words means the "
    "hesitations in the transcript (um, uh, er, hmm), not words such as “like” or “so”; it needs "
    "a reliable transcript, and leaves those that could not be timed by the sound: only English "
    "is, so in other languages subtitles' hesitations stay. The run warns of those that stay."
)

MOST_NAMED = 5
"""Hesitations that a warning names."""

PACE = Pace(longest_pause=Fraction(40, 100), before=Fraction(12, 100), after=Fraction(15, 100))


async def apply(
    inputs: Sequence[Timeline], params: SilenceRemovalParams, context: TileContext
) -> list[Timeline]:
    """Shorten the pauses of every input."""
    return [
        await _tightened(timeline, params.remove_filler_words, part)
        for timeline, part in each_of(inputs, context)
    ]


async def _tightened(timeline: Timeline, fillers: bool, context: TileContext) -> Timeline:
    speech = await hear_speech(timeline, "Silence Removal", context)
    heard = Heard(words=())
    if fillers or any(s.transcript for s in sounding_sources(timeline)):
        heard = await listen(timeline, context)
    if fillers:
        require_words(heard, "Filler words cannot be removed")
        for warning in _staying(timeline, heard):
            await context.warn(warning)
    spoken = heard.words if heard.reliable else ()
    # In threads: hours of speech take seconds.
    kept = await anyio.to_thread.run_sync(_kept, timeline, speech, spoken, fillers)
    left = sum((k.duration for k in kept), Fraction(0))
    await context.report(
        1.0, f"kept {float(left):.1f} of {float(timeline.duration):.1f} s of {timeline.name}"
    )
    return await anyio.to_thread.run_sync(keep, timeline, kept, context.node)


def _kept(
    timeline: Timeline, speech: Sequence[Interval], spoken: Sequence[PlacedWord], fillers: bool
) -> list[Interval]:
    words = spans_of(w for w in spoken if not (fillers and _removable(w)))
    cuts = without(spans_of(w for w in spoken if fillers and _removable(w)), words)
    sounds = sounds_without(cuts, speech, words)
    return tighten(sounds, cuts, timeline.duration, PACE, timeline.frame_rate)


def _staying(timeline: Timeline, heard: Heard) -> Iterator[str]:
    """Of each source whose hesitations stay: which, and why."""
    for sha, said in heard.said.items():
        name = timeline.sources[sha].name
        fillers = [word for word in heard.words if word.source == sha and word.filler]
        stay = dict.fromkeys(word.text for word in fillers if not _removable(word))
        which = f" ({listed(list(stay), MOST_NAMED)})" if stay else ""
        if stay and is_english(said.language):
            yield f"hesitations of {name} stay{which}: they could not be found in the sound"
        elif stay or not (fillers or is_english(said.language)):
            yield (
                f"hesitations of {name} stay{which}: only English ones are timed by the sound, "
                f"and this is {in_words(said.language)}"
            )
        elif said.origin == "user" and not any(word.filler for word in said.words):
            yield f"no hesitations of {name} are removed: none are written in its subtitles"


def _removable(word: PlacedWord) -> bool:
    """A hesitation whose time is a guess stays: another word might be said at that time."""
    return word.filler and word.confidence > ESTIMATED
