"""Captions: grouped, timed and placed as the look says; a user's text is only ever text."""

from fractions import Fraction as F

import pysubs2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mosaic_mcp.errors import Unsupported
from mosaic_mcp.studio.export import cues_of
from mosaic_mcp.studio.render import fonts
from mosaic_mcp.studio.render.ass import clean
from mosaic_mcp.studio.render.captions import Page
from mosaic_mcp.studio.render.phrases import Shown, ends_of, groups_of, shown_words
from mosaic_mcp.studio.render.places import SIDE
from mosaic_mcp.studio.render.sheet import sheet_of
from mosaic_mcp.studio.timeline.model import (
    Captions,
    CaptionStyle,
    CaptionWord,
    Clip,
    Source,
    Timeline,
    Track,
)

TALK = Source(sha256="talk", name="talk.mp4", duration=F(60), width=1920, height=1080)


def said(text: str, *, start: F = F(0), pause: F = F(1, 10)) -> tuple[CaptionWord, ...]:
    """Words of 0.3 s each with pauses between."""
    step = F(3, 10) + pause
    return tuple(
        CaptionWord(source="talk", text=w, start=start + i * step, end=start + i * step + F(3, 10))
        for i, w in enumerate(text.split())
    )


def captioned(words, *spans, size=(1080, 1920), **look) -> Timeline:
    clips = tuple(Clip(source="talk", start=F(a), end=F(b)) for a, b in spans or [(0, 60)])
    return Timeline(
        name="talk",
        width=size[0],
        height=size[1],
        frame_rate=F(30),
        sources={"talk": TALK},
        clips=clips,
        captions=Captions(words=tuple(words), look=CaptionStyle(**look)),
    )


def grouped(timeline: Timeline) -> list[str]:
    words = shown_words(timeline, timeline.captions)
    return [" ".join(w.text for w in g) for g in groups_of(words, timeline.captions.look)]


def events(timeline: Timeline) -> list[pysubs2.SSAEvent]:
    return pysubs2.SSAFile.from_string(sheet_of(timeline).text).events


def test_groups_hold_at_most_the_most_words_in_even_shares():
    assert grouped(captioned(said("one two three four five six seven"), max_words=4)) == [
        "one two three",
        "four five six seven",
    ]


def test_groups_end_with_sentences_but_not_below_the_fewest_words():
    timeline = captioned(said("No. Well maybe. Then we go"), min_words=2, max_words=4)
    assert grouped(timeline) == ["No. Well maybe.", "Then we go"]


def test_groups_end_at_pauses_and_at_cuts():
    words = (*said("one two"), *said("three four", start=F(3)))
    assert grouped(captioned(words, max_words=6)) == ["one two", "three four"]
    cut = captioned(said("one two three four"), (0, "0.75"), ("0.8", 2), max_words=6)
    assert grouped(cut) == ["one two", "three four"]


def test_words_that_were_cut_are_never_shown():
    cut = captioned(said("one two three four"), (0, "0.38"), ("1.18", 2), max_words=4)
    assert grouped(cut) == ["one", "four"]


def test_times_are_of_the_output():
    [first, second] = events(captioned(said("one two", start=F(10)), (10, 12), min_words=1))
    assert (first.start, second.start) == (0, 0)
    # A word stays with its group: 0.7 s of speech and a moment more.
    assert first.end == second.end == 1000


def test_a_group_never_outlasts_the_clip_that_says_it():
    timeline = captioned(said("one two three four"), (0, "0.7"), ("0.8", 2), max_words=2)
    assert [e.end for e in events(timeline)][:2] == [700, 700]


def test_the_spoken_word_changes_colour_when_it_is_spoken():
    one, two = events(captioned(said("one two"), highlight_color="#112233"))
    assert r"\1c&H332211&" in one.text
    assert one.text.index(r"\1c&H332211&") < one.text.index(r"\t(400,401")
    assert r"\t(400,401,\1c&H332211&)" in two.text


def test_karaoke_fills_each_word_while_it_is_spoken():
    _, two = events(captioned(said("one two"), style="karaoke"))
    assert r"\k40\kf" in two.text


@pytest.mark.parametrize("size", [(1080, 1920), (1920, 1080), (1080, 1080), (320, 568)])
@pytest.mark.parametrize("style", ["colored", "scaling", "karaoke"])
@pytest.mark.parametrize("position", [0, 20, 75, 100])
def test_every_word_stands_inside_the_safe_zone(size, style, position):
    text = "incomprehensibilities antidisestablishmentarianism wonderfully https://example.com/long"
    timeline = captioned(
        said(text), size=size, style=style, vertical_position=position, max_words=3
    )
    page = Page(timeline, timeline.captions.look, fonts.SHIPPED[1])
    width, height = size
    for group in groups_of(shown_words(timeline, timeline.captions), timeline.captions.look):
        setting = page.setting(group)
        lines = setting.lines(group, page.room)
        assert len(lines) <= 2
        for number, line in enumerate(lines):
            for word, middle in zip(line, setting.middles(line), strict=True):
                half = setting.word(word) / 2
                half *= setting.growth(word) if style == "scaling" else 1
                reach = abs(middle) + half + page.stroke
                assert reach <= width * (0.5 - SIDE) + 0.01
            y = page.middle(number, len(lines), setting.size)
            assert y - setting.size / 2 >= 0.05 * height
            assert y + setting.size / 2 <= (0.85 if height > width else 0.95) * height


