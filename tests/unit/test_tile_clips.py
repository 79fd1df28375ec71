"""Clips: whole sentences near the wished length, ranked by what is said."""

import sys
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mosaic_mcp.contract.tiles.params import ClipsParams, SilenceRemovalParams
from mosaic_mcp.errors import MediaError, Unsupported
from mosaic_mcp.studio import reading
from mosaic_mcp.studio.perception.model import SpokenWord
from mosaic_mcp.studio.tiles import clips, silence_removal
from mosaic_mcp.studio.tiles.speech.interest import Interest
from mosaic_mcp.studio.tiles.speech.passages import Unit, passages
from mosaic_mcp.studio.tiles.speech.relevance import stems
from mosaic_mcp.studio.tiles.speech.sentences import sentences
from mosaic_mcp.studio.timeline.edit import placed_words
from tests.support.tiles import Known, context, ranges, source, speak, talk, timeline, torn, whole

SCRIPT = (
    "Welcome to the garden show, my friends. (0.4) The weather was nice all week long. (0.9) "
    "Telescopes gather light with a curved mirror. (0.3) A bigger mirror gathers more starlight. "
    "(1.2) And then we had lunch at the harbour cafe. (0.5) It was very long and rather slow. "
    "(1.0) Our budget is four million dollars this year. (0.2) "
    "Half of the money pays for salaries. "
    "(0.8) My dog likes to run along the beach. (0.3) He sleeps for most of the afternoon. (0.6) "
    "Rockets burn fuel to reach orbit quickly. (0.2) Every launch costs the company money. (0.7) "
    "Thank you for listening to us today. (0.4) See you next week at the same place."
)


def texts(cut, known: Known) -> str:
    return " ".join(whole(cut, known.truth["talk"]))


async def test_the_first_clip_is_about_the_prompt():
    uncut, known = talk(SCRIPT)
    params = ClipsParams(
        prompt="the best parts about telescopes and mirrors", num_clips=3, target_duration=6
    )
    found = await clips.apply([uncut], params, context(known))
    assert "mirror" in texts(found[0], known)
    assert "dog" not in texts(found[0], known)


async def test_passages_that_have_nothing_of_the_prompt_are_not_added_to_reach_the_count():
    uncut, known = talk(SCRIPT)
    params = ClipsParams(prompt="telescope mirrors", num_clips=5, target_duration=6)
    found = await clips.apply([uncut], params, context(known))
    assert 1 <= len(found) < 5
    assert all("mirror" in texts(c, known) for c in found)


async def test_a_word_in_another_form_is_found():
    uncut, known = talk(SCRIPT)
    params = ClipsParams(prompt="launching a rocket", num_clips=1, target_duration=6)
    [found] = await clips.apply([uncut], params, context(known))
    assert "Rockets" in texts(found, known)


async def test_a_prompt_that_nobody_speaks_of_is_refused_with_words_that_are_said():
    uncut, known = talk(SCRIPT)
    params = ClipsParams(prompt="cryptocurrency", num_clips=1, target_duration=6)
    with pytest.raises(Unsupported, match="cryptocurrency") as refusal:
        await clips.apply([uncut], params, context(known))
    assert "mirror" in refusal.value.remedy


async def test_a_prompt_that_names_no_topic_ranks_by_interest():
    uncut, known = talk(SCRIPT)
    asked = ClipsParams(prompt="find the most engaging moments", num_clips=2, target_duration=6)
    free = ClipsParams(num_clips=2, target_duration=6)
    assert await clips.apply([uncut], asked, context(known)) == await clips.apply(
        [uncut], free, context(known)
    )


GERMAN = (
    "Willkommen zur Gartenschau, meine Freunde. (0.9) Das Wetter war nicht gut und es hat den "
    "Gärten nicht geholfen. (0.9) Ein Teleskop sammelt das Licht mit dem Spiegel. (0.3) Größere "
    "Spiegel sammeln mehr davon. (1.2) Und dann gab es Mittagessen am Hafen für alle. (0.9) Das "
    "war was, die Suppe war nicht warm, und sie war nicht gut."
)


@pytest.mark.parametrize(
    "prompt", ["Finde die Stelle über den Spiegel", "find the best clips about Spiegeln"]
)
async def test_german_is_ranked_by_german_words_whatever_the_language_of_the_prompt(prompt):
    uncut, known = talk(GERMAN)
    known.language = "de"
    params = ClipsParams(prompt=prompt, num_clips=2, target_duration=6)
    found = await clips.apply([uncut], params, context(known))
    assert len(found) == 1
    assert "Spiegel" in texts(found[0], known)


