"""Which finds are drawn, when, and where their time lies in the source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from fractions import Fraction

from mosaic_mcp.studio.perception.model import Interval
from mosaic_mcp.studio.tiles.graphics.finding import Find
from mosaic_mcp.studio.tiles.speech.relevance import relevance, stems
from mosaic_mcp.studio.tiles.speech.sentences import Sentence
from mosaic_mcp.studio.tiles.speech.spans import touches
from mosaic_mcp.studio.timeline.edit import to_source
from mosaic_mcp.studio.timeline.model import Span, Timeline

PER_MINUTE = 4.0
"""Graphics a minute where nobody says how many."""
APART = Fraction(8, 10)
"""Seconds between one graphic and the next."""
_SAME = 0.25
"""How much less a find counts for each of its kind that is drawn already."""
_SHORTEST, _LONGEST = Fraction(5, 2), Fraction(7)
LINGER = Fraction(4, 10)
"""Seconds that a graphic stays when its sentence is over."""
_SPOKEN = frozenset({"call-out", "quote", "list"})
"""What is read while it is heard: nobody needs longer than the speaker."""
_SOON = Fraction(6, 10)
"""Seconds: where a shot ends sooner, a graphic comes with the next one."""
_MILLISECOND = Fraction(1, 1000)


def time_to_read(texts: Sequence[str]) -> Fraction:
    """Seconds in which the texts can be read at ease, their coming and going included."""
    words = sum(len(text.split()) for text in texts)
    return min(max(_SHORTEST, Fraction(12, 10) + Fraction(32, 100) * words), _LONGEST)


def showing(find: Find, changes: Sequence[Fraction], total: Fraction) -> Interval | None:
    """When a find is shown: from when it is said, long enough to be read.

    It ends with its sentence, and before the next of the shot `changes`. A label, whose words are
    not the speaker's, stays until it can be read. None where that leaves too little time:
    less than half.
    """
    needed = time_to_read(find.texts)
    until = find.start + needed
    if find.cues:
        until = max(until, find.cues[-1] + Fraction(2))
    least = Fraction(0) if find.kind in _SPOKEN else _SHORTEST
    until = min(until, max(find.end + LINGER, find.start + least), total)
    start = find.start
    for change in changes:
        if start < change < until:
            if change - start > _SOON:
                until = change
                break
            start = change
    return Interval(start=start, end=until) if until - start >= needed / 2 else None


def chosen(
    found: Sequence[Find],
    count: int,
    taken: Sequence[Interval],
    changes: Sequence[Fraction],
    total: Fraction,
    *,
    language: str,
    query: Sequence[str] = (),
) -> list[Find]:
    """At most `count` finds that share no time with each other or with what is `taken`.

    The best first, a kind that is there already counting less, so that they vary.
    """
    about = relevance(query, [stems(" ".join(f.texts), language) for f in found])
    left = [(find.score + 0.8 * near, find) for find, near in zip(found, about, strict=True)]
    busy, picked = [_with_room(span) for span in taken], list[Find]()
    kinds: Counter[str] = Counter()
    while left and len(picked) < count:
        score, find = max(left, key=lambda s: (s[0] - _SAME * kinds[s[1].kind], -s[1].start))
        left.remove((score, find))
        span = showing(find, changes, total)
        if span is not None and not touches(span, busy):
            picked.append(find)
            kinds[find.kind] += 1
            busy.append(_with_room(span))
    return sorted(picked, key=lambda f: f.start)


def _with_room(span: Interval) -> Interval:
    return Interval(start=span.start - APART, end=span.end + APART)


def source_span(timeline: Timeline, start: Fraction, end: Fraction) -> Span | None:
    """The part of a source that the output shows from `start` until `end`.

    Where other sources come between, it ends with its clip. None outside the output.
    """
    first, last = to_source(timeline, start), to_source(timeline, end - _MILLISECOND)
    if first is None:
        return None
    index, begin = first
    clip = timeline.clips[index]
    finish = clip.end
    if last is not None:
        between = timeline.clips[index : last[0] + 1]
        if all(c.source == clip.source for c in between) and last[1] > begin:
            finish = last[1] + _MILLISECOND
    return Span(source=clip.source, start=begin, end=finish)


def moment_of(text: str, spoken: Sequence[Sentence], language: str) -> Fraction | None:
    """When the words of a text are said, half of them at least; None when they are not."""
    wanted = set(stems(text, language))
    best: tuple[int, Fraction] | None = None
    for sentence in spoken:
        hits = [w for w in sentence.words if wanted & set(stems(w.text, language))]
        share = len(wanted & {s for w in hits for s in stems(w.text, language)})
        if hits and 2 * share >= len(wanted) and (best is None or share > best[0]):
            best = share, hits[0].start
    return best[1] if best else None


def said_at(phrase: str, spoken: Sequence[Sentence]) -> Fraction | None:
    """When a phrase is said word for word, whatever its case and punctuation; None when never."""
    words = [w for sentence in spoken for w in sentence.words]
    told = [_bare(w.text) for w in words]
    wanted = [bare for part in phrase.split() if (bare := _bare(part))]
    for index in range(len(told) - len(wanted) + 1) if wanted else ():
        if told[index : index + len(wanted)] == wanted:
            return words[index].start
    return None


def _bare(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())


def of_kinds(found: Sequence[Find], kinds: Collection[str]) -> list[Find]:
    """The finds of these kinds."""
    return [find for find in found if find.kind in kinds]
