from fractions import Fraction

import pytest

from mosaic_mcp.errors import InvalidRequest
from mosaic_mcp.studio.perception.model import SpokenWord, Turn, Voices, Words
from mosaic_mcp.studio.reading import MOST_CHARS, MOST_WORDS, PAGE_WORDS, Reading, read
from mosaic_mcp.studio.timeline.edit import from_source
from mosaic_mcp.studio.timeline.model import Clip, Source, Track


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
    """One word every half second, a tenth of it silent."""
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


async def told(hearing: Hearing, **wanted) -> list[str]:
    """The sentences of a page."""
    page = await read(TALK, hearing, Reading(**wanted))
    words = iter(page.words)
    found = [" ".join(next(words).text for _ in range(count)) for count in page.sentences]
    assert next(words, None) is None
    return found


def numbered(count: int) -> list[str]:
    return [f"w{n:04}" for n in range(count)]


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
    assert await text(hearing, limit=5) == "One two. Three four. Five."
    assert await told(hearing, limit=4) == ["One two.", "Three four."]
    assert await told(hearing, limit=4, cursor="4") == ["Five."]
    assert await told(hearing, cursor="5") == []


@pytest.mark.parametrize("limit", [1, 7, MOST_WORDS, PAGE_WORDS])
async def test_a_sentence_longer_than_a_page_goes_on_in_the_next(limit):
    words = numbered(limit + 80)
    hearing, got, cursor = Hearing(a=said(" ".join(words))), [], None
    while True:
        page = await read(TALK, hearing, Reading(cursor=cursor, limit=limit))
        assert 0 < len(page.words) <= limit
        assert sum(page.sentences) == len(page.words)
        got += [word.text for word in page.words]
        if (cursor := page.next_cursor) is None:
            break
    assert got == words


async def test_the_next_page_may_have_another_length():
    hearing = Hearing(a=said(" ".join(numbered(100))))
    first = await read(TALK, hearing, Reading(limit=20))
    rest = await read(TALK, hearing, Reading(cursor=first.next_cursor))
    assert [word.text for word in (*first.words, *rest.words)] == numbered(100)


