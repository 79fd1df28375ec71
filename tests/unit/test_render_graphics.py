"""Graphics: inside the safe area, off captions and faces, and only ever text."""

import re
from fractions import Fraction as F

import pysubs2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mosaic_mcp.studio.render.ass import clean
from mosaic_mcp.studio.render.counting import counted_to
from mosaic_mcp.studio.render.graphics import showings
from mosaic_mcp.studio.render.places import Box, safe_area
from mosaic_mcp.studio.render.scenes import Scene
from mosaic_mcp.studio.render.sheet import sheet_of
from mosaic_mcp.studio.render.templates import TEMPLATES
from mosaic_mcp.studio.timeline.model import (
    Captions,
    CaptionWord,
    Clip,
    FaceSeen,
    Graphic,
    Source,
    Span,
    Timeline,
)

TALK = Source(sha256="talk", name="talk.mp4", duration=F(60), width=1920, height=1080)
SIZES = [(1080, 1920), (1920, 1080), (1080, 1080)]
KINDS = sorted(TEMPLATES)
TEXTS = ("Sound better tonight, whoever listens", "Three tips", "Get close to the microphone")


def graphic(kind: str, *texts: str, start=1, end=5, **more) -> Graphic:
    over = Span(source="talk", start=F(start), end=F(end))
    return Graphic(kind=kind, texts=texts or TEXTS, over=over, **more)


def titled(*graphics: Graphic, size=(1920, 1080), words=(), faces=(), clips=()) -> Timeline:
    return Timeline(
        name="talk",
        width=size[0],
        height=size[1],
        frame_rate=F(25),
        sources={"talk": TALK},
        clips=clips or (Clip(source="talk", start=F(0), end=F(60)),),
        captions=Captions(words=tuple(words)) if words else None,
        graphics=graphics,
        faces={"talk": tuple(faces)},
    )


def events(timeline: Timeline) -> list[pysubs2.SSAEvent]:
    return pysubs2.SSAFile.from_string(sheet_of(timeline).text).events


def panel(timeline: Timeline) -> Box:
    """The first box that is drawn."""
    drawing = next(e for e in events(timeline) if "\\p1" in e.text)
    numbers = [float(n) for n in re.findall(r"-?[\d.]+", drawing.plaintext)]
    x, y = map(float, re.search(r"\\pos\(([\d.]+),([\d.]+)", drawing.text).groups())
    across, down = [x + n for n in numbers[::2]], [y + n for n in numbers[1::2]]
    return Box(min(across), min(down), max(across), max(down))


def scene(kind: str, texts, size) -> Scene:
    made = graphic(kind, *texts)
    return Scene(made, F(1), F(5), (), F(25), *size)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", KINDS)
@given(texts=st.lists(st.text(max_size=160).map(clean), min_size=1, max_size=5))
@settings(max_examples=8, deadline=None)
def test_every_text_fits_into_the_safe_area(kind, size, texts):
    texts = ["".join(c for c in text if c.isascii()) for text in texts]
    area = safe_area(*size)
    card = TEMPLATES[kind](scene(kind, texts, size), area, 1.0)
    assert card.width <= area.width + 0.1
    list(card.draw(area))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "kind", ["lower-third", "call-out", "quote", "number", "list", "title", "chapter"]
)
def test_a_graphic_stands_in_the_safe_area_off_the_captions(kind, size):
    words = [
        CaptionWord(source="talk", text="words", start=F(n, 2), end=F(n + 1, 2)) for n in range(12)
    ]
    alone, beside = titled(graphic(kind), size=size), titled(graphic(kind), size=size, words=words)
    area = safe_area(*size)
    for box in (panel(alone), panel(beside)):
        assert box.left >= area.left - 1
        assert box.right <= area.right + 1
        assert box.top >= area.top - 1
        assert box.bottom <= area.bottom + 1
    texts = [e for e in events(beside) if e.plaintext == "words"]
    heights = {float(re.search(r"\\pos\([^,]+,([\d.]+)", e.text)[1]) for e in texts}
    box = panel(beside)
    assert all(not box.top < y < box.bottom for y in heights)


def test_a_graphic_keeps_off_a_face():
    right = FaceSeen(time=F(2), x=0.75, y=0.5, width=0.2, height=0.35)
    assert panel(titled(graphic("number", "40%", "of all"))).left > 960
    assert panel(titled(graphic("number", "40%", "of all"), faces=[right])).right < 960


