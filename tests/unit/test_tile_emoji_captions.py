"""Captions With Emojis: a picture for a word that has one, not too often, and all of them drawn."""

from fractions import Fraction
from itertools import pairwise

import pysubs2
import pytest

from mosaic_mcp.contract.tiles.params import NoParams
from mosaic_mcp.studio.render.emojis import WORDS, artwork
from mosaic_mcp.studio.render.sheet import sheet_of
from mosaic_mcp.studio.tiles.emoji_captions import AGAIN, APART, apply, emoji_of
from tests.support.tiles import context, talk


async def captioned(script: str):
    uncut, known = talk(script)
    [result] = await apply([uncut], NoParams(), context(known))
    return result


@pytest.mark.parametrize(
    ("word", "emoji"),
    [("fire!", "🔥"), ("Rockets", "🚀"), ("growing,", "📈"), ("the", ""), ("qwerty", ""), ("", "")],
)
def test_a_word_is_found_by_its_stem(word, emoji):
    assert emoji_of(word) == emoji


def test_every_emoji_of_the_table_has_artwork_and_words():
    lines = [line.split() for line in WORDS.read_text("utf-8").splitlines() if line[0] != "#"]
    assert {line[0] for line in lines} == set(artwork())
    assert all(len(line) > 1 for line in lines)
    assert all(shapes for shapes in artwork().values())


def test_the_artwork_is_nothing_but_shapes():
    for shapes in artwork().values():
        for colour, opacity, outline in shapes:
            assert len(colour) == 7
            assert 0 < opacity <= 1
            assert set(outline) <= set("mlb -0123456789")


async def test_words_with_an_emoji_carry_it_apart_from_each_other():
    result = await captioned("A rocket and fire (2) and money (2) and rocket (9) and rocket.")
    found = [(w.text, w.emoji) for w in result.captions.words if w.emoji]
    assert found == [("rocket", "🚀"), ("money", "💰"), ("rocket.", "🚀")]
    times = [w.start for w in result.captions.words if w.emoji]
    assert all(b - a >= APART for a, b in pairwise(times))
    assert times[2] - times[0] >= AGAIN


async def test_a_language_without_a_table_gets_captions_alone_and_is_told():
    uncut, known = talk("Die rocket startet.")
    for language, told in (("de", "the language de"), ("und", "an unknown language")):
        known.language, warnings = language, list[str]()
        [result] = await apply([uncut], NoParams(), context(known, warnings=warnings))
        assert not any(w.emoji for w in result.captions.words)
        assert warnings == [f"no emojis for {told}"]


async def test_an_emoji_pops_up_above_its_words_when_its_word_is_said():
    result = await captioned("Look, a rocket")
    said = result.captions.words[2].start
    events = pysubs2.SSAFile.from_string(sheet_of(result).text).events
    shapes = [e for e in events if "\\p1" in e.text]
    words = [e for e in events if "\\p1" not in e.text]
    assert len(shapes) == len(artwork()["🚀"])
    assert {e.start for e in shapes} == {int(said * 100) * 10}
    assert max(_y(e) for e in shapes) < min(_y(e) for e in words)
    assert min(e.layer for e in shapes) > max(e.layer for e in words)


def _y(event) -> Fraction:
    return Fraction(event.text.partition("\\pos(")[2].partition(")")[0].partition(",")[2])
