"""Motion Graphics: wishes in plain words, what a talk offers, times that move with the words."""

from fractions import Fraction as F
from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mosaic_mcp.contract.tiles.graphics import MotionGraphicsParams
from mosaic_mcp.errors import MediaError, Unsupported
from mosaic_mcp.studio.perception.model import Colours, Interval
from mosaic_mcp.studio.render.graphics import showings
from mosaic_mcp.studio.tiles.graphics.finding import finds
from mosaic_mcp.studio.tiles.graphics.wishes import Kind, Wish, read_wishes
from mosaic_mcp.studio.tiles.motion_graphics import QUOTED, apply
from mosaic_mcp.studio.tiles.speech.heard import listen
from mosaic_mcp.studio.tiles.speech.numerals import figure_at
from mosaic_mcp.studio.tiles.speech.sentences import sentences
from mosaic_mcp.studio.tiles.speech.spans import keep, without
from tests.support.tiles import Known, context, source, talk, timeline

GRAY = Colours(red=(0.1, 0.2, 0.3), green=(0.1, 0.2, 0.3), blue=(0.1, 0.2, 0.3))
TALK = (
    "Hello, my name is Ada Lovelace. (2) Tip one. Get close to the microphone. (6) "
    "Tip two. Record ten seconds of silence. (6) We lost forty percent of our listeners. (6) "
    "So, get close, record the silence, and listen first. (4)"
)


async def drawn(prompt: str | None = None, script: str = TALK, warnings=None, **params):
    uncut, known = talk(script)
    known.known_colours = {"talk": GRAY}
    params = MotionGraphicsParams(prompt=prompt, **params)
    [result] = await apply([uncut], params, context(known, warnings=warnings))
    return result


def kinds(result) -> list[str]:
    return [g.kind for g in result.graphics]


# What a prompt says


@pytest.mark.parametrize(
    ("prompt", "wish"),
    [
        (
            'lower third "Ada Lovelace, engineer" at 0:02',
            Wish("lower-third", ("Ada Lovelace", "engineer"), at=F(2)),
        ),
        (
            "lower third: Grace Hopper, Admiral in blue",
            Wish("lower-third", ("Grace Hopper", "Admiral"), color="#3B82F6"),
        ),
        (
            "a full screen title “Hello | World” from 1:00 to 1:02.5",
            Wish("title", ("Hello", "World"), at=F(60), until=F(125, 2), whole=True),
        ),
        ("At 90 s show a call-out 'Don't do this'", Wish("call-out", ("Don't do this",), at=F(90))),
        (
            'list "Tips": "a", "b" top right for 4 seconds',
            Wish("list", ("Tips", "a", "b"), lasting=F(4), place="top-right"),
        ),
        ('bullets "Tips: a, b, c"', Wish("list", ("Tips", "a", "b", "c"))),
        (
            'counter "40 percent of users" when she says "users"',
            Wish("number", ("40%", "of users"), said="users"),
        ),
        ('quote "So be it" at the end', Wish("quote", ("So be it",), ends=True)),
        ("a #0fc progress bar", Wish("progress", color="#00FFCC")),
        (
            "lower third with the name Anna Schmidt at 0:02",
            Wish("lower-third", ("Anna Schmidt",), at=F(2)),
        ),
        (
            "a title saying Live from the garage for 3 s",
            Wish("title", ("Live from the garage",), lasting=F(3)),
        ),
        (
            "call-out with the text Tom and Jerry, in red",
            Wish("call-out", ("Tom and Jerry",), color="#E63946"),
        ),
        ("title saying Hi top left", Wish("title", ("Hi",), place="top-left")),
        ("title saying Hi in red", Wish("title", ("Hi",), color="#E63946")),
        ("title with a text: Hi when he says 'hello'", Wish("title", ("Hi",), said="hello")),
        ("chapter titles", Wish("chapter")),
        ('title "A" for the first five seconds', Wish("title", ("A",), at=F(0), until=F(5))),
        ('title "A" in the last 3 s', Wish("title", ("A",), ends=True, lasting=F(3))),
        ('title "A" for three seconds', Wish("title", ("A",), lasting=F(3))),
        ('title "A" for a minute', Wish("title", ("A",), lasting=F(60))),
        ('title "A" until 0:10', Wish("title", ("A",), at=F(0), until=F(10))),
        ('title "A" at 0:02 until 0:07', Wish("title", ("A",), at=F(2), until=F(7))),
        ('title "A" from two seconds to 0:07', Wish("title", ("A",), at=F(2), until=F(7))),
    ],
)
def test_a_wish_is_read(prompt, wish):
    assert read_wishes(prompt).wishes == (wish,)


