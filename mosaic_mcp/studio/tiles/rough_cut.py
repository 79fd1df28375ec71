"""Rough Cut: a first assembly without dead air, false starts and repeated takes.

What it does is fixed and said in NOTE; of the prompt only wishes to keep or remove a topic or a
time are read. An editor's judgement (story, emphasis, pace of an argument) is not attempted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby
from textwrap import shorten

import anyio.to_thread

from mosaic_mcp.contract.tiles.params import RoughCutParams
from mosaic_mcp.contract.words import listed
from mosaic_mcp.errors import Unsupported
from mosaic_mcp.studio.perception.model import Interval
from mosaic_mcp.studio.tiles.joining import differing, joined
from mosaic_mcp.studio.tiles.speech.heard import Heard, hear, require_words, speechless
from mosaic_mcp.studio.tiles.speech.relevance import stems
from mosaic_mcp.studio.tiles.speech.sentences import Sentence, sentences, settled
from mosaic_mcp.studio.tiles.speech.sounds import sounds_without
from mosaic_mcp.studio.tiles.speech.spans import Pace, keep, spans_of, tighten, without
from mosaic_mcp.studio.tiles.speech.takes import stammers, superseded
from mosaic_mcp.studio.tiles.speech.times import Times, times_of
from mosaic_mcp.studio.tiles.speech.wishes import Wish, wishes
from mosaic_mcp.studio.tiles.tile import TileContext, each_of
from mosaic_mcp.studio.timeline.model import Timeline

NOTE = (
    "Removes dead air at both ends, shortens pauses of 0.8 s or more to 0.45 s, keeps the last "
    "complete take of a sentence that is said again word for word, drops false starts, immediate "
    "repeats of three or more words and sounds that are only fillers; the run tells which takes "
    "went. Of the prompt it reads, in English, “remove the part "
    "about …”, “cut the … section” and “keep only …”, matched on words, not meaning, and the same "
    "of times (“keep only the first minute”, “cut everything after 2:30”), which count in the "
    "video as it comes to the tile; the run warns of other wishes to cut or keep, and the rest is "
    "not read. model_tier makes no difference. Without a reliable transcript it cuts by pauses and "
    "times alone, and by times alone where nobody is heard."
)

MOST_TOLD = 5
"""Wishes, or takes, that a warning quotes."""
BY_TIMES = (
    "Name times in its prompt (“keep only the first 10 seconds”), cut by Clips (`ranges`) or by "
    "start and end of the input"
)
_QUOTED = 60
"""Letters of a take that it quotes."""
PACE = Pace(longest_pause=Fraction(8, 10), before=Fraction(2, 10), after=Fraction(25, 100))


async def apply(
    inputs: Sequence[Timeline], params: RoughCutParams, context: TileContext
) -> list[Timeline]:
    """Cut every input, or all inputs joined in order when the parameters say so."""
    if params.combine_input_renders and len(inputs) > 1:
        for told in differing(inputs):
            await context.warn(told)
        names = " + ".join(t.name for t in inputs)
        inputs = [joined(inputs, names if len(names) <= 80 else f"{inputs[0].name} and others")]
    return [
        await _cut(timeline, params.prompt, part) for timeline, part in each_of(inputs, context)
    ]


async def _cut(timeline: Timeline, prompt: str, context: TileContext) -> Timeline:
    speech, heard = await hear(timeline, context)
    wanted = wishes(prompt, heard.language)
    if wanted.unread:
        await context.warn(_not_read(wanted.unread))
    if wanted.topics:
        require_words(heard, f"The wish about “{wanted.topics[0].phrase}” cannot be met")
    if not (speech or wanted.times):
        raise speechless(timeline, "Rough Cut", BY_TIMES)
    times = await times_of(wanted.times, timeline, context)
    if not speech:
        await context.warn(f"nobody is heard in {timeline.name}: it is cut by times alone")
        # Nothing in it is a pause.
        speech = [Interval(start=Fraction(0), end=timeline.duration)]
    elif not heard.reliable:
        await context.warn(f"{timeline.name} is cut by pauses alone: {heard.doubt}")
        heard = replace(heard, words=())
    # In threads: hours of speech take seconds.
    made = await anyio.to_thread.run_sync(_decided, timeline, speech, heard, wanted.topics, times)
    if made.takes:
        told = [made.parts[i].text for i in sorted(made.takes)]
        await context.warn(_replaced(timeline.name, told))
    await context.report(1.0, f"dropped {len(made.dropped)} of {len(made.parts)} sentences")
    return await anyio.to_thread.run_sync(keep, timeline, made.kept, context.node)


@dataclass(frozen=True, slots=True)
class _Decision:
    """The sentences, which of them are to go (`takes`: as they are said again), what stays."""

    parts: list[Sentence]
    dropped: set[int]
    takes: set[int]
    kept: list[Interval]


def _decided(
    timeline: Timeline,
    speech: Sequence[Interval],
    heard: Heard,
    topics: Sequence[Wish],
    times: Times,
) -> _Decision:
    spoken = settled(sentences(timeline, heard.words), speech)
    parts, dropped = _chosen(spoken, topics, times, heard.language)
    takes = _superseded(parts, times) - dropped
    dropped |= takes
    words = _kept_words(parts, dropped)
    left = [part.span for i, part in enumerate(parts) if i not in dropped]
    beside = without([*times.removed, *times.beside], left)
    cuts = without([*_cut_spans(parts, dropped), *beside], words)
    sounds = sounds_without(cuts, speech, words)
    kept = tighten(sounds, cuts, timeline.duration, PACE, timeline.frame_rate)
    return _Decision(parts, dropped, takes, kept)


def _not_read(unread: Sequence[str]) -> str:
    """What was not understood, and what is."""
    said = listed([f"“{phrase[:80]}”" for phrase in unread], MOST_TOLD)
    return (
        f"these wishes were not read: {said}. Rough Cut reads “remove the part about …” and “keep "
        "only …”, of words that are said or of times (“the first minute”). Fillers inside "
        "sentences go by Silence Removal; exact ranges are cut by Clips (`ranges`), or by start "
        "and end of an input"
    )


def _replaced(name: str, takes: Sequence[str]) -> str:
    """Which takes went, so that a repetition that was meant can be put back."""
    said = listed([f"“{shorten(text, _QUOTED, placeholder=' …')}”" for text in takes], MOST_TOLD)
    return f"of {name} these went as takes that are said again: {said}"


def _chosen(
    spoken: Sequence[Sentence], topics: Sequence[Wish], times: Times, language: str
) -> tuple[list[Sentence], set[int]]:
    """The sentences, divided where a time that is asked for ends in them, and which are to go."""
    said = [stems(sentence.text, language) for sentence in spoken]
    _require_said(topics, said)
    parts: list[Sentence] = []
    dropped: set[int] = set()
    for sentence, words in zip(spoken, said, strict=True):
        removed = any(w.meets(words) for w in topics if w.kind == "remove")
        named = [w.meets(words) for w in topics if w.kind == "keep"]
        for part in times.divided(sentence):
            beside = times.leaves(part) if times.keeps else bool(named)
            if removed or times.removes(part) or (beside and not any(named)):
                dropped.add(len(parts))
            parts.append(part)
    return parts, dropped


def _require_said(topics: Sequence[Wish], said: Sequence[Sequence[str]]) -> None:
    for wish in topics:
        if not any(wish.meets(words) for words in said):
            raise Unsupported(
                f"No sentence mentions “{wish.phrase}”. The studio compares words, not meaning.",
                remedy="Name it with words that are said, or leave the wish out.",
            )


def _superseded(parts: Sequence[Sentence], times: Times) -> set[int]:
    """Indices of the takes to drop. A take that goes by its time does not replace another."""
    dropped: set[int] = set()
    for _, run in groupby(
        range(len(parts)), lambda i: (times.removes(parts[i]), times.leaves(parts[i]))
    ):
        takes = list(run)
        dropped |= {takes[n] for n in superseded([parts[i] for i in takes])}
    return dropped


def _kept_words(spoken: Sequence[Sentence], dropped: set[int]) -> list[Interval]:
    words: list[Interval] = []
    for i, sentence in enumerate(spoken):
        if i in dropped or _only_fillers(sentence):
            continue
        gone = {n for first, end in stammers(sentence) for n in range(first, end)}
        words += spans_of(w for n, w in enumerate(sentence.words) if n not in gone)
    return words


def _cut_spans(spoken: Sequence[Sentence], dropped: set[int]) -> list[Interval]:
    spans: list[Interval] = []
    before_dropped = False
    for i, sentence in enumerate(spoken):
        if i in dropped or _only_fillers(sentence):
            # Sentences that go one after the other take along what is heard between them.
            start = spans.pop().start if before_dropped else sentence.start
            spans.append(Interval(start=start, end=sentence.end))
            before_dropped = True
            continue
        before_dropped = False
        for first, end in stammers(sentence):
            # Up to the repeat, so that the pause between the two goes as well.
            spans.append(Interval(start=sentence.words[first].start, end=sentence.words[end].start))
    return spans


def _only_fillers(sentence: Sentence) -> bool:
    return all(w.filler for w in sentence.words)
