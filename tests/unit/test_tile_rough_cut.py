"""Rough Cut: dead air, false starts and repeated takes go; the prompt's topics are minded."""

from fractions import Fraction

import pytest

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
    assert [(w.kind, w.phrase) for w in found] == [("remove", "pricing"), ("keep", "phones")]


async def test_without_reliable_words_it_cuts_by_pauses_and_says_so():
    uncut, known = talk(TAKES)
    known.reliable = False
    steps: list[str] = []
    [cut] = await rough_cut.apply([uncut], params(), context(known, steps))
    assert cut.duration < uncut.duration - 4
    assert any(s.startswith("approximate") for s in steps)


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


async def test_a_video_without_sound_is_refused():
    with pytest.raises(MediaError, match="has no sound"):
        await rough_cut.apply([timeline(source(audio_channels=0))], params(), context(Known({})))