def test_several_wishes_stand_in_one_sentence():
    read = read_wishes('lower third "Ada" at 0:02, title "Hello" at 0:10 and a red progress bar')
    assert [(w.kind, w.at, w.color) for w in read.wishes] == [
        ("lower-third", F(2), None),
        ("title", F(10), None),
        ("progress", None, "#E63946"),
    ]


def test_kinds_can_be_refused_and_coloured_together():
    read = read_wishes("Show numbers and quotes in teal. No titles, call-outs or lower thirds.")
    assert read.open == {"number", "quote"}
    assert read.without == {"title", "call-out", "lower-third"}
    assert read.color == "#14B8A6"
    assert read_wishes("Make it modern, in #123456.").color == "#123456"


@pytest.mark.parametrize(
    ("prompt", "unknown"),
    [
        (
            'lower third "Anna Smith, Sound Engineer" for the first five seconds, a progress bar, '
            "and an exploding 3D robot",
            ("an exploding 3D robot",),
        ),
        ("Confetti at 0:03; title “Hi” top left from 0:01 to 0:02", ("Confetti",)),
        ("list: apples, pears and figs", ()),
        ("title saying Tom and Jerry at 0:02 and a robot", ("a robot",)),
        ('Please add a red title "A, b and C" when she says "go", and quotes too.', ()),
        ("a full screen quote between 0:02 and 0:07", ()),
        ("Make it modern, in #123456.", ("Make it modern",)),
    ],
)
def test_what_is_not_understood_is_known(prompt, unknown):
    assert read_wishes(prompt).unknown == unknown


PIECES = [
    *("title", "list", '"', "'", " at 0:", "at 9:99:99", "from 1 s to 2 s", "in red", "#12", ":"),
    *("until a minute", " for the last 9 ", "for seven-s", " and ", "until 0:0"),
    *("no ", "\x00", "“", "”", "\n", "%", "when I says", "counter", "{\\p1}", "|", "\x000\x00"),
]


@given(
    st.lists(st.one_of(st.text(max_size=20), st.sampled_from(PIECES)), max_size=12).map(" ".join)
)
def test_no_prompt_breaks_the_reader(prompt):
    for wish in read_wishes(prompt).wishes:
        assert wish.at is None or wish.at >= 0
        assert all(wish.texts) or wish.kind in ("list", "number")


# What a talk offers


@pytest.mark.parametrize(
    ("words", "figure"),
    [
        ("twenty five percent", ("25%", 3)),
        ("two hundred people", ("200", 2)),
        ("three thousand two hundred", ("3,200", 4)),
        ("5 million users", ("5 million", 2)),
        ("$3,000 a month", ("$3,000", 1)),
        ("one day", None),
        ("one hundred", ("100", 2)),
        ("million", None),
        ("one hundred and fifty customers", ("150", 4)),
        ("a hundred and twenty-five customers", ("125", 4)),
        ("two thousand and five people", ("2,005", 4)),
        ("two point five percent", ("2.5%", 4)),
        ("three point one four", ("3.14", 4)),
        ("zero point oh five", ("0.05", 4)),
        ("one point five million phones", ("1.5 million", 4)),
        ("three and a half million phones", ("3.5 million", 5)),
        ("5 and a half hours", ("5.5", 4)),
        ("5 thousand users", ("5 thousand", 2)),
        ("nineteen eighty four", ("1984", 3)),
        ("nineteen oh five", ("1905", 3)),
        ("twenty twenty five", ("2025", 3)),
        ("twenty thirty people", ("20", 1)),
        ("a million", ("1 million", 2)),
        ("a cat", None),
    ],
)
def test_a_number_is_read_from_words(words, figure):
    assert figure_at(words.split(), 0) == figure


