"""Captions: the words that are heard, in source time, in the look that was asked for."""

from fractions import Fraction

import pytest

from mosaic_mcp.contract.tiles.graphics import CinematicCaptionsParams
from mosaic_mcp.contract.tiles.params import CaptionsParams, NoParams
from mosaic_mcp.errors import InvalidRequest, MediaError, Unsupported
from mosaic_mcp.studio.perception.model import Colours
from mosaic_mcp.studio.render.sheet import sheet_of
from mosaic_mcp.studio.tiles import captions, cinematic_captions, emoji_captions
from mosaic_mcp.studio.timeline.edit import trim
from mosaic_mcp.studio.timeline.model import CaptionStyle, Track
from tests.support.tiles import Known, context, sound, source, speak, talk, timeline


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


TILES = (
    (captions.apply, CaptionsParams()),
    (cinematic_captions.apply, CinematicCaptionsParams()),
    (emoji_captions.apply, NoParams()),
)


@pytest.mark.parametrize(("apply", "params"), TILES)
async def test_signs_that_no_font_has_are_told_once_and_the_words_keep_them(apply, params):
    uncut, known = talk("A party🎉 and more 🎉 fun🎈.")
    known.known_colours = {"talk": Colours(red=(0.5,), green=(0.5,), blue=(0.5,))}
    told: list[str] = []
    [captioned] = await apply([uncut], params, context(known, warnings=told))
    assert told == [
        "no font here has 🎈 🎉: captions leave such signs out, subtitle files keep them"
    ]
    assert captioned.captions.words[1].text == "party🎉"
    drawn = [e.plaintext for e in sheet_of(captioned).subs.events if "\\p1" not in e.text]
    assert not set("".join(drawn)) & {"🎈", "🎉"}


@pytest.mark.parametrize("script", ["你好 世界", "مرحبا بالعالم"])
@pytest.mark.parametrize(("apply", "params"), TILES)
async def test_a_script_without_a_font_is_refused_before_anything_is_looked_at(
    apply, params, script
):
    uncut, known = talk(script)
    with pytest.raises(Unsupported) as refusal:
        await apply([uncut], params, context(known))
    assert "hosted engine" in refusal.value.remedy
    assert known.looked_at == []


async def test_an_emoji_that_the_tile_adds_stays_beside_one_that_is_left_out():
    uncut, known = talk("A rocket🎉 starts.")
    [captioned] = await emoji_captions.apply([uncut], NoParams(), context(known))
    assert captioned.captions.words[1].emoji == "🚀"
    assert any("\\p1" in event.text for event in sheet_of(captioned).subs.events)


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


def narrated(script: str | None):
    """A talk under a voice-over, which carries its words or not."""
    uncut, known = talk("Own words are here.")
    known.truth["voice"] = [] if script is None else speak(script)
    voice = sound("voice", 4).model_copy(update={"transcript": script and "brought"})
    track = Track(source="voice", kind="voice")
    sources = uncut.sources | {"voice": voice}
    return uncut.model_copy(update={"sources": sources, "tracks": (track,)}), known


@pytest.mark.parametrize(
    ("tile", "params"),
    [
        (captions, CaptionsParams()),
        (emoji_captions, NoParams()),
    ],
)
async def test_a_voice_over_is_captioned_with_the_words_of_its_script(tile, params):
    both, known = narrated("Here is the lake.")
    [captioned] = await tile.apply([both], params, context(known))
    assert [(w.source, w.text) for w in captioned.captions.words] == [
        *(("voice", text) for text in ("Here", "is", "the", "lake.")),
        *(("talk", text) for text in ("Own", "words", "are", "here.")),
    ]


async def test_where_nobody_else_speaks_the_voice_over_is_captioned_alone():
    both, known = narrated("Here is the lake.")
    known.truth["talk"] = []
    [captioned] = await captions.apply([both], CaptionsParams(), context(known))
    assert {w.source for w in captioned.captions.words} == {"voice"}


async def test_of_a_voice_over_without_words_the_video_is_captioned_alone():
    both, known = narrated(None)
    [captioned] = await captions.apply([both], CaptionsParams(), context(known))
    assert {w.source for w in captioned.captions.words} == {"talk"}
