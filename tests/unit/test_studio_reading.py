from fractions import Fraction

import pytest

from mosaic_mcp.errors import InvalidRequest
from mosaic_mcp.studio.perception.model import SpokenWord, Turn, Voices, Words
from mosaic_mcp.studio.reading import PAGE_WORDS, Reading, read
from mosaic_mcp.studio.timeline.edit import from_source
from mosaic_mcp.studio.timeline.model import Clip, Source


class Hearing:
    """A perception that hears what it is told, per source."""

    def __init__(self, voices: Voices | None = None, **heard: Words) -> None:
        self.heard = heard
        self.told_apart = voices or Voices()

    async def words(self, source: Source) -> Words:
        return self.heard[source.sha256]

    async def voices(self, source: Source) -> Voices:
        return self.told_apart


def said(text: str, *, origin: str = "user", confidence: float = 1.0, reliable: bool = True):
    """One word every half second."""
    return Words(
        origin=origin,
        language="en",
        confidence=confidence,
        reliable=reliable,
        words=tuple(
            SpokenWord(text=word, start=Fraction(n, 2), end=Fraction(n, 2) + Fraction(2, 5))
            for n, word in enumerate(text.split())
        ),
    )


def source(sha256: str = "a", seconds: int = 2000) -> Source:
    return Source(
        sha256=sha256, name=f"{sha256}.mp4", duration=Fraction(seconds), frame_rate=Fraction(25)
    )


TALK = from_source(source(), tile="")


async def text(hearing: Hearing, **wanted) -> str:
    page = await read(TALK, hearing, Reading(**wanted))
    return " ".join(word.text for word in page.words)


async def test_words_carry_their_times_and_their_origin():
    page = await read(TALK, Hearing(a=said("Hello there.", origin="aligned")), Reading())
    assert [(w.text, w.start_s, w.end_s) for w in page.words] == [
        ("Hello", 0.0, 0.4),
        ("there.", 0.5, 0.9),
    ]
    assert (page.source, page.language, page.reliable) == ("aligned", "en", True)
    assert page.next_cursor is None


async def test_words_say_who_speaks_where_voices_are_told_apart():
    turns = (
        Turn(start=Fraction(0), end=Fraction(1), speaker="1"),
        Turn(start=Fraction(3, 2), end=Fraction(3), speaker="2"),
    )
    voices = Voices(turns=turns, confidence=0.6)
    page = await read(TALK, Hearing(voices, a=said("Who is there? Only me.")), Reading())
    assert [(w.text, w.speaker) for w in page.words] == [
        ("Who", "1"),
        ("is", "1"),
        ("there?", "1"),
        ("Only", "2"),
        ("me.", "2"),
    ]
    assert page.speaker_confidence == 0.6
    alone = await read(TALK, Hearing(a=said("Only me.")), Reading())
    assert {w.speaker for w in alone.words} == {None}
    assert alone.speaker_confidence is None


async def test_a_query_keeps_whole_sentences_with_all_its_words_in_any_order():
    hearing = Hearing(a=said("Cats sleep all day. Dogs run all day. Birds sing."))
    assert await text(hearing, query="DAY dogs") == "Dogs run all day."
    assert await text(hearing, query="day") == "Cats sleep all day. Dogs run all day."
    assert await text(hearing, query="fish") == ""


async def test_a_span_keeps_the_sentences_that_it_touches():
    hearing = Hearing(a=said("Cats sleep. Dogs run. Birds sing."))
    assert await text(hearing, start_s=1.2) == "Dogs run. Birds sing."
    assert await text(hearing, end_s=1.0) == "Cats sleep."
    assert await text(hearing, start_s=1.0, end_s=1.1) == "Dogs run."


async def test_an_output_is_read_in_its_own_time_without_what_was_cut():
    cut = TALK.model_copy(update={"clips": (Clip(source="a", start=Fraction(1), end=Fraction(2)),)})
    page = await read(cut, Hearing(a=said("Cats sleep. Dogs run. Birds sing.")), Reading())
    assert [(w.text, w.start_s) for w in page.words] == [("Dogs", 0.0), ("run.", 0.5)]


async def test_pages_hold_every_word_once():
    words = " ".join(f"w{n}." for n in range(PAGE_WORDS * 2 + 1))
    hearing, got, cursor, pages = Hearing(a=said(words)), [], None, 0
    while True:
        page = await read(TALK, hearing, Reading(cursor=cursor))
        got += [w.text for w in page.words]
        pages += 1
        if (cursor := page.next_cursor) is None:
            break
    assert got == words.split()
    assert pages == 3


async def test_a_page_may_be_asked_to_be_shorter():
    hearing = Hearing(a=said("One two. Three four. Five."))
    assert await text(hearing, limit=4) == "One two. Three four."
    assert await text(hearing, limit=4, cursor="2") == "Five."


async def test_a_sentence_longer_than_a_page_still_comes():
    words = " ".join("w" for _ in range(PAGE_WORDS + 50))
    page = await read(TALK, Hearing(a=said(words)), Reading())
    assert len(page.words) == PAGE_WORDS + 50


@pytest.mark.parametrize("cursor", ["x", "-1", "1.5", "٣", "9" * 40])
async def test_a_foreign_cursor_is_refused(cursor):
    with pytest.raises(InvalidRequest, match="cursor"):
        await read(TALK, Hearing(a=said("Hi.")), Reading(cursor=cursor))


async def test_the_least_certain_of_several_transcripts_speaks_for_all():
    both = TALK.model_copy(
        update={
            "sources": {"a": source("a"), "b": source("b"), "unused": source("unused")},
            "clips": (*TALK.clips, Clip(source="b", start=Fraction(0), end=Fraction(9))),
        }
    )
    hearing = Hearing(
        a=said("Yes."), b=said("no", origin="pocketsphinx", confidence=0.3, reliable=False)
    )
    page = await read(both, hearing, Reading())
    assert page.source == "user + pocketsphinx"
    assert (page.confidence, page.reliable) == (0.3, False)


async def test_a_timeline_without_clips_says_nothing():
    silent = TALK.model_copy(update={"clips": ()})
    page = await read(silent, Hearing(), Reading())
    assert page.words == ()
    assert page.source == "none"
