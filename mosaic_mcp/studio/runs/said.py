"""What is said in an output, for the subtitles beside it, and which part of it is not known.

Nothing is listened to for subtitles alone: Whisper's smallest model takes as long for a minute of
talk as encoding its picture in 720p (docs/quality.md), larger ones longer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction

from mosaic_mcp.errors import MediaError, Unsupported
from mosaic_mcp.studio.export import cues_of, with_words
from mosaic_mcp.studio.perception.model import Interval, SpokenWord, Words
from mosaic_mcp.studio.tiles.speech.heard import (
    DEAF,
    NONE_HEARD,
    UNCERTAIN,
    sounding_sources,
)
from mosaic_mcp.studio.tiles.speech.spans import merged
from mosaic_mcp.studio.timeline.edit import offsets
from mosaic_mcp.studio.timeline.model import Source, Timeline

UNKNOWN = "the words of {} are not known"
VOICE = "the script of the voice-over is not written into them"

MOST_TOLD = 3
"""Sources or parts that a sentence names."""


@dataclass(frozen=True, slots=True)
class Said:
    """The words of an output, as far as they are known."""

    timeline: Timeline
    """With every known word as a caption: to be written, not drawn."""
    missing: str = ""
    """Whose words are missing, where and why, as a sentence; empty when none are."""
    remedy: str = ""


async def said_in(
    timeline: Timeline, known_words: Callable[[Source], Awaitable[Words | None]]
) -> Said:
    """The captions of a timeline and the known words of what sounds in it beside them."""
    shown = timeline.captions.words if timeline.captions else ()
    captioned = {word.source for word in shown}
    said: dict[str, Sequence[SpokenWord]] = {}
    missing: dict[str, list[Source]] = {}
    for source in sounding_sources(timeline):
        if source.sha256 in captioned:
            continue
        try:
            words = await known_words(source)
        except (MediaError, Unsupported):
            missing.setdefault(DEAF, []).append(source)
            continue
        if words is not None and words.reliable:
            said[source.sha256] = words.words
        else:
            missing.setdefault(_why(words), []).append(source)
    for sha256 in dict.fromkeys(t.source for t in timeline.tracks if t.kind == "voice"):
        voice = timeline.sources[sha256]
        words = None
        with suppress(MediaError, Unsupported):
            words = await known_words(voice) if voice.transcript else None
        if words is not None:
            said |= {} if sha256 in captioned else {sha256: words.words}
        else:
            missing.setdefault(VOICE, []).append(voice)
    told = with_words(timeline, said)
    return Said(told, _sentence(told, missing), _remedy(missing)) if missing else Said(told)


def _why(words: Words | None) -> str:
    if words is None:
        return UNKNOWN
    return UNCERTAIN if words.words else NONE_HEARD


def _sentence(told: Timeline, missing: Mapping[str, Sequence[Source]]) -> str:
    """What a file without those words must not be taken for: all that is said."""
    reasons = "; ".join(
        why.format(_listed([source.name for source in sources])) for why, sources in missing.items()
    )
    head = "No subtitles"
    if cues_of(told):
        without = {s.sha256 for why, sources in missing.items() if why != VOICE for s in sources}
        parts = [*_parts(told, without), *(["the voice-over"] if VOICE in missing else [])]
        head = f"The subtitles leave out {_listed(parts)}"
    return f"{head}: {reasons}."


def _remedy(missing: Collection[str]) -> str:
    if UNKNOWN in missing:
        return "read_transcript of this output listens to it, or bring an SRT; then run again."
    return "Bring an SRT and run again." if set(missing) - {NONE_HEARD, VOICE} else ""


def _parts(timeline: Timeline, sources: set[str]) -> list[str]:
    """Where in the output they are heard."""
    heard = merged(
        Interval(start=at, end=at + clip.duration)
        for clip, at in zip(timeline.clips, offsets(timeline), strict=False)
        if clip.source in sources and not clip.muted
    )
    return [f"{_clock(part.start)}-{_clock(part.end)}" for part in heard]


def _clock(seconds: Fraction) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - MOST_TOLD
    return ", ".join(names[:MOST_TOLD]) + (f" and {more} more" if more > 0 else "")
