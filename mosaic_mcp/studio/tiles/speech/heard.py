"""What is heard in a timeline: speech and words placed in its own (output) time.

Tiles that cut by what is said work in output time, so that earlier cuts need no special case: a
pause that spans two clips is one pause.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from mosaic_mcp.errors import MediaError, Unsupported
from mosaic_mcp.studio.perception.model import Interval, Words
from mosaic_mcp.studio.side_by_side import side_by_side
from mosaic_mcp.studio.tiles.speech.spans import merged
from mosaic_mcp.studio.tiles.tile import TileContext
from mosaic_mcp.studio.timeline.edit import PlacedWord, offsets, placed_words
from mosaic_mcp.studio.timeline.model import Source, Timeline

BRING_WORDS = (
    "Bring the words: pass the video's subtitles (SRT or VTT) as its transcript; install a better "
    "recogniser (`mosaic-mcp models`); or run the agent on the hosted engine."
)

ESTIMATED = 0.5
"""A word of this confidence or less is timed by its place in the text, not by the sound."""


@dataclass(frozen=True, slots=True)
class Heard:
    """The words of a timeline in output time, and whether to build on them."""

    words: tuple[PlacedWord, ...]
    language: str = "en"
    doubt: str = ""
    """Why the words cannot be relied on, as a sentence; empty when they can."""

    @property
    def reliable(self) -> bool:
        """True when every source's transcript is."""
        return not self.doubt


def sounding_sources(timeline: Timeline) -> list[Source]:
    """The sources with sound that clips show, in order of appearance."""
    shown = dict.fromkeys(clip.source for clip in timeline.clips)
    return [s for sha in shown if (s := timeline.sources[sha]).audio_channels]


async def hear(timeline: Timeline, tile: str, context: TileContext) -> tuple[list[Interval], Heard]:
    """Where somebody speaks, and what is said: as the two below, found out side by side."""
    said: list[Heard] = []

    async def words() -> None:
        said.append(await listen(timeline, context))

    async with side_by_side() as group:
        group.start_soon(words)
        spoken = await hear_speech(timeline, tile, context)
    return spoken, said[0]


async def listen(timeline: Timeline, context: TileContext) -> Heard:
    """Read the transcript of every sounding source and place its words."""
    transcripts: dict[str, Words] = {}
    for source in sounding_sources(timeline):
        await context.report(0.1, f"reading the words of {source.name}")
        transcripts[source.sha256] = await context.perception.words(source)
    doubts = [_doubt(timeline.sources[sha], t) for sha, t in transcripts.items() if not t.reliable]
    return Heard(
        words=tuple(placed_words(timeline, {k: v.words for k, v in transcripts.items()})),
        language=next((t.language for t in transcripts.values()), "en"),
        doubt=doubts[0] if doubts else "",
    )


def require_words(heard: Heard, wish: str) -> None:
    """Refuse `wish` ("Captions cannot be made") when the transcript cannot carry it."""
    if heard.doubt:
        raise Unsupported(f"{wish}: {heard.doubt}", remedy=BRING_WORDS)


def _doubt(source: Source, words: Words) -> str:
    note = f" ({words.note.rstrip('.')})" if words.note else ""
    return (
        f"the transcript of {source.name} by {words.origin} is not reliable, "
        f"confidence {words.confidence:.2f}{note}."
    )


async def hear_speech(timeline: Timeline, tile: str, context: TileContext) -> list[Interval]:
    """Where somebody speaks, in output time, merged. Without any speech `tile` is refused.

    A source without sound has no silence to tell from speech: its clips count as spoken, so that
    nothing of a silent insert is taken for a pause.
    """
    if not sounding_sources(timeline):
        raise MediaError(
            f"{timeline.name} has no sound, so {tile} cannot tell speech from silence.",
            remedy=f"Leave {tile} out for this video.",
        )
    spoken: dict[str, Sequence[Interval]] = {}
    for sha in dict.fromkeys(clip.source for clip in timeline.clips):
        source = timeline.sources[sha]
        if source.audio_channels:
            await context.report(0.1, f"listening to {source.name}")
            spoken[sha] = await context.perception.speech(source)
        else:
            spoken[sha] = [Interval(start=Fraction(0), end=source.duration)]
    placed = _placed(timeline, spoken)
    if not placed:
        raise MediaError(
            f"Nobody speaks in {timeline.name}, so {tile} has nothing to go by.",
            remedy=f"Leave {tile} out for this video.",
        )
    return placed


def _placed(timeline: Timeline, spoken: Mapping[str, Sequence[Interval]]) -> list[Interval]:
    """Intervals of source time in output time: a clip shows the part that lies inside it."""
    return merged(
        Interval(
            start=at + max(part.start, clip.start) - clip.start,
            end=at + min(part.end, clip.end) - clip.start,
        )
        for clip, at in zip(timeline.clips, offsets(timeline), strict=False)
        for part in spoken[clip.source]
        if part.start < clip.end and clip.start < part.end
    )