COUNTING = [
    *("one", "two", "twenty", "nineteen", "hundred", "thousand", "million", "5", "%", "percent"),
    *("x", "a", "and", "half", "point", "oh", "zero", "in", "twenty-five"),
]


@given(st.lists(st.sampled_from(COUNTING)))
def test_no_words_break_the_reading_of_numbers(words):
    for index in range(len(words)):
        found = figure_at(words, index)
        assert found is None or (found[0] and 0 < found[1] <= len(words) - index)


async def found_in(script: str, language: str = "en"):
    uncut, known = talk(script)
    known.language = language
    heard = await listen(uncut, context(known))
    return [(f.kind, f.texts) for f in finds(sentences(uncut, heard.words), heard.language)]


async def test_names_numbers_lists_chapters_and_phrases_are_found():
    found = await found_in(TALK)
    assert ("lower-third", ("Ada Lovelace",)) in found
    assert ("number", ("10", "seconds of silence")) in found
    assert ("number", ("40%", "of our listeners")) in found
    assert ("list", ("", "Get close", "Record the silence", "Listen first")) in found
    assert ("chapter", ("1", "Get close to the microphone")) in found
    assert ("chapter", ("2", "Record ten seconds of silence")) in found
    assert ("number", ("2", "Record")) not in found


async def test_numbers_in_english_words_are_read_in_english_alone():
    said = "Die six Leute haben 40% gespart."
    numbers = [texts[0] for kind, texts in await found_in(said, "de") if kind == "number"]
    assert numbers == ["40%"]
    assert ("number", ("6", "Leute haben 40% gespart")) in await found_in(said)


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("We have one hundred and fifty customers today", ("150", "customers today")),
        ("It grew by two point five percent each year", ("2.5%", "each year")),
        ("We sold three and a half million phones", ("3.5 million", "phones")),
        ("Since nineteen eighty four we build boats", ("1984", "we build boats")),
        ("In twenty twenty five we build boats", ("2025", "we build boats")),
        ("In two thousand and eight we build boats", ("2008", "we build boats")),
    ],
)
async def test_a_number_of_several_words_is_shown_whole(said, number):
    assert [texts for kind, texts in await found_in(f"{said}.") if kind == "number"] == [number]


@pytest.mark.parametrize(
    "said",
    [
        "In the nineteen eighties boats were slow.",
        "In two thousand, five people came.",
        "Some twenty thirty people came.",
        "It begins in twenty thirty minutes.",
        "We sold half a million phones.",
        "We met in the twenty first century.",
        "Two thirds of our customers came.",
        "We saw ten and left.",
        "It is two million five hundred thousand dollars.",
    ],
)
async def test_a_number_that_is_not_read_to_its_end_is_not_shown(said):
    assert [texts for kind, texts in await found_in(said) if kind == "number"] == []


async def test_nothing_is_made_up():
    said = {"hello", "we", "met", "three", "old", "friends"}
    for _, texts in await found_in("Hello. We met three old friends."):
        assert {w.lower().strip(".") for t in texts for w in t.split()} <= said | {"3"}


# The tile


async def test_without_wishes_the_talk_is_drawn_as_often_as_asked():
    often = await drawn(frequency_per_minute=20)
    seldom = await drawn(frequency_per_minute=1)
    assert len(seldom.graphics) == 1
    assert len(often.graphics) > 3
    spans = sorted(s for g in often.graphics for s in showings(often, g))
    assert all(a[1] <= b[0] for a, b in pairwise(spans))