async def test_words_that_are_said_are_named_without_the_small_ones_of_their_language():
    uncut, known = talk(GERMAN)
    known.language = "de"
    params = ClipsParams(prompt="Kryptowährung", num_clips=1, target_duration=6)
    with pytest.raises(Unsupported) as refusal:
        await clips.apply([uncut], params, context(known))
    assert "spiegel" in refusal.value.remedy
    assert "nicht" not in refusal.value.remedy


def test_english_hooks_and_numbers_count_in_english_alone():
    said = "Or six secret tips, stop."
    units = [Unit(Fraction(0), Fraction(3), said, ("six",))]
    [passage] = passages(units, Fraction(3))
    assert Interest(units, "en").of(passage) > Interest(units, "fr").of(passage)
    leaning = [Unit(Fraction(0), Fraction(3), "Also das geht.")]
    english, german = (Interest(leaning, tongue).standing_alone(passage) for tongue in ("en", "de"))
    assert english < german == 1


UNITS = [
    Unit(Fraction(0), Fraction(2), "…"),
    Unit(Fraction(2), Fraction(5), "Also, why is it so?", ("it", "so")),
    Unit(Fraction(6), Fraction(9), "A secret of six tips.", ("secret", "six", "tip"), whole=False),
    Unit(Fraction(9), Fraction(10), "So it is.", ("so",)),
]


@pytest.mark.parametrize(
    ("first", "last", "worth", "alone"),
    [
        # density, pace, hooks (why; secret, tips), a question, a number
        (0, 1, 0.4 * (2 / 5 / 1.2) + 0.2 * (5 / 5 / 2.6) + 0.2 * 0.5 + 0.1, 0.75),
        (1, 2, 0.4 * (5 / 7 / 1.2) + 0.2 * (10 / 7 / 2.6) + 0.2 + 0.1 + 0.1, 0.75 * 0.7),
        (2, 3, 0.4 * (4 / 4 / 1.2) + 0.2 * (8 / 4 / 2.6) + 0.2 + 0.1, 0.7),
        (0, 0, 1.0, 1.0),  # without a word it is all spoken
    ],
)
def test_a_passage_is_worth_what_is_counted_in_its_units(first, last, worth, alone):
    length = UNITS[last].end - UNITS[first].start
    [passage] = [p for p in passages(UNITS, length) if (p.first, p.last) == (first, last)]
    interest = Interest(UNITS, "en")
    assert interest.of(passage) == pytest.approx(worth)
    assert interest.standing_alone(passage) == pytest.approx(alone)


def test_the_text_of_a_unit_is_read_once_however_many_passages_have_it():
    read: list[str] = []

    class Read(str):
        def lower(self):
            read.append(self)
            return super().lower()

    units = [Unit(Fraction(n), Fraction(n + 1), Read(f"number {n}"), ("n",)) for n in range(60)]
    interest = Interest(units, "en")
    found = passages(units, Fraction(20))
    assert len(found) > 600
    assert len({interest.of(passage) for passage in found}) > 1
    assert len(read) == 60


async def test_clips_are_whole_sentences_near_the_target_without_overlap():
    uncut, known = talk(SCRIPT)
    params = ClipsParams(num_clips=4, target_duration=6)
    found = await clips.apply([uncut], params, context(known))
    assert len(found) == 4
    for cut in found:
        assert 3 <= cut.duration <= Fraction(84, 10) + Fraction(37, 100)
        assert torn(cut, known.truth["talk"]) == []
        assert texts(cut, known)[0].isupper()
        assert texts(cut, known).endswith(".")
    shown = [ranges(c)[0] for c in found]
    assert all(a[1] <= b[0] or b[1] <= a[0] for a, b in combinations(shown, 2))


async def test_clips_are_named_in_order_of_merit():
    uncut, known = talk(SCRIPT)
    params = ClipsParams(prompt="budget money", num_clips=2, target_duration=6)
    found = await clips.apply([uncut], params, context(known))
    assert [c.name for c in found] == ["talk, clip 1", "talk, clip 2"]
    assert "budget" in texts(found[0], known)
    assert "launch" in texts(found[1], known)


async def test_every_input_is_fanned_out():
    one, known = talk(SCRIPT, "one")
    two, other = talk(SCRIPT, "two")
    known.truth |= other.truth
    params = ClipsParams(num_clips=2, target_duration=6)
    found = await clips.apply([one, two], params, context(known))
    assert [c.name for c in found] == ["one, clip 1", "one, clip 2", "two, clip 1", "two, clip 2"]


@pytest.mark.parametrize(
    ("length", "num_clips", "target", "expected"),
    [
        (100, 5, 10, (5, 10)),
        (35, 5, 10, (3, 10)),  # five would need 50 s
        (9, 5, 10, (0, 10)),  # shorter than one clip: passes through
        (600, None, None, (3, 30)),
        (60, 4, None, (4, 15)),
        (600, 2, None, (2, 30)),
        (600, None, 60, (3, 60)),
    ],
)
def test_count_and_length_are_reduced_to_what_the_video_holds(length, num_clips, target, expected):
    params = ClipsParams(num_clips=num_clips, target_duration=target)
    assert clips.plan(Fraction(length), params) == expected


