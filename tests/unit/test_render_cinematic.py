"""Cinematic captions: lines in two fonts, six ways to appear, off the faces."""

import re
from fractions import Fraction as F
from itertools import pairwise

import pysubs2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mosaic_mcp.studio.render.fonts import SHIPPED
from mosaic_mcp.studio.render.lettering import block_of
from mosaic_mcp.studio.render.phrases import Shown
from mosaic_mcp.studio.render.places import Box, faces_seen, freest
from mosaic_mcp.studio.render.sheet import sheet_of
from mosaic_mcp.studio.timeline.model import (
    Captions,
    CaptionWord,
    CinematicStyle,
    Clip,
    CropKey,
    FaceSeen,
    Framing,
    Source,
    Timeline,
)

TALK = Source(sha256="talk", name="talk.mp4", duration=F(60), width=1920, height=1080)
ANIMATIONS = ("fade", "pop", "slide", "typewriter", "cinematic", "highlight")
PLAIN, STRONG = (next(f for f in SHIPPED if f.family == name) for name in ("Inter", "Besley"))


def titled(text: str, *, size=(1080, 1920), faces=(), framing=None, **look) -> Timeline:
    """Words of 0.4 s; one in capitals is strong."""
    words = tuple(
        CaptionWord(
            source="talk",
            text=word,
            start=F(2 * i, 5),
            end=F(2 * i + 2, 5),
            strong=word.isupper(),
        )
        for i, word in enumerate(text.split(" "))
    )
    return Timeline(
        name="talk",
        width=size[0],
        height=size[1],
        frame_rate=F(25),
        sources={"talk": TALK},
        clips=(Clip(source="talk", start=F(0), end=F(60)),),
        captions=Captions(words=words, look=CinematicStyle(**look)),
        faces={"talk": tuple(faces)},
        framing=framing,
    )


def test_a_cut_in_which_nothing_is_said_shows_nothing():
    said = titled("one two")
    silent = said.clips[0].model_copy(update={"start": F(30)})
    assert events(said.model_copy(update={"clips": (silent,)})) == []


def events(timeline: Timeline) -> list[pysubs2.SSAEvent]:
    return pysubs2.SSAFile.from_string(sheet_of(timeline).text).events


def letters(timeline: Timeline) -> list[pysubs2.SSAEvent]:
    return [e for e in events(timeline) if "\\p1" not in e.text]


def place(event: pysubs2.SSAEvent) -> tuple[float, float]:
    x, y = re.search(r"\\pos\(([-\d.]+),([-\d.]+)\)", event.text).groups()
    return float(x), float(y)


def test_strong_words_are_larger_and_in_the_second_font():
    one, two = (e for e in letters(titled("we WIN", animation="fade")) if "\\bord0" in e.text)
    assert "\\fnMontserrat" in one.text
    assert "\\fnBesley" in two.text
    sizes = [float(re.search(r"\\fs([\d.]+)", e.text)[1]) for e in (one, two)]
    assert sizes[1] > 1.3 * sizes[0]


@pytest.mark.parametrize("animation", ANIMATIONS)
def test_every_word_appears_when_it_is_said_or_stands_with_its_phrase(animation):
    shown = letters(titled("one two three", animation=animation))
    first = {e.plaintext: min(x.start for x in shown if x.plaintext == e.plaintext) for e in shown}
    if animation == "highlight":
        assert set(first.values()) == {0}
    else:
        assert first == {"one": 0, "two": 400, "three": 800}


def test_a_short_last_word_comes_up_early_enough_to_be_read():
    """The last of three is said for 0.1 s, and the next phrase follows at once."""
    spoken = [("one", 0, 40), ("two", 40, 80), ("three,", 80, 90), ("four", 90, 130)]
    timeline = titled("x", animation="fade")
    words = tuple(
        CaptionWord(source="talk", text=text, start=F(start, 100), end=F(end, 100))
        for text, start, end in spoken
    )
    captions = timeline.captions.model_copy(update={"words": words})
    shown = letters(timeline.model_copy(update={"captions": captions}))
    times = {e.plaintext: (e.start, e.end) for e in shown}
    assert times["one"] == (0, 900)
    assert times["two"] == times["three,"] == (400, 900)
    assert times["four"][0] == 900


@pytest.mark.parametrize("animation", ["fade", "pop", "cinematic"])
@pytest.mark.parametrize("spoken_ms", [100, 300, 700, 2000])
def test_a_word_is_in_full_light_for_most_of_its_time(animation, spoken_ms):
    timeline = titled("x", animation=animation)
    word = CaptionWord(source="talk", text="brief", start=F(0), end=F(spoken_ms, 1000))
    following = word.model_copy(update={"start": word.end, "end": word.end + 1, "text": "A"})
    captions = timeline.captions.model_copy(update={"words": (word, following)})
    look = captions.look.model_copy(update={"max_words": 1, "min_words": 1})
    captions = captions.model_copy(update={"look": look})
    shown = letters(timeline.model_copy(update={"captions": captions}))
    for event in (e for e in shown if e.plaintext == "brief"):
        up, down = map(int, re.search(r"\\fad\((\d+),(\d+)\)", event.text).groups())
        assert event.duration == spoken_ms
        assert spoken_ms - up - down >= 0.44 * spoken_ms


