"""Reading what is said: the words of a timeline, by sentences, in pages.

A recogniser may give an hour of speech without a full stop. So a sentence has a most here, and
cursors count words: whatever a page holds, the next one begins with the word after it.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, groupby

from mosaic_mcp.contract.extensions import Known, Torn, Transcript, Word
from mosaic_mcp.contract.languages import UNKNOWN
from mosaic_mcp.errors import Fault, InvalidRequest
from mosaic_mcp.studio.perception.model import Perception, SpokenWord, Voices, Words
from mosaic_mcp.studio.tiles.moments import known_words, torn
from mosaic_mcp.studio.tiles.speech.heard import UNCERTAIN, scripts_of, why_silent
from mosaic_mcp.studio.tiles.speech.sentences import Sentence, sentences
from mosaic_mcp.studio.timeline.edit import PlacedWord, all_placed_words
from mosaic_mcp.studio.timeline.model import Timeline

PAGE_WORDS = 500
MOST_WORDS = 30
MOST_CHARS = 300
"""Of a sentence. Where words are not spaced, as in Chinese, a whole subtitle counts as one word."""
NEAR_WORDS = 2 * MOST_WORDS
"""Neighbouring parts of a long sentence match a query together within so many words."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Which part of a transcript to read; times are seconds of the video as it plays."""

    start_s: float | None = None
    end_s: float | None = None
    query: str | None = None
    """Only sentences that contain all of these words, in any order."""
    cursor: str | None = None
    limit: int = PAGE_WORDS
    """Most words of a page. It ends with a sentence, unless its first one is longer than that."""


async def read(timeline: Timeline, perception: Perception, wanted: Reading) -> Transcript:
    """One page of what is said in `timeline`."""
    heard = {
        sha256: await perception.words(source)
        for sha256, source in timeline.sources.items()
        if any(clip.source == sha256 and not clip.muted for clip in timeline.clips)
    }
    voices = {sha256: await perception.voices(timeline.sources[sha256]) for sha256 in heard}
    said = {sha256: _spoken(words, voices[sha256]) for sha256, words in heard.items()}
    for sha256, words in (await scripts_of(timeline, perception)).items():
        heard.setdefault(sha256, words)
        said.setdefault(sha256, list(words.words))
    placed = all_placed_words(timeline, said)
    chosen = [
        part
        for sentence in sentences(timeline, placed)
        for part in _wanted(list(_parts(sentence)), wanted)
    ]
    first = _first(wanted.cursor)
    page = _page(chosen, first, wanted.limit)
    after = first + sum(map(len, page))
    return _head(heard, timeline).model_copy(
        update={
            "words": tuple(_told(word) for words in page for word in words),
            "sentences": tuple(map(len, page)),
            "next_cursor": str(after) if after < sum(len(part.words) for part in chosen) else None,
            "speaker_confidence": min(
                (v.confidence for v in voices.values() if v.turns), default=None
            ),
        }
    )


async def known(timeline: Timeline, perception: Perception, moments_ms: Sequence[int]) -> Known:
    """How long a video is, and which of its words cuts at these moments would go through."""
    words = await known_words(timeline, perception) if moments_ms else []
    cut: list[Torn] = []
    for at_ms in dict.fromkeys(moments_ms):
        # A cut lies on the nearest frame.
        at = round(Fraction(at_ms, 1000) * timeline.frame_rate) / timeline.frame_rate
        through = torn(at, words, 1 / timeline.frame_rate)
        cut += [Torn(at_ms=at_ms, text=word.text) for word in through]
    return Known(name=timeline.name, duration_s=float(timeline.duration), torn=tuple(cut))


def _spoken(words: Words, voices: Voices) -> list[SpokenWord]:
    """The words, each with the voice whose turn its middle is in."""
    starts = [turn.start for turn in voices.turns]
    said: list[SpokenWord] = []
    for word in words.words:
        # A word in no turn, quieter than the rest, belongs to the turn before it.
        at = bisect.bisect_right(starts, (word.start + word.end) / 2) - 1
        speaker = voices.turns[max(at, 0)].speaker if starts else None
        said.append(word.model_copy(update={"speaker": speaker}))
    return said


