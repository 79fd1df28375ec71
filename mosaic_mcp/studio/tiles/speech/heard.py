"""What is heard in a timeline: speech and words placed in its own (output) time.

Tiles that cut by what is said work in output time, so that earlier cuts need no special case: a
pause that spans two clips is one pause.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mosaic_mcp.contract.languages import UNKNOWN
from mosaic_mcp.errors import MediaError, MosaicError, Unsupported
from mosaic_mcp.studio.perception.model import Interval, Perception, Words
from mosaic_mcp.studio.side_by_side import side_by_side
from mosaic_mcp.studio.tiles.speech.spans import Stretches, merged
from mosaic_mcp.studio.tiles.tile import TileContext
from mosaic_mcp.studio.timeline.edit import (
    PlacedWord,
    all_placed_words,
    offsets,
    placed_words,
    track_end,
)
from mosaic_mcp.studio.timeline.model import Source, Timeline

BRING_WORDS = (
    "Bring the words: pass the video's subtitles (SRT or VTT) as its transcript; install a better "
    "recogniser (`mosaic-mcp models`); or run the agent on the hosted engine."
)

UNCERTAIN = "the words of {} are too uncertain"
DEAF = "{} cannot be listened to"
NONE_HEARD = "no words were heard in {}"


@dataclass(frozen=True, slots=True)
class Heard:
    """The words of a timeline in output time, and whether to build on them."""

    words: tuple[PlacedWord, ...]
    """Those of the sources in `said`."""
    language: str = UNKNOWN
    doubt: str = ""
    """Why no words can be relied on, as a sentence; empty when some can."""
    said: Mapping[str, Words] = field(default_factory=dict[str, Words])
    """The transcripts that can be relied on, by source."""

    @property
    def reliable(self) -> bool:
        """True unless there are words, and none of them can be relied on."""
        return not self.doubt


def sounding_sources(timeline: Timeline) -> list[Source]:
    """The sources whose sound clips let hear, in order of appearance."""
    shown = dict.fromkeys(clip.source for clip in timeline.clips if not clip.muted)
    return [s for sha in shown if (s := timeline.sources[sha]).audio_channels]


async def hear(timeline: Timeline, context: TileContext) -> tuple[list[Interval], Heard]:
    """Where somebody speaks, and what is said: as the two below, found out side by side."""
    said: list[Heard] = []

    async def words() -> None:
        said.append(await listen(timeline, context))

    async with side_by_side() as group:
        group.start_soon(words)
        spoken = await speech_in(timeline, context)
    return spoken, said[0]


async def listen(timeline: Timeline, context: TileContext) -> Heard:
    """Read the transcript of every sounding source and place the words that can be relied on.

    As for the subtitles beside an output (`runs/said.py`), one source costs the others nothing: a
    source whose words are uncertain is left out with a warning, and one in whose clips nothing was
    heard lacks no words. Where no source has words to rely on, that is the doubt.
    """
    heard: dict[str, Words] = {}
    deaf: dict[str, MosaicError] = {}
    for source in sounding_sources(timeline):
        await context.report(0.1, f"reading the words of {source.name}")
        try:
            heard[source.sha256] = await context.perception.words(source)
        except (MediaError, Unsupported) as error:
            deaf[source.sha256] = error
    placed = placed_words(timeline, {sha: words.words for sha, words in heard.items()})
    speaking = {word.source for word in placed}
    said = {sha: words for sha, words in heard.items() if words.reliable and sha in speaking}
    if not said:
        if deaf:
            raise next(iter(deaf.values()))
        return _doubtful(timeline, heard, speaking)
    for warning in _warnings(timeline, heard, deaf, speaking):
        await context.warn(warning)
    return Heard(
        words=tuple(word for word in placed if word.source in said),
        language=next(words.language for words in said.values()),
        said=said,
    )


async def scripts_of(timeline: Timeline, perception: Perception) -> dict[str, Words]:
    """The words of the voices beside the clips that carry them, by source."""
    voices = dict.fromkeys(track.source for track in timeline.tracks if track.kind == "voice")
    sources = [timeline.sources[sha] for sha in voices]
    return {s.sha256: await perception.words(s) for s in sources if s.transcript}


async def listen_to_all(timeline: Timeline, context: TileContext) -> Heard:
    """As `listen`, with the voices beside the clips: while one of them speaks, it alone counts."""
    scripts = await scripts_of(timeline, context.perception)
    if not scripts:
        return await listen(timeline, context)
    try:
        beside = await listen(timeline, context)
    except (MediaError, Unsupported) as error:
        beside = Heard(words=(), doubt=error.message)
    if beside.doubt:
        await context.warn(f"only the voice-over is gone by: {beside.doubt}")
    said = {sha: script.words for sha, script in scripts.items()}
    voices = [w for w in all_placed_words(timeline, said) if w.clip >= len(timeline.clips)]
    spoken = Stretches(
        Interval(start=track.at, end=track_end(track, timeline))
        for track in timeline.tracks
        if track.source in scripts
    )
    rest = [word for word in beside.words if not spoken.touch(word)]
    return Heard(
        words=tuple(sorted((*voices, *rest), key=lambda word: word.start)),
        language=next(script.language for script in scripts.values()),
        said={**beside.said, **scripts},
    )


def require_words(heard: Heard, wish: str) -> None:
    """Refuse `wish` ("Captions cannot be made") when the transcript cannot carry it."""
    if heard.doubt:
        raise Unsupported(f"{wish}: {heard.doubt}", remedy=BRING_WORDS)


def _doubtful(timeline: Timeline, heard: Mapping[str, Words], speaking: Collection[str]) -> Heard:
    """Without words to rely on; a source that speaks is doubted rather than one that does not."""
    unsure = sorted(
        (sha for sha, words in heard.items() if not words.reliable),
        key=lambda sha: sha not in speaking,
    )
    doubts = [_doubt(timeline.sources[sha], heard[sha]) for sha in unsure]
    return Heard(
        words=(),
        language=next((words.language for words in heard.values()), UNKNOWN),
        doubt=doubts[0] if doubts else "",
    )


def _warnings(
    timeline: Timeline,
    heard: Mapping[str, Words],
    deaf: Mapping[str, MosaicError],
    speaking: Collection[str],
) -> Iterator[str]:
    """Whose words are left out, and whose text is perhaps not what is said."""
    for sha, error in deaf.items():
        left_out = f"{DEAF.format(timeline.sources[sha].name)}, so its words are left out"
        yield f"{left_out}: {error.message}"
    for sha in (sha for sha in heard if sha in speaking):
        name, words = timeline.sources[sha].name, heard[sha]
        if not words.reliable:
            yield (
                f"{UNCERTAIN.format(name)} and left out (confidence {words.confidence:.2f} by "
                f"{words.origin}); bring its SRT or VTT to have them"
            )
        elif not words.fits:
            yield (
                f"only {words.timed:.0%} of the subtitles' words fit the sound of {name}; are they "
                "of this video?"
            )


def _doubt(source: Source, words: Words) -> str:
    if not words.words:
        return f"{NONE_HEARD.format(source.name)} by {words.origin}."
    note = f" ({words.note.rstrip('.')})" if words.note else ""
    return (
        f"the transcript of {source.name} by {words.origin} is not reliable, "
        f"confidence {words.confidence:.2f}{note}."
    )


async def hear_speech(timeline: Timeline, tile: str, context: TileContext) -> list[Interval]:
    """As `speech_in`. Without any speech `tile` is refused."""
    spoken = await speech_in(timeline, context)
    if not spoken:
        raise speechless(timeline, tile)
    return spoken


async def speech_in(timeline: Timeline, context: TileContext) -> list[Interval]:
    """Where somebody speaks, in output time, merged; empty when nobody does.

    A clip without sound has no silence to tell from speech: it counts as spoken, so that nothing of
    a silent insert is taken for a pause.
    """
    spoken: dict[str, Sequence[Interval]] = {}
    for source in sounding_sources(timeline):
        await context.report(0.1, f"listening to {source.name}")
        spoken[source.sha256] = await context.perception.speech(source)
    placed = _placed(timeline, spoken)
    # Silent clips alone are not spoken: all else would be cut away.
    return merged([*placed, *silent_clips(timeline)]) if placed else []


def speechless(timeline: Timeline, tile: str, instead: str = "") -> MediaError:
    """The refusal of a tile that goes by speech; `instead` is what else may be done."""
    remedy = f"{instead}, or leave {tile} out" if instead else f"Leave {tile} out"
    why = f"Nobody speaks in {timeline.name}, so {tile} has nothing to go by."
    if not sounding_sources(timeline):
        why = (
            f"{timeline.name} has no sound of its own{why_silent(timeline)}, so {tile} cannot "
            "tell speech from silence."
        )
    return MediaError(why, remedy=f"{remedy} for this video.")


def silent_clips(timeline: Timeline) -> list[Interval]:
    """Where clips without sound are shown, in output time."""
    sounding = {source.sha256 for source in sounding_sources(timeline)}
    return [
        Interval(start=at, end=at + clip.duration)
        for clip, at in zip(timeline.clips, offsets(timeline), strict=False)
        if clip.muted or clip.source not in sounding
    ]


def why_silent(timeline: Timeline) -> str:
    """What to add to "has no sound" where that was turned off; else nothing."""
    return " (its clips' own sound is off)" if all(c.muted for c in timeline.clips) else ""


def _placed(timeline: Timeline, spoken: Mapping[str, Sequence[Interval]]) -> list[Interval]:
    """Intervals of source time in output time: a clip shows the part that lies inside it."""
    return merged(
        Interval(
            start=at + max(part.start, clip.start) - clip.start,
            end=at + min(part.end, clip.end) - clip.start,
        )
        for clip, at in zip(timeline.clips, offsets(timeline), strict=False)
        for part in (() if clip.muted else spoken.get(clip.source, ()))
        if part.start < clip.end and clip.start < part.end
    )
