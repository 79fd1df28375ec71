"""Reading what is said: the words of a timeline, as whole sentences, in pages."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from mosaic_mcp.contract.extensions import Known, Torn, Transcript, Word
from mosaic_mcp.errors import Fault, InvalidRequest
from mosaic_mcp.studio.perception.model import Perception, SpokenWord, Voices, Words
from mosaic_mcp.studio.tiles.moments import known_words
from mosaic_mcp.studio.tiles.speech.sentences import Sentence, sentences
from mosaic_mcp.studio.timeline.edit import placed_words
from mosaic_mcp.studio.timeline.model import Timeline

PAGE_WORDS = 500


@dataclass(frozen=True, slots=True)
class Reading:
    """Which part of a transcript to read; times are seconds of the video as it plays."""

    start_s: float | None = None
    end_s: float | None = None
    query: str | None = None
    """Only sentences that contain all of these words, in any order."""
    cursor: str | None = None
    limit: int = PAGE_WORDS
    """Words of a page; a longer sentence comes whole."""


async def read(timeline: Timeline, perception: Perception, wanted: Reading) -> Transcript:
    """One page of what is said in `timeline`."""
    heard = {
        sha256: await perception.words(source)
        for sha256, source in timeline.sources.items()
        if any(clip.source == sha256 for clip in timeline.clips)
    }
    voices = {sha256: await perception.voices(timeline.sources[sha256]) for sha256 in heard}
    placed = placed_words(
        timeline, {sha256: _spoken(words, voices[sha256]) for sha256, words in heard.items()}
    )
    chosen = [s for s in sentences(timeline, placed) if _wanted(s, wanted)]
    first = _first(wanted.cursor)
    page: list[Word] = []
    after = first
    for sentence in chosen[first:]:
        if page and len(page) + len(sentence.words) > wanted.limit:
            break
        page += [
            Word(
                text=word.text,
                start_s=float(word.start),
                end_s=float(word.end),
                confidence=word.confidence,
                speaker=word.speaker,
            )
            for word in sentence.words
        ]
        after += 1
    return _head(list(heard.values())).model_copy(
        update={
            "words": tuple(page),
            "next_cursor": str(after) if after < len(chosen) else None,
            "speaker_confidence": min(
                (v.confidence for v in voices.values() if v.turns), default=None
            ),
        }
    )


async def known(timeline: Timeline, perception: Perception, moments_ms: Sequence[int]) -> Known:
    """How long a video is, and which of its words cuts at these moments would go through."""
    words = await known_words(timeline, perception) if moments_ms else []
    torn: list[Torn] = []
    for at_ms in dict.fromkeys(moments_ms):
        # A cut lies on the nearest frame.
        at = round(Fraction(at_ms, 1000) * timeline.frame_rate) / timeline.frame_rate
        torn += [Torn(at_ms=at_ms, text=w.text) for w in words if w.start < at < w.end]
    return Known(name=timeline.name, duration_s=float(timeline.duration), torn=tuple(torn))


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


def _wanted(sentence: Sentence, wanted: Reading) -> bool:
    if wanted.start_s is not None and sentence.end <= wanted.start_s:
        return False
    if wanted.end_s is not None and sentence.start >= wanted.end_s:
        return False
    text = sentence.text.casefold()
    return all(word in text for word in (wanted.query or "").casefold().split())


def _first(cursor: str | None) -> int:
    """The number of the page's first sentence among the chosen ones."""
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 9):
        fault = Fault("cursor", "not a cursor of this transcript.", "Send next_cursor unchanged.")
        raise InvalidRequest([fault])
    return int(cursor)


def _head(heard: list[Words]) -> Transcript:
    """Where the words come from; of several transcripts the least certain one speaks."""
    if not heard:
        return Transcript(source="none", language="", confidence=0.0, reliable=False)
    least = min(heard, key=lambda words: (words.reliable, words.confidence))
    return Transcript(
        source=" + ".join(dict.fromkeys(words.origin for words in heard)),
        language=least.language,
        confidence=least.confidence,
        reliable=least.reliable,
        note=least.note,
    )