async def test_a_video_shorter_than_the_target_passes_through():
    uncut, known = talk("Just a few words.")
    params = ClipsParams(num_clips=3, target_duration=60)
    assert await clips.apply([uncut], params, context(known)) == [uncut]


async def test_sentences_without_punctuation_end_at_pauses():
    bare = [w.model_copy(update={"text": w.text.strip(".,")}) for w in speak(SCRIPT)]
    known = Known({"talk": bare})
    uncut = timeline(source(duration=bare[-1].end + 1))
    params = ClipsParams(prompt="telescopes", num_clips=1, target_duration=6)
    [cut] = await clips.apply([uncut], params, context(known))
    assert torn(cut, bare) == []
    said = whole(cut, bare)
    assert said[0] == "Telescopes"
    assert said[-1] == "starlight"


async def test_a_sentence_longer_than_a_clip_is_divided_at_a_pause_never_in_a_word():
    script = "word " * 30 + "(0.5) " + "telescope " * 15 + "(0.5) " + "more " * 30
    uncut, known = talk(script)
    params = ClipsParams(prompt="telescope", num_clips=1, target_duration=12)
    [cut] = await clips.apply([uncut], params, context(known))
    assert torn(cut, known.truth["talk"]) == []
    assert "telescope" in whole(cut, known.truth["talk"])


async def test_a_cut_timeline_is_cut_again_and_removed_pauses_still_end_sentences():
    words = [w.model_copy(update={"text": w.text.strip(".,")}) for w in speak(SCRIPT)]
    known = Known({"talk": words})
    uncut = timeline(source(duration=Fraction(int(words[-1].end + 2))))
    [tight] = await silence_removal.apply(
        [uncut], SilenceRemovalParams(remove_filler_words=False), context(known)
    )
    assert len(tight.clips) > 5
    params = ClipsParams(prompt="telescopes", num_clips=1, target_duration=6)
    [cut] = await clips.apply([tight], params, context(known))
    assert torn(cut, words) == []
    said = whole(cut, words)
    assert said[0] == "Telescopes"
    assert said[-1] == "starlight"
    assert 3 <= cut.duration <= 9


async def test_a_prompt_is_refused_when_the_words_cannot_be_relied_on():
    uncut, known = talk(SCRIPT)
    known.reliable = False
    params = ClipsParams(prompt="telescopes", num_clips=1, target_duration=6)
    with pytest.raises(Unsupported, match=r"not reliable, confidence 0\.31") as refusal:
        await clips.apply([uncut], params, context(known))
    assert "SRT" in refusal.value.remedy


async def test_without_reliable_words_and_prompt_speech_activity_ranks_and_it_says_so():
    uncut, known = talk(SCRIPT)
    known.reliable = False
    told: list[str] = []
    params = ClipsParams(num_clips=2, target_duration=6)
    found = await clips.apply([uncut], params, context(known, warnings=told))
    assert len(found) == 2
    assert all(torn(c, known.truth["talk"]) == [] for c in found)
    [warning] = told
    assert warning.startswith("talk is ranked by speech activity alone: the transcript of talk.mp4")


@pytest.mark.parametrize(
    ("asked", "length", "told"),
    [
        (3, 6, []),
        (20, 6, ["talk gives 7 of 20 clips: it has no more separate passages of about 6 s"]),
        (2, 300, ["talk is no longer than one clip, so it stays whole"]),
        (None, 300, []),
    ],
)
async def test_fewer_clips_than_were_asked_for_are_told(asked, length, told):
    uncut, known = talk(SCRIPT)
    warnings: list[str] = []
    params = ClipsParams(num_clips=asked, target_duration=length)
    await clips.apply([uncut], params, context(known, warnings=warnings))
    assert warnings == told


async def test_a_video_without_sound_is_refused():
    mute = timeline(source(audio_channels=0))
    with pytest.raises(MediaError, match="has no sound"):
        await clips.apply([mute], ClipsParams(target_duration=10), context(Known({})))


async def test_where_word_times_are_guesses_the_edges_go_to_the_pauses_that_are_heard():
    uncut, known = talk(SCRIPT)
    truth = known.truth["talk"]
    speech = await known.speech(uncut.sources["talk"])
    late = Fraction(1, 5)
    known.truth["talk"] = [
        w.model_copy(update={"start": w.start + late, "end": w.end + late, "confidence": 0.5})
        for w in truth
    ]

    async def real_speech(source):
        return speech

    known.speech = real_speech
    params = ClipsParams(prompt="telescopes", num_clips=1, target_duration=6)
    [cut] = await clips.apply([uncut], params, context(known))
    assert torn(cut, truth) == []
    said = whole(cut, truth)
    assert said[0] == "Telescopes"
    assert said[-1] == "starlight."


