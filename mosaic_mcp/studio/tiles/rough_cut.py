"""Rough Cut: a first assembly without dead air, false starts and repeated takes.

What it does is fixed and said in NOTE; of the prompt only wishes to keep or remove a topic are
read. An editor's judgement (story, emphasis, pace of an argument) is not attempted.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from mosaic_mcp.contract.tiles.params import RoughCutParams
from mosaic_mcp.errors import Unsupported
from mosaic_mcp.studio.perception.model import Interval
from mosaic_mcp.studio.tiles.joining import joined
from mosaic_mcp.studio.tiles.speech.heard import Heard, hear, require_words
from mosaic_mcp.studio.tiles.speech.relevance import stems
from mosaic_mcp.studio.tiles.speech.sentences import Sentence, sentences, settled
from mosaic_mcp.studio.tiles.speech.sounds import sounds_without
from mosaic_mcp.studio.tiles.speech.spans import Pace, keep, spans_of, tighten, without
from mosaic_mcp.studio.tiles.speech.takes import stammers, superseded
from mosaic_mcp.studio.tiles.speech.wishes import Wish, wishes
from mosaic_mcp.studio.tiles.tile import TileContext, each_of
from mosaic_mcp.studio.timeline.model import Timeline

NOTE = (
    "Removes dead air at both ends, shortens pauses of 0.8 s or more to 0.45 s, keeps the last "
    "complete take of a repeated sentence, drops false starts, immediate repeats of three or more "
    "words and sounds that are only fillers. Of the prompt it reads “remove the part about …” and "
    "“keep only …”, matched on words, not meaning; other wishes are not read. model_tier makes no "
    "difference. Without a reliable transcript it cuts by pauses alone."
)

PACE = Pace(longest_pause=Fraction(8, 10), before=Fraction(2, 10), after=Fraction(25, 100))


async def apply(
    inputs: Sequence[Timeline], params: RoughCutParams, context: TileContext
) -> list[Timeline]:
    """Cut every input, or all inputs joined in order when the parameters say so."""
    if params.combine_input_renders and len(inputs) > 1:
        names = " + ".join(t.name for t in inputs)
        inputs = [joined(inputs, names if len(names) <= 80 else f"{inputs[0].name} and others")]
    return [
        await _cut(timeline, params.prompt, part) for timeline, part in each_of(inputs, context)
    ]


async def _cut(timeline: Timeline, prompt: str, context: TileContext) -> Timeline:
    speech, heard = await hear(timeline, "Rough Cut", context)
    wanted = wishes(prompt, heard.language)
    if wanted:
        require_words(heard, f"The wish about “{wanted[0].phrase}” cannot be met")
    if not heard.reliable:
        await context.report(0.5, "approximate: no reliable words, cutting by pauses alone")
        heard = Heard(words=())
    spoken = settled(sentences(timeline, heard.words), speech)
    dropped = superseded(spoken) | _unwanted(spoken, wanted, heard.language)
    words = _kept_words(spoken, dropped)
    cuts = without(_cut_spans(spoken, dropped), words)
    sounds = sounds_without(cuts, speech, words)
    kept = tighten(sounds, cuts, timeline.duration, PACE, timeline.frame_rate)
    await context.report(1.0, f"dropped {len(dropped)} of {len(spoken)} sentences")
    return keep(timeline, kept, context.node)


def _unwanted(spoken: Sequence[Sentence], wanted: Sequence[Wish], language: str) -> set[int]:
    """Indices of the sentences that the prompt does not want."""
    said = [stems(s.text, language) for s in spoken]
    for wish in wanted:
        if not any(wish.meets(s) for s in said):
            raise Unsupported(
                f"No sentence mentions “{wish.phrase}”. The studio compares words, not meaning.",
                remedy="Name it with words that are said, or leave the wish out.",
            )
    keeps = [w for w in wanted if w.kind == "keep"]
    removes = [w for w in wanted if w.kind == "remove"]
    return {
        i
        for i, s in enumerate(said)
        if any(w.meets(s) for w in removes) or (keeps and not any(w.meets(s) for w in keeps))
    }


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
