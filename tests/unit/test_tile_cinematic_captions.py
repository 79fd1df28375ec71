"""Cinematic Captions: every parameter, the words that stand out, colours of the picture."""

from fractions import Fraction
from itertools import pairwise

import pytest

from mosaic_mcp.contract.tiles.graphics import CinematicCaptionsParams
from mosaic_mcp.errors import Unsupported
from mosaic_mcp.studio.perception.model import Colours, Face
from mosaic_mcp.studio.render.contrast import READABLE, contrast, rgb
from mosaic_mcp.studio.tiles.cinematic_captions import apply, style
from mosaic_mcp.studio.timeline.model import CinematicStyle
from tests.support.tiles import context, talk

DARK = Colours(red=(0.0, 0.1, 0.3), green=(0.0, 0.08, 0.2), blue=(0.0, 0.05, 0.1))
BRIGHT = Colours(red=(0.5, 0.9, 1.0), green=(0.5, 0.88, 1.0), blue=(0.5, 0.8, 0.9))
GRAY = Colours(red=(0.2, 0.5, 0.8), green=(0.2, 0.5, 0.8), blue=(0.2, 0.5, 0.8))


async def captioned(script: str, **params):
    uncut, known = talk(script)
    known.known_colours = {"talk": DARK}
    known.known_faces = (Face(time=Fraction(0), x=0.5, y=0.4, width=0.1, height=0.2),)
    [result] = await apply([uncut], CinematicCaptionsParams(**params), context(known))
    return result


def test_every_parameter_reaches_the_look():
    look = style(
        CinematicCaptionsParams(
            font1="Inter",
            font2="DejaVu Sans",
            color_override="#12AB34",
            text_bg_enabled=True,
            text_bg_color="#FFFFFF",
            text_bg_opacity=40,
            animation_style="highlight",
            stroke_enabled=True,
            stroke_color="#445566",
            stroke_width=7,
            caption_position="top-left",
        ),
        DARK,
    )
    assert look == CinematicStyle(
        animation="highlight",
        font="Inter",
        accent_font="DejaVu Sans",
        color="#12AB34",
        accent_color="#12AB34",
        shade_color=look.shade_color,
        box_color="#FFFFFF",
        box_opacity=40,
        stroke_color="#445566",
        stroke_width=7,
        position="top-left",
    )


def test_what_is_left_empty_is_the_studios_choice():
    look = style(CinematicCaptionsParams(), DARK)
    assert (look.font, look.accent_font) == ("Montserrat", "Besley")
    assert (look.animation, look.position) == ("cinematic", "auto")
    assert (look.box_color, look.stroke_color) == (None, None)


def test_an_opacity_up_to_one_is_a_share():
    assert style(CinematicCaptionsParams(text_bg_opacity=0.35), None).box_opacity == 35


@pytest.mark.parametrize("ground", [DARK, BRIGHT, GRAY])
def test_colours_that_are_chosen_can_be_read_on_the_picture(ground):
    look = style(CinematicCaptionsParams(), ground)
    middle = [level[1] for level in (ground.red, ground.green, ground.blue)]
    for colour in (look.color, look.accent_color):
        assert contrast(rgb(colour), middle) >= READABLE
    assert look.accent_color != look.color


def test_colours_that_are_chosen_can_be_read_on_the_box():
    for box in ("#FFFFFF", "#000000", "#C04010"):
        look = style(CinematicCaptionsParams(text_bg_enabled=True, text_bg_color=box), DARK)
        assert contrast(rgb(look.color), rgb(box)) >= READABLE
        assert contrast(rgb(look.accent_color), rgb(box)) >= READABLE


async def test_words_that_carry_the_meaning_stand_out_and_no_two_in_a_row():
    result = await captioned("We lost 40% of the listeners. It was a terrible microphone.")
    words = result.captions.words
    assert [w.text for w in words if w.strong] == ["40%", "listeners.", "microphone."]
    neighbours = pairwise(words)
    assert not any(a.strong and b.strong for a, b in neighbours)


async def test_what_stands_out_is_judged_by_the_language_that_is_spoken():
    uncut, known = talk("Das haben wir jetzt schon lange.")
    known.known_colours = {"talk": DARK}
    known.language = "de"
    [result] = await apply([uncut], CinematicCaptionsParams(), context(known))
    assert [w.text for w in result.captions.words if w.strong] == ["lange."]


async def test_hesitations_are_left_out():
    result = await captioned("Well um hello there uh friends.")
    assert [w.text for w in result.captions.words] == ["Well", "hello", "there", "friends."]


async def test_faces_come_along_only_where_the_place_is_free_to_choose():
    assert (await captioned("Hello there.")).faces["talk"]
    assert not (await captioned("Hello there.", caption_position="bottom")).faces


async def test_an_unreliable_transcript_is_refused_by_the_tiles_name():
    uncut, known = talk("Hello there.")
    known.reliable = False
    with pytest.raises(Unsupported, match="Cinematic Captions cannot be made"):
        await apply([uncut], CinematicCaptionsParams(), context(known))


async def test_words_that_can_hardly_be_read_on_their_box_are_told():
    uncut, known = talk("Hello there.")
    known.known_colours = {"talk": DARK}
    told: list[str] = []
    params = CinematicCaptionsParams(
        color_override="#777777", text_bg_enabled=True, text_bg_color="#666666"
    )
    await apply([uncut], params, context(known, warnings=told))
    assert told == ["#777777 words can hardly be read on a #666666 box"]