async def test_wishes_alone_are_drawn_where_they_say_what_to_show():
    result = await drawn('lower third "Ada, engineer" at 0:02 in red; progress bar')
    assert kinds(result) == ["lower-third", "progress"]
    third, bar = result.graphics
    assert (third.texts, third.color, third.tile) == (("Ada", "engineer"), "#E63946", "node-1")
    assert third.over.start == 2
    assert bar.over is None


async def test_what_is_not_understood_is_told_and_the_rest_is_drawn_when_it_is_said():
    told: list[str] = []
    result = await drawn(
        'lower third "Anna" for the first five seconds and an exploding robot', warnings=told
    )
    [third] = result.graphics
    assert showings(result, third) == [(F(0), F(5))]
    [warning] = [text for text in told if "exploding robot" in text]
    assert warning.startswith("no graphic is known by")


async def test_kinds_that_are_named_are_looked_for_and_refused_ones_are_not():
    assert set(kinds(await drawn("show numbers and chapters", frequency_per_minute=9))) == {
        "number",
        "chapter",
    }
    result = await drawn("no quotes, numbers or lists", frequency_per_minute=20)
    assert not {"quote", "number", "list"} & set(kinds(result))


async def test_a_kind_that_is_asked_for_and_never_said_is_told_with_how_to_give_its_text():
    told: list[str] = []
    script = "We met four people. (9) And then we left. (4)"
    result = await drawn('lower third; numbers; title "Hi" at the end', script, told)
    assert kinds(result) == ["title", "number"]
    assert told == ['lower-third: put its text in quotes, as lower third "Anna Schmidt".']
    with pytest.raises(MediaError, match=r'as lower third "Anna Schmidt"'):
        await drawn("lower third", script)
    assert QUOTED.keys() == set(get_args(Kind)) - {"progress"}
    for kind, example in QUOTED.items():
        [wish] = read_wishes(example).wishes
        assert wish.kind == kind
        assert wish.texts


async def test_a_text_stands_when_it_is_said():
    result = await drawn(
        'call-out "ten seconds of silence"; quote "x" when he says "forty percent"'
    )
    _, known = talk(TALK)
    words = known.truth["talk"]
    at = {w.text: w.start for w in words}
    call, quote = result.graphics
    assert call.over.start == at["ten"]
    assert quote.over.start == at["forty"]


async def test_points_of_a_list_come_as_they_are_said():
    result = await drawn('list "get close, record the silence, listen first" at 0:00 for 60 s')
    [points] = result.graphics
    assert len(points.cues) == 3
    assert list(points.cues) == sorted(points.cues)


async def test_graphics_move_with_their_words_and_go_with_them():
    result = await drawn('title "Hi" at 0:10 for 2 s; title "Gone" at 0:03 for 2 s')
    before, after = Interval(start=F(0), end=F(2)), Interval(start=F(6), end=result.duration)
    cut = keep(result, [before, after], "cut")
    assert [showings(cut, g) for g in cut.graphics] == [[(F(6), F(8))], []]


async def test_full_screen_alone_leaves_out_what_cannot_fill_the_picture():
    told: list[str] = []
    result = await drawn(
        'lower third "Ada"; progress bar; call-out "Now"; chapter titles',
        warnings=told,
        only_generate_full_screen_graphics=True,
    )
    assert all(g.whole for g in result.graphics)
    assert kinds(result) == ["quote", "title", "title"]
    assert sum("does not fill the picture" in text for text in told) == 2


async def test_what_is_not_read_and_not_shown_is_told():
    told: list[str] = []
    await drawn(
        'title "Late" at 99:00; title "Here"',
        warnings=told,
        style_video_url="https://youtu.be/x",
        reference_links="https://a.example",
    )
    assert any("style_video_url is not read" in text for text in told)
    assert any("reference_links is not read" in text for text in told)
    assert any("Late" in text and "is not shown" in text for text in told)


