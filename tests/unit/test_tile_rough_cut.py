"""Rough Cut: dead air, false starts and repeated takes go; the prompt's topics are minded."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mosaic_mcp.contract.spans import Span
from mosaic_mcp.contract.tiles.params import RoughCutParams
from mosaic_mcp.errors import MediaError, Unsupported
from mosaic_mcp.studio.perception.model import Interval
from mosaic_mcp.studio.tiles import rough_cut
from mosaic_mcp.studio.tiles.speech.wishes import wishes
from tests.support.tiles import Known, context, ranges, source, talk, timeline, torn, whole

TAKES = (
    "(2.0) Welcome to the show. (1.8) Our telescope has a (1.0) Our telescope has a curved. (0.9) "
    "Our telescope has a curved mirror of glass. (2.5) um (1.5) I want to, I want to thank you. "
    "(3.0)"
)
TOPICS = (
    "We begin with the weather. (0.9) The price is four dollars. (0.8) "
    "Pricing depends on the region. (0.9) The demo runs on a phone. (0.9) Goodbye to everyone."
)


def params(prompt: str = "Make a tight rough cut", **more) -> RoughCutParams:
    return RoughCutParams(prompt=prompt, **more)


async def said(script: str, prompt: str = "tighten it") -> str:
    uncut, known = talk(script)
    [cut] = await rough_cut.apply([uncut], params(prompt), context(known))
    return " ".join(whole(cut, known.truth["talk"]))


async def test_of_repeated_takes_the_last_complete_one_stays():
    text = await said(TAKES)
    assert text.count("Our telescope") == 1
    assert "Our telescope has a curved mirror of glass." in text


async def test_a_take_that_broke_off_after_a_complete_one_goes():
    text = await said(
        "The mirror is made of very clean glass. (1.0) The mirror is (1.2) And that is all."
    )
    assert text == "The mirror is made of very clean glass. And that is all."


async def test_sentences_that_only_begin_alike_stay():
    script = "I have a dream of open fields. (0.9) I have a plan that costs nothing at all."
    assert await said(script) == script.replace("(0.9) ", "")


async def test_immediate_repeats_and_lone_fillers_go():
    text = await said(TAKES)
    assert "um" not in text.split()
    assert text.endswith("I want to thank you.")


async def test_every_word_is_whole_or_gone():
    uncut, known = talk(TAKES)
    [cut] = await rough_cut.apply([uncut], params(), context(known))
    words = known.truth["talk"]
    assert torn(cut, words) == []
    assert len(whole(cut, words)) < len(words)


async def test_a_noise_between_two_dropped_sentences_goes_with_them():
    uncut, known = talk(TOPICS)
    words = known.truth["talk"]
    price = next(w for w in words if w.text == "dollars.")
    speech = await known.speech(uncut.sources["talk"])
    noise = Interval(start=price.end + Fraction(1, 4), end=price.end + Fraction(3, 5))

    async def noisy(source):
        return tuple(sorted((*speech, noise), key=lambda i: i.start))

    known.speech = noisy
    wish = params("remove everything about the price")
    [cut] = await rough_cut.apply([uncut], wish, context(known))
    assert all(b <= noise.start or noise.end <= a for a, b in ranges(cut))


async def test_dead_air_goes_and_pauses_are_shortened():
    uncut, known = talk(TAKES)
    [cut] = await rough_cut.apply([uncut], params(), context(known))
    words = known.truth["talk"]
    shown = ranges(cut)
    assert words[0].start - shown[0][0] <= Fraction(1, 4)
    assert shown[-1][1] - words[-1].end <= Fraction(3, 10)
    heard = whole(cut, words)
    spoken = sum(w.end - w.start for w in words if w.text in heard)
    assert cut.duration < spoken + 3


@pytest.mark.parametrize(
    ("prompt", "gone", "left"),
    [
        ("Remove the part about pricing.", ("price", "Pricing"), ("weather", "demo")),
        ("keep only the part about the demo", ("weather", "price"), ("demo",)),
        ("Cut everything about the weather and keep the energy", ("weather",), ("price", "demo")),
        ("leave out all mentions of", (), ("weather", "price", "demo")),
        ("keep only the best takes", (), ("weather", "price", "demo")),
        ("remove filler words and long pauses", (), ("weather", "price", "demo")),
        ("Remove all mentions of pricing", ("price", "Pricing"), ("weather", "demo")),
        ("Cut out the pricing section", ("price", "Pricing"), ("weather", "demo")),
        ("Remove the pricing part, please.", ("price", "Pricing"), ("weather", "demo")),
        ("Take the bit about the weather out.", ("weather",), ("price", "demo")),
        ("Remove everything except the demo", ("weather", "price"), ("demo",)),
        ("Keep everything except the part about pricing", ("price",), ("weather", "demo")),
        ("keep everything but the demo", ("demo",), ("weather", "price")),
        (
            "Remove long pauses, the demo part and all talk of pricing",
            ("price", "demo"),
            ("weather",),
        ),
        ("leave the part about pricing", (), ("weather", "price", "demo")),
        ("Don't remove the part about pricing", (), ("weather", "price", "demo")),
    ],
)
async def test_the_prompt_may_remove_or_keep_a_topic(prompt, gone, left):
    text = await said(TOPICS, prompt)
    assert not [w for w in gone if w in text]
    assert [w for w in left if w in text] == list(left)


async def test_a_topic_that_nobody_mentions_is_refused():
    with pytest.raises(Unsupported, match="No sentence mentions “politics”"):
        await said(TOPICS, "remove the part about politics")


def test_two_wishes_of_one_prompt_are_told_apart():
    found = wishes("Remove the bit about pricing, and keep only the section about phones.", "en")
    assert [(w.kind, w.phrase) for w in found.topics] == [("remove", "pricing"), ("keep", "phones")]


@pytest.mark.parametrize(
    ("prompt", "phrase"),
    [
        ("Remove the part about pricing and the weather", "pricing and the weather"),
        ("Remove the pricing and weather sections", "pricing and weather"),
        ("Remove the part where I talk about pricing, then tighten it", "pricing"),
        ("Cut everything about Node.js from the video", "Node.js"),
        ("Keep only the parts where she mentions glass.", "glass"),
        ("Remove the weather bit and make it lively", "weather"),
        ("Remove everything about silence", "silence"),
        ("Keep only everything about retakes", "retakes"),
    ],
)
def test_a_topic_is_read_to_its_end_and_no_further(prompt, phrase):
    found = wishes(prompt, "en")
    assert [w.phrase for w in found.topics] == [phrase]
    assert (found.times, found.unread) == ([], [])


def test_an_exception_is_not_taken_for_more_of_the_same():
    found = wishes("Remove the part about pricing, but not the part about discounts", "en")
    assert found.topics == []
    assert len(found.unread) == 1


def test_of_a_list_each_topic_counts_by_itself():
    [wish] = wishes("Remove anything about pricing, discounts and refunds", "en").topics
    for said in ("price", "discount", "refund"):
        assert wish.meets([said, "and", "more"])
    assert not wish.meets(["weather"])


def test_a_list_of_times_is_each_of_them():
    found = wishes("Keep only 1:00-2:00 and 3:00-4:00", "en")
    assert [w.span for w in found.times] == [Span(60_000, 120_000), Span(180_000, 240_000)]
    found = wishes("Keep only the part about pricing and 1:00-2:00", "en")
    assert [w.phrase for w in found.topics] == ["pricing"]
    assert [w.span for w in found.times] == [Span(60_000, 120_000)]


@pytest.mark.parametrize(
    "prompt",
    [
        "Remove:\n- the part about pricing\n- the weather section",
        "Cut:\nthe pricing part\n2. the weather bit",
    ],
)
def test_what_is_listed_under_a_verb_is_meant_by_it(prompt):
    found = wishes(prompt, "en")
    assert [(w.kind, w.phrase) for w in found.topics] == [
        ("remove", "pricing"),
        ("remove", "weather"),
    ]
    assert found.unread == []


@pytest.mark.parametrize(
    ("prompt", "kind", "span"),
    [
        ("Keep only the first minute.", "keep", Span(end_ms=60_000)),
        ("Only the first minute", "keep", Span(end_ms=60_000)),
        ("Keep only the last 2.5 minutes; make it lively.", "keep", Span(from_end_ms=150_000)),
        ("Please remove the first 10 seconds of the talk", "remove", Span(end_ms=10_000)),
        ("Cut everything after 2:30", "remove", Span(start_ms=150_000)),
        ("drop the part between 1:00 and 2:00", "remove", Span(60_000, 120_000)),
        ("keep only 1 minute and 30 seconds to 2:00", "keep", Span(90_000, 120_000)),
    ],
)
def test_a_time_is_no_topic(prompt, kind, span):
    found = wishes(prompt, "en")
    assert [(w.kind, w.span) for w in found.times] == [(kind, span)]
    assert (found.topics, found.unread) == ([], [])


@pytest.mark.parametrize(
    "clause",
    [
        "keep the energy",
        "Cut the boring parts",
        "cut to 2:30",
        "trim it down to 60 seconds",
        "keep only the first half",
        "keep only the first few minutes",
        "keep only the top 3 moments",
        "keep only the first minute about pricing",
        "remove the end of the intro",
        "remove filler words",
        "remove the noise",
        "keep everything except the boring bits",
        "I don't want you to cut the demo",
        "I'd like the pricing section removed",
        "Trim the video to 2 minutes",
        "Cut the clip down to 30 seconds",
        "Remove everything before the demo section",
        "Delete all after the goodbye part",
        "Cut to the pricing section",
        "Remove everything not related to the discounts section",
        "Remove the small talk",
        "keep only what matters",
        "There is no need to remove the demo section",
        "keep only the part about cats, not the part about dogs",
    ],
)
def test_a_wish_that_is_not_understood_is_told(clause):
    found = wishes(f"Make it lively. {clause}. Remove the part about pricing.", "en")
    assert found.unread == [clause]
    assert [w.phrase for w in found.topics] == ["pricing"]
    assert found.times == []


@pytest.mark.parametrize(
    "prompt",
    [
        "Make a tight rough cut",
        "Make a rough-cut of it, with quick cuts",
        "Keep the best take of everything.",
        "Keep everything that was chosen.",
        "keep only the last takes and remove all of the silences",
        "Remove false starts, dead air and the long pauses at the beginning and the end.",
        "Keep only the demo and remove everything else.",
    ],
)
def test_what_a_rough_cut_does_anyway_is_not_told_as_a_wish_that_was_not_read(prompt):
    assert wishes(prompt, "en").unread == []


@given(st.text(max_size=80), st.sampled_from(["keep only", "remove", "cut out", ""]))
@settings(deadline=None)
def test_whatever_a_prompt_says_it_is_read_without_a_fault(text, verb):
    wishes(f"{verb} {text}", "en")


async def test_what_was_not_read_is_a_warning_that_names_what_does_it():
    uncut, known = talk(TOPICS)
    told: list[str] = []
    prompt = "Keep it under 2 minutes. Cut the boring parts."
    await rough_cut.apply([uncut], params(prompt), context(known, warnings=told))
    [warning] = told
    assert warning.startswith(
        "these wishes were not read: “Keep it under 2 minutes”, “Cut the boring parts”."
    )
    assert "Clips (`ranges`)" in warning


def time_of(known: Known, word: str) -> float:
    """Where a word of the talk begins, in seconds."""
    return float(next(w.start for w in known.truth["talk"] if w.text == word))


async def timed(prompt: str, word: str, script: str = TOPICS) -> list[str]:
    """The words that stay after a prompt with the time of a word in it."""
    uncut, known = talk(script)
    at = f"{time_of(known, word):.2f} seconds"
    [cut] = await rough_cut.apply([uncut], params(prompt.format(at)), context(known))
    words = known.truth["talk"]
    assert torn(cut, words) == []
    return whole(cut, words)


@pytest.mark.parametrize(
    ("prompt", "word", "stays"),
    [
        ("Keep only the first {}.", "The", "We begin with the weather."),
        ("Remove everything after {}", "The", "We begin with the weather."),
        (
            "Remove the first {} and the part about pricing",
            "The",
            "The demo runs on a phone. Goodbye to everyone.",
        ),
        ("keep only the first {}", "four", "We begin with the weather. The price is"),
        (
            "keep only the first {} and the part about the demo",
            "with",
            "We begin The demo runs on a phone.",
        ),
    ],
)
async def test_a_time_is_cut_between_words_and_beside_topics(prompt, word, stays):
    assert " ".join(await timed(prompt, word)) == stays


async def test_the_end_of_a_video_is_cut_by_its_time():
    uncut, known = talk(TOPICS)
    last = float(uncut.duration) - time_of(known, "Goodbye") + 0.01
    prompt = f"keep only the last {last:.2f} seconds"
    [cut] = await rough_cut.apply([uncut], params(prompt), context(known))
    assert whole(cut, known.truth["talk"]) == ["Goodbye", "to", "everyone."]


async def test_a_take_that_a_time_cuts_away_does_not_replace_an_earlier_one():
    script = "Our telescope has a curved mirror. (2.0) Our telescope has a curved mirror."
    uncut, known = talk(script)
    second = next(w for w in known.truth["talk"][6:] if w.text == "Our")
    prompt = f"keep only the first {float(second.start) - 1:.2f} seconds"
    [cut] = await rough_cut.apply([uncut], params(prompt), context(known))
    assert " ".join(whole(cut, known.truth["talk"])) == "Our telescope has a curved mirror."
    assert ranges(cut)[0][0] < 1


async def test_without_reliable_words_a_time_is_cut_all_the_same():
    uncut, known = talk(TOPICS)
    known.reliable = False
    prompt = params("keep only the first 3 seconds")
    [cut] = await rough_cut.apply([uncut], prompt, context(known))
    assert ranges(cut)[-1][1] <= 3


async def test_a_sound_without_words_goes_with_its_time():
    uncut, known = talk("First of all. (6.0) And the rest.")
    speech = await known.speech(uncut.sources["talk"])
    laughter = Interval(start=speech[0].end + 2, end=speech[0].end + 4)

    async def laughing(source):
        return (speech[0], laughter, *speech[1:])

    known.speech = laughing
    prompt = f"Remove {float(laughter.start) - 0.1:.2f} to {float(laughter.end) + 0.1:.2f} seconds"
    [cut] = await rough_cut.apply([uncut], params(prompt), context(known))
    assert all(b <= laughter.start or laughter.end <= a for a, b in ranges(cut))
    assert len(whole(cut, known.truth["talk"])) == 6


async def test_a_time_behind_the_end_is_told_or_refused():
    uncut, known = talk(TOPICS)
    told: list[str] = []
    [cut] = await rough_cut.apply(
        [uncut], params("cut everything after 9:00"), context(known, warnings=told)
    )
    assert len(whole(cut, known.truth["talk"])) == len(known.truth["talk"])
    assert told == [
        f"“everything after 9:00” takes nothing away: talk lasts {float(uncut.duration):.1f} s"
    ]
    with pytest.raises(Unsupported, match="Nothing would be left of “from 9:00 to 9:30”"):
        await rough_cut.apply([uncut], params("keep only from 9:00 to 9:30"), context(known))


async def test_without_reliable_words_it_cuts_by_pauses_and_says_so():
    uncut, known = talk(TAKES)
    known.reliable = False
    told: list[str] = []
    [cut] = await rough_cut.apply([uncut], params(), context(known, warnings=told))
    assert cut.duration < uncut.duration - 4
    [warning] = told
    assert warning.startswith("talk is cut by pauses alone: the transcript of talk.mp4")


async def test_a_wish_is_refused_without_reliable_words():
    uncut, known = talk(TOPICS)
    known.reliable = False
    with pytest.raises(Unsupported, match="wish about “pricing” cannot be met"):
        await rough_cut.apply([uncut], params("remove the part about pricing"), context(known))


async def test_inputs_are_joined_when_asked():
    one, known = talk("First comes one. (2.0)", "one")
    two, other = talk("(2.0) Then comes two.", "two")
    known.truth |= other.truth
    apart = await rough_cut.apply([one, two], params(), context(known))
    assert [t.name for t in apart] == ["one", "two"]
    [together] = await rough_cut.apply(
        [one, two], params(combine_input_renders=True), context(known)
    )
    assert together.name == "one + two"
    assert [c.source for c in together.clips] == ["one", "two"]
    assert set(together.sources) == {"one", "two"}


SILENT = timeline(source(audio_channels=0))
"""A minute of a screen."""


@pytest.mark.parametrize("video", [SILENT, timeline(source())])
@pytest.mark.parametrize(
    ("prompt", "shown"),
    [
        ("Keep only the first 10 seconds", [(0, 10)]),
        ("Remove from 10 to 20 seconds and the last 5 seconds", [(0, 10), (20, 55)]),
    ],
)
async def test_where_nobody_is_heard_it_cuts_by_times_alone(video, prompt, shown):
    told: list[str] = []
    [cut] = await rough_cut.apply([video], params(prompt), context(Known({}), warnings=told))
    assert ranges(cut) == shown
    assert told == ["nobody is heard in talk: it is cut by times alone"]


@pytest.mark.parametrize(
    ("video", "why"), [(SILENT, "has no sound"), (timeline(source()), "Nobody speaks in talk")]
)
async def test_without_speech_or_times_it_is_refused_and_ranges_are_named(video, why):
    with pytest.raises(MediaError, match=why) as refusal:
        await rough_cut.apply([video], params(), context(Known({})))
    assert "Clips (`ranges`)" in refusal.value.remedy
    assert "leave Rough Cut out" in refusal.value.remedy


async def test_a_topic_is_refused_where_nobody_is_heard():
    prompt = params("Remove the part about pricing and the first 10 seconds")
    with pytest.raises(Unsupported, match="No sentence mentions “pricing”"):
        await rough_cut.apply([SILENT], prompt, context(Known({})))
