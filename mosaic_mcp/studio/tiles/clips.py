"""Clips: the passages of a timeline that are most worth watching, each as a timeline of its own.

A passage is a run of whole sentences near the wished length. Its edges lie in the pauses around
it, so no word is ever cut. Without a reliable transcript, stretches of speech stand for the
sentences and only their density ranks them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

import anyio.to_thread

from mosaic_mcp.contract.tiles.params import ClipsParams
from mosaic_mcp.errors import MediaError, Unsupported
from mosaic_mcp.studio.perception.model import Interval
from mosaic_mcp.studio.tiles.moments import cut_out
from mosaic_mcp.studio.tiles.speech.heard import hear, require_words, silent_clips, speechless
from mosaic_mcp.studio.tiles.speech.interest import Interest
from mosaic_mcp.studio.tiles.speech.passages import LONGEST, Passage, Unit, choose, passages, sums
from mosaic_mcp.studio.tiles.speech.relevance import by_counts, frequent, mentions, stems, topic
from mosaic_mcp.studio.tiles.speech.sentences import sentences, settled, shortened
from mosaic_mcp.studio.tiles.speech.spans import keep, on_frame, without
from mosaic_mcp.studio.tiles.tile import TileContext, each_of
from mosaic_mcp.studio.timeline.model import Timeline

NOTE = (
    "Ranks runs of whole sentences by the prompt's words (BM25 on word stems, in scripts without "
    "spaces on pairs of characters; no understanding of meaning); without a prompt by information "
    "density, pace, questions, numbers and English hook words. Never cuts inside a word. With an "
    "unreliable transcript a prompt is refused, and without a prompt only the density of speech "
    "ranks. Explicit ranges are cut exactly, on the nearest frame; the run warns where one begins "
    "or ends inside a word."
)

DEFAULT_LENGTH = Fraction(30)
"""Seconds per clip, and DEFAULT_COUNT clips, where the parameters leave it to us."""
DEFAULT_COUNT = 3

_BREATH = Fraction(12, 100)
_DECAY = Fraction(25, 100)
"""Seconds left ahead of the first word and behind the last, where the pauses are long enough."""

_RELATED = 0.15
"""A passage belongs to the prompt's topic above this share of the best passage's relevance."""


async def apply(
    inputs: Sequence[Timeline], params: ClipsParams, context: TileContext
) -> list[Timeline]:
    """Fan every input out to its clips, best first, named "talk, clip 1"."""
    clips: list[Timeline] = []
    for timeline, part in each_of(inputs, context):
        if params.ranges is not None:
            clips += await cut_out(timeline, params.ranges, part)
        else:
            clips += await _clips(timeline, params, part)
    await context.report(1.0, f"chose {len(clips)} clips")
    return clips


def plan(length: Fraction, params: ClipsParams) -> tuple[int, Fraction]:
    """How many clips of how many seconds; fewer where the video is too short for all.

    A count of 0 means that the video is no longer than one clip and passes through.
    """
    target = None if params.target_duration is None else Fraction(str(params.target_duration))
    num_clips = params.num_clips
    share = length / num_clips if num_clips else DEFAULT_LENGTH
    wished = target or min(DEFAULT_LENGTH, share)
    if length <= wished:
        return 0, wished
    return min(num_clips or DEFAULT_COUNT, int(length / wished)), wished


async def _clips(timeline: Timeline, params: ClipsParams, context: TileContext) -> list[Timeline]:
    count, wished = plan(timeline.duration, params)
    asked = params.num_clips or 1
    if count == 0:
        if asked > 1:
            await context.warn(f"{timeline.name} is no longer than one clip, so it stays whole")
        return [timeline]
    units, language = await _units(timeline, params.prompt, wished, context)
    # In threads: in hours of speech there are so many passages that it takes seconds.
    apart = anyio.to_thread.run_sync
    candidates = await apart(passages, units, wished)
    scores = await apart(_scores, candidates, units, params.prompt, language, wished)
    await context.report(0.8, f"choosing from {len(candidates)} passages of {timeline.name}")
    chosen = await apart(choose, candidates, scores, count)
    if not chosen:
        raise MediaError(
            f"{timeline.name} has no passage of speech of about {float(wished):g} s.",
            remedy="Ask for a shorter target_duration.",
        )
    if len(chosen) < asked:
        about = "about the prompt " if topic(params.prompt, language) else ""
        await context.warn(
            f"{timeline.name} gives {len(chosen)} of {asked} clips: it has no more separate "
            f"passages {about}of about {float(wished):g} s"
        )
    return [
        _cut(timeline, candidates[i], units, context.node).model_copy(
            update={"name": f"{timeline.name}, clip {number}"}
        )
        for number, i in enumerate(chosen, 1)
    ]


async def _units(
    timeline: Timeline, prompt: str, wished: Fraction, context: TileContext
) -> tuple[list[Unit], str]:
    """Sentences where the words can be relied on, else stretches of speech."""
    speech, heard = await hear(timeline, context)
    if not speech:
        raise speechless(timeline, "Clips")
    if prompt.strip():
        require_words(heard, "Clips cannot be ranked by the prompt")
    if heard.reliable and heard.words:
        spoken = sentences(timeline, heard.words, pause_ends=False)
        parts = [p for s in spoken for p in shortened(s, wished * LONGEST)]
        return [
            Unit(p.start, p.end, p.text, tuple(stems(p.text, heard.language)), p.whole)
            for p in settled(parts, speech)
        ], heard.language
    why = heard.doubt or "nothing that is said in it is known."
    await context.warn(f"{timeline.name} is ranked by speech activity alone: {why}")
    talk = without(speech, silent_clips(timeline))
    return [Unit(s.start, s.end) for s in talk], heard.language


def _scores(
    candidates: Sequence[Passage],
    units: Sequence[Unit],
    prompt: str,
    language: str,
    wished: Fraction,
) -> list[float]:
    """How good each candidate is; 0 keeps it out."""
    interest = Interest(units, language)
    general = [interest.of(c) * interest.standing_alone(c) for c in candidates]
    query = topic(prompt, language)
    if not query:
        return [g * c.fit(wished) for c, g in zip(candidates, general, strict=True)]
    counts = [mentions(query, unit.stems) for unit in units]
    said = [sums((count[stem] for count in counts), 0) for stem in query]
    lengths = sums((len(unit.stems) for unit in units), 0)
    related = by_counts(
        [[c.total(times) for c in candidates] for times in said],
        [c.total(lengths) for c in candidates],
    )
    if not any(related):
        raise Unsupported(
            f"None of the prompt's words is said in the video: {prompt.strip()[:200]!r}. "
            "The studio compares words, not meaning.",
            remedy=f"Use words that are said{_said(units, language)}; "
            "or leave the prompt empty to take the liveliest passages.",
        )
    return [
        r * c.fit(wished) * (0.7 + 0.3 * g) if r >= _RELATED else 0.0
        for c, r, g in zip(candidates, related, general, strict=True)
    ]


def _said(units: Iterable[Unit], language: str) -> str:
    found = frequent(" ".join(u.text for u in units), language, 8)
    return f", such as {', '.join(found)}" if found else ""


def _cut(timeline: Timeline, passage: Passage, units: Sequence[Unit], node: str) -> Timeline:
    """The passage with a breath around it: at most half of the pause, so clips never overlap."""
    begin, end = passage.start, passage.end
    before, after = Fraction(0), timeline.duration
    if passage.first > 0:
        before = (units[passage.first - 1].end + begin) / 2
    if passage.last + 1 < len(units):
        after = (end + units[passage.last + 1].start) / 2
    rate = timeline.frame_rate
    span = Interval(
        start=on_frame(begin - _BREATH, min(before, begin), begin, rate),
        end=on_frame(end + _DECAY, end, max(after, end), rate),
    )
    return keep(timeline, [span], node)