async def test_wishes_need_no_words_but_choosing_does():
    uncut, known = talk(TALK)
    known.reliable = False
    known.known_colours = {"talk": GRAY}
    told: list[str] = []
    asked = MotionGraphicsParams(prompt='title "Hi"', frequency_per_minute=4)
    [result] = await apply([uncut], asked, context(known, warnings=told))
    assert kinds(result) == ["title"]
    [warning] = told
    assert warning.startswith("nothing is chosen by itself: the transcript of talk.mp4")
    with pytest.raises(Unsupported, match="cannot choose what to draw"):
        await apply([uncut], MotionGraphicsParams(), context(known))


async def test_a_silent_video_without_wishes_is_refused_with_what_to_do():
    mute = timeline(source(audio_channels=0))
    known = Known({}, colours={"talk": GRAY})
    with pytest.raises(MediaError, match="nothing to draw") as refusal:
        await apply([mute], MotionGraphicsParams(), context(known))
    assert "title" in refusal.value.remedy


async def test_letters_that_no_font_has_are_left_out_and_told():
    told: list[str] = []
    result = await drawn('title "🎉 Party"', warnings=told)
    assert result.graphics[0].texts == ("Party",)
    assert any("🎉" in text for text in told)


async def test_scripts_that_cannot_be_drawn_are_refused():
    with pytest.raises(Unsupported):
        await drawn('title "مرحبا"')


SAID = "Most people sit too far away. (0.8) And it shows. (9) We go on with something else. (4)"
QUOTE = "most people sit too far away"


def spoken(known) -> tuple[F, F]:
    """When the sentence of the quote begins and ends."""
    words = known.truth["talk"]
    return words[0].start, words[5].end


async def quoted(shots=(F(0),), removed=()):
    uncut, known = talk(SAID)
    known.known_colours = {"talk": GRAY}
    known.known_shots = shots
    gaps = [Interval(start=a, end=b) for a, b in removed]
    cut = keep(uncut, without([Interval(start=F(0), end=uncut.duration)], gaps), "cut")
    params = MotionGraphicsParams(prompt="call-outs", frequency_per_minute=20)
    [result] = await apply([cut], params, context(known))
    return [showings(result, g)[0] for g in result.graphics if g.texts[0].lower() == QUOTE]


async def test_a_graphic_goes_with_its_sentence():
    _, known = talk(SAID)
    start, end = spoken(known)
    [(shown, gone)] = await quoted()
    assert shown == start
    assert end <= gone <= end + F(4, 10)


async def test_a_graphic_is_never_carried_over_a_change_of_shot():
    _, known = talk(SAID)
    start, end = spoken(known)
    late, soon = end - F(1, 5), start + F(1, 3)
    assert await quoted((F(0), late)) == [(start, late)]
    [(shown, gone)] = await quoted((F(0), soon))
    assert (shown, gone > end) == (soon, True), "it comes with the shot that follows at once"
    assert not await quoted((F(0), (start + end) / 2)), "either half is too short to read it"


async def test_a_cut_within_a_shot_is_no_change_of_shot():
    _, known = talk(SAID)
    start, end = spoken(known)
    words = known.truth["talk"]
    gap = (words[2].end, words[3].start)
    [(shown, gone)] = await quoted(removed=[gap])
    assert shown == start
    assert gone > end - (gap[1] - gap[0])


async def test_two_tiles_draw_beside_each_other():
    first = await drawn('title "One" at 0:01')
    known = Known({}, colours={"talk": GRAY})
    second = MotionGraphicsParams(prompt='title "Two" at 0:09')
    [both] = await apply([first], second, context(known))
    assert [g.texts for g in both.graphics] == [("One",), ("Two",)]
