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
from mosaic_mcp.studio.timeline.model import Cutaway, Span, Timeline, Track
from tests.support.tiles import Known, Makes, context, source, timeline

GREY = (0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9)
NEUTRAL = Colours(red=GREY, green=GREY, blue=GREY)
WARM = Colours(
    red=tuple(min(1.0, v + 0.1) for v in GREY), green=GREY, blue=tuple(v * 0.7 for v in GREY)
)
FILM = source("film", F(3))
TABLE = source("swap.cube", F(0), kind="table", audio_channels=0)
PICTURE = source("sunset", F(0), kind="image", audio_channels=0)
AWAY = Cutaway(source="film", over=Span(source="talk", start=F(1), end=F(3)))


def with_b_roll() -> Timeline:
    """A talk that shows something else for a while."""
    talk = timeline(source())
    return talk.model_copy(update={"sources": {**talk.sources, "film": FILM}, "cutaways": (AWAY,)})


@pytest.mark.parametrize("preset", sorted(color_correction.PRESETS))
async def test_every_preset_gives_every_clip_its_look(preset):
    params = ColorCorrectionParams(preset=preset)
    [out] = await color_correction.apply([timeline(source(), FILM)], params, context(Known({})))
    assert {c.look.tile for c in out.clips} == {"node-1"}
    assert len({c.look for c in out.clips}) == 1
    assert out.clips[0].look.model_copy(update={"tile": ""}) == color_correction.PRESETS[preset]


async def test_b_roll_has_the_look_of_the_video_under_it():
    params = ColorCorrectionParams(preset="filmic")
    [out] = await color_correction.apply([with_b_roll()], params, context(Known({})))
    assert out.cutaways[0].look == out.clips[0].look
    assert out.cutaways[0].model_copy(update={"look": None}) == AWAY


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


async def test_b_roll_takes_on_a_references_colours_from_its_own():
    perception = Known({}, colours={"talk": NEUTRAL, "film": WARM, "sunset": WARM})
    [out] = await color_correction.apply(
        [with_b_roll()],
        ColorCorrectionParams(reference_image_id="img"),
        context(perception, img=PICTURE),
    )
    assert out.cutaways[0].look == color_correction.matched(WARM, WARM).model_copy(
        update={"tile": "node-1"}
    )
    assert out.clips[0].look != out.cutaways[0].look


async def test_a_sound_is_not_asked_for_its_colours():
    perception = Known({}, colours={"talk": NEUTRAL, "sunset": WARM})
    song = source("song", kind="audio", width=0, height=0)
    [out] = await color_correction.apply(
        [timeline(source(), song)],
        ColorCorrectionParams(reference_image_id="img"),
        context(perception, img=PICTURE),
    )
    assert [clip.look is None for clip in out.clips] == [False, True]


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


@pytest.mark.parametrize("dimensions", [1, 3])
async def test_a_table_is_applied_as_it_is(dimensions):
    making = Makes()
    making.dimensions = dimensions
    [out] = await color_correction.apply(
        [with_b_roll()],
        ColorCorrectionParams(lut_id="lut"),
        context(Known({}), making=making, lut=TABLE),
    )
    for look in (out.clips[0].look, out.cutaways[0].look):
        assert (look.table, look.dimensions) == ("swap.cube", dimensions)
    assert out.media == {"talk", "film", "swap.cube"}


async def test_the_table_of_b_roll_alone_is_among_the_files_of_a_render():
    params = ColorCorrectionParams(lut_id="lut")
    known = context(Known({}), making=Makes(), lut=TABLE)
    [out] = await color_correction.apply([with_b_roll()], params, known)
    plain = tuple(clip.model_copy(update={"look": None}) for clip in out.clips)
    assert "swap.cube" in out.model_copy(update={"clips": plain}).media


async def test_a_picture_is_refused_as_a_table():
    with pytest.raises(MediaError, match=r"is an image, not a \.cube table"):
        await color_correction.apply(
            [timeline(source())],
            ColorCorrectionParams(lut_id="img"),
            context(Known({}), img=PICTURE),
        )


async def test_mirroring_twice_turns_back():
    params = MirrorParams(horizontal=True, vertical=False)
    start = with_b_roll()
    [once] = await mirror.apply([start], params, context(Known({})))
    seen = [*once.clips, *once.cutaways]
    assert [(part.mirror_x, part.mirror_y) for part in seen] == [(True, False)] * 2
    [twice] = await mirror.apply([once], params, context(Known({})))
    assert twice == start


@pytest.mark.parametrize(
    ("given", "across", "upside_down"),
    [
        ({}, True, False),
        ({"vertical": True}, False, True),
        ({"horizontal": None, "vertical": True}, False, True),
        ({"horizontal": True}, True, False),
        ({"horizontal": True, "vertical": True}, True, True),
        ({"horizontal": False, "vertical": True}, False, True),
    ],
)
async def test_upside_down_does_not_swap_the_sides_unless_both_are_asked_for(
    given, across, upside_down
):
    params = MirrorParams(**given)
    assert not params.together()
    [out] = await mirror.apply([timeline(source())], params, context(Known({})))
    assert (out.clips[0].mirror_x, out.clips[0].mirror_y) == (across, upside_down)


@pytest.mark.parametrize("given", [{"horizontal": False}, {"horizontal": False, "vertical": False}])
def test_a_mirror_that_changes_nothing_is_refused(given):
    [clash] = MirrorParams(**given).together()
    assert clash.where == "horizontal"


def test_b_roll_that_was_kept_before_it_could_be_changed_is_read():
    kept = with_b_roll().model_dump(mode="json")
    for name in ("mirror_x", "mirror_y", "look"):
        del kept["cutaways"][0][name]
    assert Timeline.model_validate(kept) == with_b_roll()


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


async def test_music_ends_before_the_outro():
    looped = Track(source="talk", loop=True)
    under = timeline(source()).model_copy(update={"tracks": (looped,)})
    outro = OutroParams(use_custom_outro="mosaic")
    [both] = await opening.outro([under], outro, context(Known({})))
    assert [track.until for track in both.tracks] == [F(60)]
    assert both.duration == F(62)


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
