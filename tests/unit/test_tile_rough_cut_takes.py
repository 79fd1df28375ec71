"""Rough Cut: which sentences are takes of each other, and which only begin alike."""

import pytest

from mosaic_mcp.contract.tiles.params import RoughCutParams
from mosaic_mcp.studio.tiles import rough_cut
from tests.support.tiles import context, talk, whole

PARAMS = RoughCutParams(prompt="Make a tight rough cut")
TAKES = (
    "Our telescope has a (1.0) Our telescope has a curved. (0.9) "
    "Our telescope has a curved mirror of glass."
)
LONG = "the glass for a week and then for a month until it is as smooth and as bright as ice."


@pytest.mark.parametrize(
    "script",
    [
        "You need a good microphone. You need a good room. You need a good voice.",
        "We shall fight on the beaches, (0.9) we shall fight on the landing grounds, (0.9) we "
        "shall fight in the fields and in the streets, (0.9) we shall fight in the hills.",
        "The first step is easy. The second step is easy. The first step is hard.",
        "My sister likes pasta a lot. My brother likes pasta a lot.",
        "Turn it on before you speak here. Turn it off before you speak here.",
        "you need a good microphone (0.9) you need a good room (0.9) you need a good voice",
        "You need a good (0.9) microphone. You need a good (0.9) room to speak in.",
        "It was the best of all times — (0.9) It was the worst of all times.",
    ],
)
async def test_sentences_that_say_something_else_in_the_same_words_stay(script):
    told: list[str] = []
    uncut, known = talk(script)
    [cut] = await rough_cut.apply([uncut], PARAMS, context(known, warnings=told))
    assert whole(cut, known.truth["talk"]) == [w.text for w in known.truth["talk"]]
    assert told == []


@pytest.mark.parametrize(
    ("script", "left"),
    [
        (
            "The mirror is made of very clean glass. The mirror is made of clean glass.",
            "The mirror is made of clean glass.",
        ),
        (
            "Our telescope has a round— (0.9) Our telescope has a curved mirror.",
            "Our telescope has a curved mirror.",
        ),
        (
            "Good morning. So the telescope has a round (0.9) "
            "So the telescope has a curved mirror.",
            "Good morning. So the telescope has a curved mirror.",
        ),
        (
            "our telescope has a (0.9) um our telescope has a curved (0.9) our telescope has a "
            "curved mirror of glass (0.9) and so on and on",
            "our telescope has a curved mirror of glass and so on and on",
        ),
        (
            "Good morning. Our telescope has a (0.9) um, our telescope has a mirror of glass.",
            "Good morning. um, our telescope has a mirror of glass.",
        ),
        (
            f"We polish {LONG} We publish {LONG}",
            f"We publish {LONG}",
        ),
    ],
)
async def test_a_take_is_dropped_whether_it_broke_off_or_was_said_again_almost_word_for_word(
    script, left
):
    uncut, known = talk(script)
    [cut] = await rough_cut.apply([uncut], PARAMS, context(known))
    assert " ".join(whole(cut, known.truth["talk"])) == left


async def test_the_takes_that_went_are_told():
    told: list[str] = []
    uncut, known = talk(TAKES)
    await rough_cut.apply([uncut], PARAMS, context(known, warnings=told))
    assert told == [
        "of talk these went as takes that are said again: “Our telescope has a”, “Our telescope "
        "has a curved.”"
    ]