def test_a_growing_word_never_reaches_its_neighbour():
    timeline = captioned(said("a incomprehensibilities b"), style="scaling", max_words=3)
    page = Page(timeline, timeline.captions.look, fonts.SHIPPED[1])
    [group] = groups_of(shown_words(timeline, timeline.captions), timeline.captions.look)
    setting = page.setting(group)
    for word in group:
        assert setting.word(word) * (setting.growth(word) - 1) / 2 < setting.space


@given(st.text(max_size=30))
def test_a_text_never_becomes_a_tag(text):
    shown = clean(text)
    assert not set(shown) & set("{}\\\n\r")


def test_a_hostile_word_is_drawn_as_text():
    word = CaptionWord(source="talk", text="{\\p1}m 0 0\\Nx\n{", start=F(0), end=F(1))
    [event] = events(captioned([word]))
    assert event.plaintext == "(/p1)m 0 0/Nx ("


def test_an_unknown_font_is_substituted_and_said():
    sheet = sheet_of(captioned(said("one"), font="Comic Sans", font_weight="800"))
    assert "Comic Sans" in sheet.note
    assert "Montserrat" in sheet.note
    assert sheet_of(captioned(said("one"), font="inter")).note == ""


def test_letters_that_the_font_lacks_are_drawn_in_one_that_has_them():
    sheet = sheet_of(captioned(said("Ελλάδα")))
    assert "DejaVu Sans" in sheet.note
    assert "DejaVu Sans" in sheet.text


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("party🎉", ["party"]),
        ("I ❤️‍🔥 it", ["I", "❤", "it"]),
        ("go 👍🏽 🇩🇪 now", ["go", "now"]),
        ("🎉", []),
    ],
)
def test_a_sign_that_no_font_has_is_left_out_of_captions_and_kept_in_subtitles(text, drawn):
    timeline = captioned(said(text))
    assert [event.plaintext for event in events(timeline)] == drawn
    assert "".join(cue.text for cue in cues_of(timeline)) == " ".join(map(clean, text.split()))


def test_a_sign_that_only_the_chosen_font_has_is_drawn_while_it_draws_all_letters():
    assert [e.plaintext for e in events(captioned(said("₿5 🎉")))] == ["₿5"]
    assert [e.plaintext for e in events(captioned(said("₿5 Ελλάδα")))] == ["5", "Ελλάδα"]


@pytest.mark.parametrize("text", ["你好", "你好🎉", "مرحبا", "שלום", "नमस्ते"])
def test_scripts_that_cannot_be_drawn_are_refused(text):
    with pytest.raises(Unsupported) as refusal:
        sheet_of(captioned(said(text)))
    assert refusal.value.remedy


def test_shown_words_are_whole():
    shown = shown_words(captioned(said("one two")), captioned(said("one two")).captions)
    assert shown[0] == Shown("one", F(0), F(3, 10), 0)


def spoken_over(talk: str, script: str, **track) -> Timeline:
    """A talk, and a voice that begins at second 2 of it, both with captioned words."""
    voice = Source(sha256="voice", name="voice.wav", kind="audio", duration=F(3), audio_channels=1)
    script_words = [w.model_copy(update={"source": "voice"}) for w in said(script)]
    own = captioned((*said(talk), *script_words))
    return own.model_copy(
        update={
            "sources": own.sources | {"voice": voice},
            "tracks": (Track(source="voice", kind="voice", at=F(2), **track),),
        }
    )


def test_under_a_voice_only_its_words_are_shown_and_the_clips_go_on_behind_it():
    both = spoken_over(" ".join(f"own{n}" for n in range(20)), "Here is the lake.")
    assert both.captions is not None
    shown = shown_words(both, both.captions)
    assert [w.text for w in shown] == [
        *(f"own{n}" for n in range(5)),
        *("Here", "is", "the", "lake."),
        *(f"own{n}" for n in range(13, 20)),
    ]
    assert [(w.start, w.end) for w in shown[5:7]] == [
        (F(2), F(23, 10)),
        (F(24, 10), F(27, 10)),
    ]
    groups = groups_of(shown, CaptionStyle())
    assert [[w.text for w in g] for g in groups if g[0].text == "Here"] == [
        ["Here", "is", "the", "lake."]
    ]
    ends = list(ends_of(both, groups))
    assert all(end <= later[0].start for end, later in zip(ends, groups[1:], strict=False))


def test_of_a_voice_that_was_cut_only_what_is_heard_is_shown():
    # A cut took the first word away: the voice goes on from its second one.
    both = spoken_over("own", "Here is the lake.", start=F(4, 10), end=F(11, 10))
    assert both.captions is not None
    shown = shown_words(both, both.captions)
    assert [(w.text, w.start) for w in shown] == [
        ("own", F(0)),
        ("is", F(2)),
        ("the", F(24, 10)),
    ]


def test_a_voice_without_words_hides_none_of_the_clips():
    both = spoken_over(" ".join(f"own{n}" for n in range(20)), "")
    assert both.captions is not None
    assert len(shown_words(both, both.captions)) == 20