@pytest.mark.parametrize("x", [0.35, 0.5, 0.7])
@pytest.mark.parametrize("kind", ["quote", "number", "list"])
def test_a_graphic_stands_beside_who_speaks_and_not_on_their_chest(kind, x):
    speaker = [FaceSeen(time=F(t), x=x, y=0.35, width=0.14, height=0.26) for t in (1, 2, 3, 4)]
    box, area = panel(titled(graphic(kind), faces=speaker)), safe_area(1920, 1080)
    face = Box((x - 0.105) * 1920, 0.1 * 1080, (x + 0.105) * 1920, 0.545 * 1080)
    chest = Box(face.left, face.bottom, face.right, 1080)
    assert box.shared(face) == box.shared(chest) == 0
    assert area.left - 1 <= box.left < box.right <= area.right + 1


@pytest.mark.parametrize("size", SIZES)
def test_a_long_list_becomes_smaller_until_it_fits(size):
    box = panel(
        titled(graphic("list", "Head", *["so many words that one line is short"] * 8), size=size)
    )
    area = safe_area(*size)
    assert box.top >= area.top - 1
    assert box.bottom <= area.bottom + 1


def test_two_graphics_at_once_do_not_cover_each_other():
    timeline = titled(graphic("number", "1", "of all"), graphic("number", "2", "of all"))
    boxes = []
    for event in events(timeline):
        if "\\p1" in event.text and "\\clip" in event.text:
            numbers = [float(n) for n in re.findall(r"-?[\d.]+", event.plaintext)]
            boxes.append(
                Box(min(numbers[::2]), min(numbers[1::2]), max(numbers[::2]), max(numbers[1::2]))
            )
    assert boxes[0].shared(boxes[1]) == 0


def test_a_card_over_the_whole_picture_leaves_captions_their_place():
    words = [CaptionWord(source="talk", text="words", start=F(1), end=F(5))]
    shown = events(titled(graphic("title", whole=True), size=(1080, 1920), words=words))
    [captions] = [e for e in shown if e.plaintext == "words"]
    y = float(re.search(r"\\pos\([^,]+,([\d.]+)", captions.text)[1])
    assert captions.layer > max(e.layer for e in shown if e is not captions)
    texts = [e for e in shown if e.plaintext and "\\p1" not in e.text and e is not captions]
    for event in texts:
        assert float(re.search(r"\\pos\([^,]+,([\d.]+)", event.text)[1]) < y - 60


@pytest.mark.parametrize("kind", KINDS)
@given(text=st.text(max_size=40))
@settings(max_examples=12, deadline=None)
def test_a_text_never_becomes_a_tag(kind, text):
    text = "".join(c for c in text if c.isascii()) + "{\\p1}\\N"
    for event in events(titled(graphic(kind, text, text))):
        tags = re.findall(r"\{[^}]*\}", event.text)
        assert len(tags) == 1
        assert "\\N" not in event.text


def test_what_cuts_leave_too_short_to_read_is_not_shown():
    clips = (
        Clip(source="talk", start=F(0), end=F(3, 2)),
        Clip(source="talk", start=F(4), end=F(9)),
    )
    timeline = titled(graphic("title"), clips=clips)
    assert showings(timeline, timeline.graphics[0]) == [(F(1), F(5, 2))]
    short = titled(graphic("title", end=2), clips=clips)
    assert showings(short, short.graphics[0]) == []


def test_points_appear_at_their_cues_through_cuts():
    clips = (Clip(source="talk", start=F(0), end=F(2)), Clip(source="talk", start=F(3), end=F(9)))
    points = graphic("list", "", "one", "two", cues=(F(1), F(4)))
    shown = events(titled(points, clips=clips))
    first = {t: min(e.start for e in shown if e.plaintext == t) for t in ("one", "two")}
    assert first["one"] < 1500
    assert 3000 <= first["two"] < 3100


def test_a_progress_bar_is_drawn_in_stretches_that_follow_each_other():
    bars = [e for e in events(titled(Graphic(kind="progress"))) if "\\t(" in e.text]
    assert [e.start for e in bars] == [n * 10_000 for n in range(6)]
    assert [e.end for e in bars] == [(n + 1) * 10_000 for n in range(6)]
    ends = [re.findall(r"\\clip\(0,\d+,(\d+),", e.text) for e in bars]
    assert ends[0] == ["0", "320"]
    assert ends[5] == ["1600", "1920"]


@pytest.mark.parametrize(
    ("text", "half"),
    [
        ("40%", "20%"),
        ("$1,250", "$625"),
        ("3.5x", "1.7x"),
        ("5 million", "2 million"),
        ("no", "no"),
    ],
)
def test_a_number_counts_up_in_its_own_form(text, half):
    assert counted_to(text, 0.5) == half
    assert counted_to(text, 1) == text


@given(st.text("0123456789.,$% ", max_size=14), st.floats(0, 1))
def test_no_figure_breaks_the_counting(text, share):
    counted_to(text, share)


def test_a_video_without_words_and_graphics_has_no_sheet():
    assert sheet_of(titled()) is None