def test_no_two_animations_are_alike():
    drawn = {sheet_of(titled("one TWO three", animation=name)).text for name in ANIMATIONS}
    assert len(drawn) == len(ANIMATIONS)


def test_letters_are_typed_one_after_the_other():
    [word] = [e for e in letters(titled("type", animation="typewriter")) if "\\bord0" in e.text]
    times = [int(t) for t in re.findall(r"\\t\((\d+),", word.text)]
    assert times == [0, 70, 140, 210]
    assert word.plaintext == "type"


def test_the_mark_glides_on_every_frame_and_never_leaves_a_gap():
    timeline = titled("one two three", animation="highlight")
    marks = sorted((e for e in events(timeline) if "\\p1" in e.text), key=lambda e: e.start)
    assert all(a.end == b.start for a, b in pairwise(marks))
    assert marks[-1].end == max(e.end for e in letters(timeline))


@pytest.mark.parametrize("size", [(1080, 1920), (1920, 1080), (1080, 1080)])
@pytest.mark.parametrize("position", ["auto", "top-left", "right", "bottom", "center"])
def test_words_stand_inside_the_safe_area(size, position):
    text = "a incomprehensibilities OF ANTIDISESTABLISHMENTARIANISM wonderfully said"
    for event in letters(titled(text, size=size, position=position, animation="fade")):
        x, y = place(event)
        assert 0.08 * size[0] < x < 0.92 * size[0]
        assert 0.05 * size[1] < y < (0.85 if size[1] > size[0] else 0.95) * size[1]


@given(
    st.lists(st.tuples(st.text("abcdefgh", min_size=1, max_size=24), st.booleans()), min_size=1,
             max_size=6),
    st.booleans(),
)  # fmt: skip
def test_lines_never_leave_their_room_and_words_never_touch(words, wide):
    phrase = [Shown(text, F(0), F(1), 0, strong) for text, strong in words]
    block = block_of(phrase, PLAIN, STRONG, 60, 800, wide=wide)
    assert block.width <= 800.01
    placed = list(block.placed(Box(0, 0, block.width, block.height)))
    assert [p.word for p in placed] == phrase
    for a, b in pairwise(placed):
        if a.base == b.base:
            assert a.x + a.width / 2 < b.x - b.width / 2
    assert all(p.box.left >= -0.01 and p.box.right <= block.width + 0.01 for p in placed)


def face(x: float, y: float, at: F = F(0)) -> FaceSeen:
    return FaceSeen(time=at, x=x, y=y, width=0.1, height=0.18)


def test_auto_leaves_the_foot_of_the_picture_to_a_face_that_is_there():
    low = [face(0.5, 0.75, F(n, 2)) for n in range(4)]
    free = letters(titled("hello there", size=(1920, 1080)))
    moved = letters(titled("hello there", size=(1920, 1080), faces=low))
    assert min(place(e)[1] for e in free) > 0.7 * 1080
    assert max(place(e)[1] for e in moved) < 0.5 * 1080


def test_a_place_that_is_wished_is_kept_whatever_is_there():
    low = [face(0.5, 0.8)]
    shown = letters(titled("hello", size=(1920, 1080), faces=low, position="bottom"))
    assert all(place(e)[1] > 0.85 * 1080 for e in shown)


def test_faces_are_found_through_a_crop_and_a_mirror():
    keys = {"talk": (CropKey(time=F(0), x=0.75, y=0.5),)}
    timeline = titled("hi", faces=[face(0.75, 0.5)], framing=Framing(fit="crop", paths=keys))
    [box] = faces_seen(timeline, F(0), F(1))
    assert (box.left + box.right) / 2 == pytest.approx(540, abs=2)
    clip = timeline.clips[0].model_copy(update={"mirror_x": True})
    flat = titled("hi", size=(1920, 1080), faces=[face(0.75, 0.5)])
    [box] = faces_seen(flat.model_copy(update={"clips": (clip,)}), F(0), F(1))
    assert (box.left + box.right) / 2 == pytest.approx(480, abs=2)


def test_the_first_free_place_is_taken_else_the_one_that_covers_least():
    used = [Box(0, 0, 10, 10)]
    assert freest([Box(5, 5, 15, 15), Box(20, 0, 30, 10), Box(40, 0, 50, 10)], used) == 1
    assert freest([Box(0, 0, 10, 10), Box(5, 5, 15, 15)], used) == 1


@pytest.mark.parametrize("animation", ANIMATIONS)
def test_a_hostile_word_is_drawn_as_text(animation):
    [*shown] = letters(titled("{\\p1}\\Nx", animation=animation))
    assert {e.plaintext for e in shown} == {"(/p1)/Nx"}


@pytest.mark.parametrize("animation", ANIMATIONS)
def test_signs_that_no_font_has_are_left_out_of_both_fonts(animation):
    shown = letters(titled("we🎉 WIN🔥\ufe0f 🎙", animation=animation))
    assert {e.plaintext for e in shown} == {"we", "WIN"}
    assert "DejaVu" not in sheet_of(titled("we🎉 WIN🔥\ufe0f 🎙")).text