def _parts(sentence: Sentence) -> Iterator[Sentence]:
    """The sentence as it is read: divided where another voice goes on, and where it is too long."""
    for _, said in groupby(sentence.words, key=lambda word: word.speaker):
        words, first = tuple(said), 0
        while first < len(words):
            end = first + _end(words[first : first + NEAR_WORDS])
            yield Sentence(words[first:end], whole=end - first == len(sentence.words))
            first = end


def _end(words: Sequence[PlacedWord]) -> int:
    """How many of the words to read as one sentence: all, or those before a pause."""
    lengths = accumulate(len(word.text) + 1 for word in words[:MOST_WORDS])
    most = max(1, sum(length <= MOST_CHARS for length in lengths))
    if most >= len(words):
        return len(words)
    # The longest pause that leaves no scrap on either side; of equal ones the last.
    least = max(1, most // 2)
    return max(
        range(least, min(most, len(words) - least) + 1),
        key=lambda at: (words[at].start - words[at - 1].end, at),
    )


def _wanted(parts: Sequence[Sentence], wanted: Reading) -> Sequence[Sentence]:
    """Those parts of a sentence that the span touches and the query finds."""
    start, end = wanted.start_s, wanted.end_s
    touched = [
        part
        for part in parts
        if (start is None or part.end > start) and (end is None or part.start < end)
    ]
    asked = set((wanted.query or "").casefold().split())
    return _found(touched, asked) if asked else touched


def _found(parts: Sequence[Sentence], asked: set[str]) -> list[Sentence]:
    """The parts that hold all of the words, alone or together with their neighbours."""
    held = [{word for word in asked if word in part.text.casefold()} for part in parts]
    found: set[int] = set()
    for last in range(len(parts)):
        first, together, length = last, held[last], len(parts[last].words)
        while together < asked and first > 0 and length + len(parts[first - 1].words) <= NEAR_WORDS:
            first -= 1
            together = together | held[first]
            length += len(parts[first].words)
        # Where the parts before it hold all of them already, the last one adds nothing.
        if together == asked and asked != set[str]().union(*held[first:last]):
            found.update(range(first, last + 1))
    return [parts[number] for number in sorted(found)]


def _page(chosen: Sequence[Sentence], first: int, limit: int) -> list[Sequence[PlacedWord]]:
    """The sentences from that word on which together have at most `limit` words."""
    page: list[Sequence[PlacedWord]] = []
    for sentence in chosen:
        words = sentence.words[first:]
        first = max(0, first - len(sentence.words))
        if len(words) > limit and page:
            break
        if words:
            page.append(words[:limit])
            limit -= len(page[-1])
        if not limit:
            break
    return page


def _told(word: PlacedWord) -> Word:
    return Word(
        text=word.text,
        start_s=float(word.start),
        end_s=float(word.end),
        confidence=word.confidence,
        speaker=word.speaker,
    )


def _first(cursor: str | None) -> int:
    """How many of the chosen words come before the page."""
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 9):
        fault = Fault("cursor", "not a cursor of this transcript.", "Send next_cursor unchanged.")
        raise InvalidRequest([fault])
    return int(cursor)


def _head(heard: Mapping[str, Words], timeline: Timeline) -> Transcript:
    """Where the words come from; of several transcripts the least certain one speaks.

    Like the tiles (`tiles/speech/heard.py`) it relies on the words of some sources where those of
    others are uncertain, and says so.
    """
    if not heard:
        note = f"Nothing is said{why_silent(timeline)}."
        return Transcript(
            source="none", language=UNKNOWN, confidence=0.0, reliable=False, note=note, sentences=()
        )
    # A source in which nothing is heard says nothing about the words of the others.
    speaking = {sha256: words for sha256, words in heard.items() if words.words} or heard
    least = min(
        speaking, key=lambda sha256: (speaking[sha256].reliable, speaking[sha256].confidence)
    )
    words, note = speaking[least], speaking[least].note
    reliable = any(each.reliable for each in speaking.values())
    if reliable and not words.reliable:
        note = f"{UNCERTAIN.format(timeline.sources[least].name)}; tiles leave them out. {note}"
        note = f"{note[0].upper()}{note[1:]}"
    return Transcript(
        source=" + ".join(dict.fromkeys(each.origin for each in speaking.values())),
        language=words.language,
        confidence=words.confidence,
        reliable=reliable,
        note=note.strip(),
        sentences=(),
    )
