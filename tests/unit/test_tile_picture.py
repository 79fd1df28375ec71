"""Color Correction, Mirror, Intro and Outro: what they decide."""

from fractions import Fraction as F

import pytest

from mosaic_mcp.contract.tiles.params import (
    ColorCorrectionParams,
    IntroParams,
    MirrorParams,
    OutroParams,
)
from mosaic_mcp.errors import MediaError
from mosaic_mcp.studio.perception.model import Colours
from mosaic_mcp.studio.perception.probe import probe
from mosaic_mcp.studio.tiles import color_correction, mirror, opening
from mosaic_mcp.studio.tiles.shipped import bumper, shipped_files
from mosaic_mcp.studio.timeline.model import Track
from tests.support.tiles import Known, context, source, timeline

GREY = (0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9)
NEUTRAL = Colours(red=GREY, green=GREY, blue=GREY)
WARM = Colours(
    red=tuple(min(1.0, v + 0.1) for v in GREY), green=GREY, blue=tuple(v * 0.7 for v in GREY)
)
FILM = source("film", F(3))
TABLE = source("swap.cube", F(0), kind="table", audio_channels=0)
PICTURE = source("sunset", F(0), kind="image", audio_channels=0)


@pytest.mark.parametrize("preset", sorted(color_correction.PRESETS))
async def test_every_preset_gives_every_clip_its_look(preset):
    params = ColorCorrectionParams(preset=preset)
    [out] = await color_correction.apply([timeline(source(), FILM)], params, context(Known({})))
    assert {c.look.tile for c in out.clips} == {"node-1"}
    assert len({c.look for c in out.clips}) == 1
    assert out.clips[0].look.model_copy(update={"tile": ""}) == color_correction.PRESETS[preset]


async def test_a_second_look_replaces_the_first():
    known = context(Known({}))
    [once] = await color_correction.apply(
        [timeline(source())], ColorCorrectionParams(preset="vibrant"), known
    )
    [twice] = await color_correction.apply([once], ColorCorrectionParams(preset="filmic"), known)
    assert twice.clips[0].look.saturation == 0.9


def rises(points) -> bool:
    xs, ys = zip(*points, strict=True)
    return list(xs) == sorted(set(xs)) and list(ys) == sorted(ys) and xs[0] == 0 and xs[-1] == 1


async def test_a_reference_lends_its_colours():
    perception = Known({}, colours={"talk": NEUTRAL, "sunset": WARM})
    [out] = await color_correction.apply(
        [timeline(source())],
        ColorCorrectionParams(reference_image_id="img"),
        context(perception, img=PICTURE),
    )
    look = out.clips[0].look
    assert all(rises(curve) for curve in (look.red, look.green, look.blue))
    middle = dict(look.red)
    assert middle[0.5] == pytest.approx(0.5 + 0.8 * 0.1)
    assert dict(look.blue)[0.5] == pytest.approx(0.5 - 0.8 * 0.15)
    assert dict(look.green)[0.5] == pytest.approx(0.5)


async def test_a_flat_source_is_not_torn_apart_by_a_contrasty_reference():
    flat = tuple(0.5 + 0.001 * n for n in range(7))
    perception = Known(
        {}, colours={"talk": Colours(red=flat, green=flat, blue=flat), "sunset": NEUTRAL}
    )
    [out] = await color_correction.apply(
        [timeline(source())],
        ColorCorrectionParams(reference_image_id="img"),
        context(perception, img=PICTURE),
    )
    assert rises(out.clips[0].look.red)


async def test_a_table_is_applied_as_it_is():
    [out] = await color_correction.apply(
        [timeline(source())],
        ColorCorrectionParams(lut_id="lut"),
        context(Known({}), lut=TABLE),
    )
    assert out.clips[0].look.table == "swap.cube"
    assert "swap.cube" in out.media


async def test_a_picture_is_refused_as_a_table():
    with pytest.raises(MediaError, match=r"not a 3D \.cube table"):
        await color_correction.apply(
            [timeline(source())],
            ColorCorrectionParams(lut_id="img"),
            context(Known({}), img=PICTURE),
        )


async def test_mirroring_twice_turns_back():
    params = MirrorParams(horizontal=True, vertical=False)
    start = timeline(source(), FILM)
    [once] = await mirror.apply([start], params, context(Known({})))
    assert all(clip.mirror_x and not clip.mirror_y for clip in once.clips)
    [twice] = await mirror.apply([once], params, context(Known({})))
    assert twice == start


async def test_intro_and_outro_stand_at_the_ends():
    known = context(Known({}), film=FILM)
    intro = IntroParams(use_custom_intro="custom", custom_intro_video_id="film")
    outro = OutroParams(use_custom_outro="mosaic")
    [opened] = await opening.intro([timeline(source())], intro, known)
    [both] = await opening.outro([opened], outro, known)
    assert [c.source for c in both.clips] == ["film", "talk", bumper().sha256]
    assert [c.whole for c in both.clips] == [True, False, True]
    assert both.duration == F(3) + F(60) + F(2)


async def test_an_intro_leaves_voices_with_their_pictures():
    voice = Track(source="talk", kind="voice", at=F(4), until=F(9))
    spoken = timeline(source()).model_copy(update={"tracks": (voice,)})
    intro = IntroParams(use_custom_intro="custom", custom_intro_video_id="film")
    [opened] = await opening.intro([spoken], intro, context(Known({}), film=FILM))
    assert [(track.at, track.until) for track in opened.tracks] == [(7, 12)]


async def test_a_sound_is_refused_as_an_intro():
    with pytest.raises(MediaError, match="is not a video"):
        await opening.intro(
            [timeline(source())],
            IntroParams(use_custom_intro="custom", custom_intro_video_id="song"),
            context(Known({}), song=source("song", kind="audio")),
        )


async def test_the_shipped_card_is_what_its_facts_say():
    card = bumper()
    found = await probe(shipped_files()[card.sha256], name=card.name)
    assert found.model_copy(update={"origin": "studio"}) == card