async def test_a_filler_that_was_cut_out_does_not_end_a_sentence():
    uncut, known = talk(
        "Most people sit too far away, and (0.5) um, (0.5) you hear their room. (0.9) "
        "Get close to the microphone."
    )
    params = SilenceRemovalParams(remove_filler_words=True)
    [tight] = await silence_removal.apply([uncut], params, context(known))
    words = placed_words(tight, known.truth)
    assert [s.text for s in sentences(tight, words, pause_ends=False)] == [
        "Most people sit too far away, and you hear their room.",
        "Get close to the microphone.",
    ]
    wish = ClipsParams(num_clips=1, target_duration=4)
    [found] = await clips.apply([tight], wish, context(known))
    assert texts(found, known).startswith("Most people")
    assert texts(found, known).endswith("room.")


CHOICE = ClipsParams(
    num_clips=1,
    ranges=[
        {"start_ms": 400, "end_ms": 2005, "title": "The opening"},
        {"start_ms": 30_000, "end_ms": 31_000},
        {"start_ms": 0, "end_ms": 1},
    ],
)


async def test_explicit_ranges_are_cut_on_their_frames_in_their_order_and_named():
    uncut, known = talk(SCRIPT)
    found = await clips.apply([uncut], CHOICE, context(known))
    assert [ranges(c) for c in found] == [
        [(Fraction(12, 30), Fraction(60, 30))],
        [(Fraction(30), Fraction(31))],
        [(Fraction(0), Fraction(1, 30))],  # never less than a frame
    ]
    assert [c.name for c in found] == ["The opening", "talk, clip 2", "talk, clip 3"]
    assert {c.tile for cut in found for c in cut.clips} == {"node-1"}


async def test_a_range_that_begins_or_ends_inside_a_word_is_cut_there_and_told():
    uncut, known = talk("Welcome. (1.0) Goodbye.")
    first, second = known.truth["talk"]
    middle = [round((w.start + w.end) / 2 * 1000) for w in (first, second)]
    chosen = ClipsParams(ranges=[{"start_ms": middle[0], "end_ms": middle[1]}])
    warnings: list[str] = []
    [cut] = await clips.apply([uncut], chosen, context(known, warnings=warnings))
    assert torn(cut, known.truth["talk"]) == ["Welcome.", "Goodbye."]
    told = " ".join(warnings)
    assert "clip 1 begins at" in told
    assert "inside the word 'Welcome.'" in told
    assert "clip 1 ends at" in told


@given(st.integers(0, 40_000), st.integers(90, 1000))
async def test_a_range_in_the_rounded_times_of_a_word_has_it_whole_without_a_warning(at, length):
    word = SpokenWord(text="one", start=Fraction(at, 1009), end=Fraction(at + length, 1009))
    start_ms, end_ms = round(1000 * word.start), round(1000 * word.end)
    known = Known({"talk": [word]})
    warnings: list[str] = []
    chosen = ClipsParams(ranges=[{"start_ms": start_ms, "end_ms": end_ms}])
    [cut] = await clips.apply([timeline(source())], chosen, context(known, warnings=warnings))
    [(start, end)] = ranges(cut)
    assert start <= word.start < word.end <= end
    assert warnings == []
    assert (await reading.known(timeline(source()), known, [start_ms, end_ms])).torn == ()


async def test_ranges_need_neither_words_nor_sound():
    mute = timeline(source("mute", audio_channels=0))
    chosen = ClipsParams(ranges=[{"start_ms": 1000, "end_ms": 2000}])
    [cut] = await clips.apply([mute], chosen, context(Known({})))
    assert ranges(cut, "mute") == [(1, 2)]


async def test_ranges_behind_the_end_are_refused_all_at_once():
    uncut, known = talk("Just a few words.")
    behind = [{"start_ms": n * 60_000, "end_ms": n * 60_000 + 1000} for n in (0, 1, 2)]
    with pytest.raises(MediaError, match=r"clip 2 \(60000 to 61000 ms\), clip 3") as refusal:
        await clips.apply([uncut], ClipsParams(ranges=behind), context(known))
    assert "clip 1" not in str(refusal.value)


def test_words_are_stemmed_alike_in_threads():
    said = [" ".join(f"{verb}ing{n} running flies" for verb in ("talk", "walk")) for n in range(99)]
    alone = [stems(text, "en") for text in said]
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as threads:
            together = list(threads.map(lambda text: stems(text, "en"), said * 4))
    finally:
        sys.setswitchinterval(usual)
    assert together == alone * 4