@pytest.mark.parametrize("count", [1, 29, 30, 31, 44, 45, 46, 59, 60, 61, 3000])
async def test_a_sentence_without_end_is_divided_into_some_that_can_be_read(count):
    sentences = await told(Hearing(a=said(" ".join(numbered(count)))))
    lengths = [len(sentence.split()) for sentence in sentences]
    assert max(lengths) <= MOST_WORDS
    assert min(lengths) >= min(count, MOST_WORDS // 2)


async def test_a_long_sentence_is_divided_at_its_longest_pause_near_there():
    words = said(" ".join(numbered(50)))
    later = [w.model_copy(update={"start": w.start + Fraction(1, 2)}) for w in words.words[22:23]]
    words = words.model_copy(update={"words": (*words.words[:22], *later, *words.words[23:])})
    assert [len(s.split()) for s in await told(Hearing(a=words))] == [22, 28]


async def test_long_words_make_a_sentence_too_long_sooner():
    cues = ["字" * 40] * 20
    sentences = await told(Hearing(a=said(" ".join(cues))))
    assert " ".join(sentences).split() == cues
    assert max(map(len, sentences)) <= MOST_CHARS
    assert await told(Hearing(a=said(" ".join(["x" * 1000] * 3)))) == ["x" * 1000] * 3


async def test_another_voice_begins_another_sentence():
    turns = (
        Turn(start=Fraction(0), end=Fraction(1), speaker="1"),
        Turn(start=Fraction(1), end=Fraction(3), speaker="2"),
    )
    hearing = Hearing(Voices(turns=turns, confidence=0.6), a=said("who is only me"))
    assert await told(hearing) == ["who is", "only me"]
    assert await told(hearing, query="me who") == ["who is", "only me"]


async def test_a_query_finds_parts_of_a_sentence_that_is_too_long():
    words = numbered(300)
    hearing = Hearing(a=said(" ".join(words)))
    parts = await told(hearing)
    assert await told(hearing, query="w0007 w0003") == [parts[0]]
    [found] = [part for part in parts if "w0150" in part]
    assert await told(hearing, query="w0150") == [found]


async def test_a_query_finds_words_on_both_sides_of_a_division():
    hearing = Hearing(a=said(" ".join(numbered(300))))
    parts = await told(hearing)
    last, first = parts[3].split()[-1], parts[4].split()[0]
    assert await told(hearing, query=f"{first} {last}") == parts[3:5]
    assert await told(hearing, query=f"{parts[0].split()[0]} {last}") == []


async def test_a_part_that_adds_nothing_is_not_found():
    words = ["cats", "dogs", *numbered(28), "dogs", *numbered(29)]
    hearing = Hearing(a=said(" ".join(words)))
    assert len(await told(hearing)) == 2
    assert await told(hearing, query="cats dogs") == [" ".join(words[:30])]


async def test_a_span_keeps_only_the_parts_that_it_touches_of_a_sentence_that_is_too_long():
    hearing = Hearing(a=said(" ".join(numbered(300))))
    parts = await told(hearing)
    assert await told(hearing, start_s=30.0, end_s=30.1) == [p for p in parts if "w0060" in p]
    assert await told(hearing, start_s=30.0, end_s=30.1, query="w0001") == []


@pytest.mark.parametrize("cursor", ["x", "-1", "1.5", "٣", "9" * 40])
async def test_a_foreign_cursor_is_refused(cursor):
    with pytest.raises(InvalidRequest, match="cursor"):
        await read(TALK, Hearing(a=said("Hi.")), Reading(cursor=cursor))


BOTH = TALK.model_copy(
    update={
        "sources": {"a": source("a"), "b": source("b"), "unused": source("unused")},
        "clips": (*TALK.clips, Clip(source="b", start=Fraction(0), end=Fraction(9))),
    }
)


async def test_the_least_certain_of_several_transcripts_speaks_for_all():
    unsure = said("no", origin="pocketsphinx", confidence=0.3, reliable=False)
    page = await read(BOTH, Hearing(a=said("Yes."), b=unsure), Reading())
    assert page.source == "user + pocketsphinx"
    assert page.confidence == 0.3
    # Tiles build on the words of the other.
    assert page.reliable
    assert page.note == "The words of b.mp4 are too uncertain; tiles leave them out."
    page = await read(BOTH, Hearing(a=unsure, b=unsure), Reading())
    assert (page.reliable, page.note) == (False, "")


async def test_a_source_in_which_nothing_is_heard_does_not_speak_for_one_with_words():
    music = Words(origin="pocketsphinx", confidence=0.0, reliable=False, note="Bring an SRT.")
    page = await read(BOTH, Hearing(a=said("Hello."), b=music), Reading())
    assert (page.source, page.confidence, page.reliable, page.note) == ("user", 1.0, True, "")
    alone = await read(BOTH, Hearing(a=music, b=music), Reading())
    assert (alone.reliable, alone.note) == (False, "Bring an SRT.")


async def test_a_video_whose_own_sound_is_off_is_not_listened_to_and_that_is_said():
    muted = TALK.model_copy(
        update={"clips": (TALK.clips[0].model_copy(update={"volume": 0.0}),)},
    )
    page = await read(muted, Hearing(), Reading())
    assert (page.words, page.source) == ((), "none")
    assert "own sound is off" in page.note


async def test_a_timeline_without_clips_says_nothing():
    silent = TALK.model_copy(update={"clips": ()})
    page = await read(silent, Hearing(), Reading())
    assert page.words == ()
    assert page.source == "none"


async def test_a_source_without_sound_does_not_speak_for_one_with_words():
    screen = source("screen", 10)
    both = TALK.model_copy(
        update={
            "sources": {"screen": screen, **TALK.sources},
            "clips": (Clip(source="screen", start=Fraction(0), end=Fraction(10)), *TALK.clips),
        }
    )
    silent = Words(origin="none", note="There is no sound.")
    page = await read(both, Hearing(screen=silent, a=said("Hello there.")), Reading())
    assert (page.source, page.language, page.note) == ("user", "en", "")


async def test_what_a_voice_over_says_is_read_where_it_is_heard():
    voice = Source(
        sha256="v", name="v.wav", kind="audio", duration=Fraction(2), transcript="script"
    )
    over = TALK.model_copy(
        update={
            "sources": {**TALK.sources, "v": voice},
            "tracks": (Track(source="v", kind="voice", at=Fraction(1), end=Fraction(1)),),
        }
    )
    heard = Hearing(a=said("zero one two three four"), v=said("Look here. Never heard."))
    page = await read(over, heard, Reading())
    # Two words a second: those of the talk between second 1 and 2 are spoken over.
    words = [(w.text, w.start_s) for w in page.words]
    assert words == [("zero", 0), ("one", 0.5), ("Look", 1), ("here.", 1.5), ("four", 2)]
    muted = over.model_copy(
        update={"clips": tuple(c.model_copy(update={"volume": 0}) for c in over.clips)}
    )
    page = await read(muted, heard, Reading())
    assert [w.text for w in page.words] == ["Look", "here."]
    assert page.reliable
