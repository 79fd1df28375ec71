"""Captions: the words that are heard, in source time, in the look that was asked for."""

from fractions import Fraction

import pytest

from mosaic_mcp.contract.tiles.params import CaptionsParams
from mosaic_mcp.errors import InvalidRequest, MediaError, Unsupported
from mosaic_mcp.studio.tiles import captions
from mosaic_mcp.studio.timeline.edit import trim
from mosaic_mcp.studio.timeline.model import CaptionStyle
from tests.support.tiles import Known, context, source, talk, timeline


async def test_the_words_keep_their_source_times_and_hesitations():
    uncut, known = talk("Well um hello there.")
    [captioned] = await captions.apply([uncut], CaptionsParams(), context(known))
    shown = [(w.source, w.text, w.start, w.end) for w in captioned.captions.words]
    assert shown == [("talk", w.text, w.start, w.end) for w in known.truth["talk"]]
    assert captioned.captions.tile == "node-1"


async def test_a_cut_timeline_carries_only_the_words_that_it_shows():
    uncut, known = talk("First part here. (1.0) Second part there.")
    cut = trim(uncut, known.truth["talk"][3].start - Fraction(1, 4), uncut.duration)
    [captioned] = await captions.apply([cut], CaptionsParams(), context(known))
    assert [w.text for w in captioned.captions.words] == ["Second", "part", "there."]
    assert captioned.captions.words[0].start == known.truth["talk"][3].start


async def test_every_source_of_a_timeline_is_captioned():
    one, known = talk("One is here.", "one")
    two, other = talk("Two is there.", "two")
    known.truth |= other.truth
    both = timeline(*one.sources.values(), *two.sources.values())
    [captioned] = await captions.apply([both], CaptionsParams(), context(known))
    assert {w.source for w in captioned.captions.words} == {"one", "two"}


def test_every_parameter_reaches_the_look():
    look = captions.caption_style(
        CaptionsParams(
            caption_style="karaoke",
            base_color="#111111",
            highlight_color="#222222",
            stroke_enabled=False,
            stroke_color="#333333",
            stroke_width=3,
            shadow_enabled=True,
            shadow_color="#444444",
            shadow_blur=2,
            shadow_opacity=10,
            caption_font="Anton",
            caption_font_weight="400",
            caption_font_size_px=50,
            caption_vertical_position=20,
            caption_min_words=2,
            caption_max_words=5,
        )
    )
    assert look == CaptionStyle(
        style="karaoke",
        base_color="#111111",
        highlight_color="#222222",
        stroke_enabled=False,
        stroke_color="#333333",
        stroke_width=3,
        shadow_enabled=True,
        shadow_color="#444444",
        shadow_blur=2,
        shadow_opacity=10,
        font="Anton",
        font_weight="400",
        font_size_px=50,
        vertical_position=20,
        min_words=2,
        max_words=5,
    )


def test_the_older_size_name_counts_and_an_empty_stroke_is_automatic():
    look = captions.caption_style(CaptionsParams(caption_font_size=40))
    assert look.font_size_px == 40
    assert look.stroke_width == CaptionStyle().stroke_width


def test_fewest_words_above_most_words_is_refused():
    with pytest.raises(InvalidRequest, match="caption_min_words"):
        captions.caption_style(CaptionsParams(caption_min_words=5, caption_max_words=2))


async def test_an_unreliable_transcript_is_refused_with_what_to_do():
    uncut, known = talk("Hello there.")
    known.reliable = False
    with pytest.raises(Unsupported, match="Captions cannot be made") as refusal:
        await captions.apply([uncut], CaptionsParams(), context(known))
    assert "SRT" in refusal.value.remedy


async def test_a_video_in_which_nothing_is_said_is_refused():
    mute = timeline(source(audio_channels=0))
    with pytest.raises(MediaError, match="Nothing is said in talk"):
        await captions.apply([mute], CaptionsParams(), context(Known({})))
