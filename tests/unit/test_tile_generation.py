"""Image, Video and AI Content Generation: what is asked for, and what comes of it."""

import pytest

from mosaic_mcp.contract.tiles.generation import (
    ContentGenerationParams,
    ImageGenerationParams,
    VideoGenerationParams,
)
from mosaic_mcp.errors import InvalidRequest, Unsupported
from mosaic_mcp.studio.providers.provider import FilmWish, PictureWish
from mosaic_mcp.studio.tiles import generation
from mosaic_mcp.studio.tiles.catalogue import TILES
from tests.support.tiles import Known, Makes, context, source, timeline


async def image(making: Makes, **params):
    given = ImageGenerationParams(prompt="A fox", **params)
    return await generation.image([], given, context(Known({}), making=making))


async def film(making: Makes, **params):
    given = VideoGenerationParams(**{"prompt": "A fox", **params})
    return await generation.video([], given, context(Known({}), making=making))


async def content(making: Makes):
    given = ContentGenerationParams(prompt="A fox")
    return await generation.content([], given, context(Known({}), making=making))


@pytest.mark.parametrize(
    ("params", "size"),
    [
        ({}, (1024, 768)),
        ({"image_size": "portrait_16_9"}, (720, 1280)),
        ({"image_size": "custom", "custom_width": 512, "custom_height": 3840}, (512, 3840)),
    ],
)
async def test_a_picture_is_asked_for_in_its_size_and_flows_on_as_a_video_of_5_s(params, size):
    making = Makes("image")
    [made] = await image(making, quality="low", output_format="webp", **params)
    [wish] = making.wishes
    assert wish == PictureWish("A fox", *size, quality="low", format="webp")
    assert (made.width, made.height, made.duration) == (*size, 5)
    [shown] = made.sources.values()
    assert shown.picture == "asset-made-1"
    assert made.name == "made-1"


async def test_a_video_is_asked_for_as_said_and_lasts_as_long():
    making = Makes("video")
    params = {"duration": "3", "aspect_ratio": "9:16", "resolution": "480p"}
    [made] = await film(making, generate_audio=True, **params)
    assert making.wishes == [FilmWish("A fox", 3, "9:16", "480p", sound=True)]
    assert made.duration == 3


async def test_what_stands_in_is_called_a_placeholder():
    [made] = await image(Makes())
    assert made.name == "placeholder, made-1"


@pytest.mark.parametrize(
    ("kinds", "asked"), [((), FilmWish), (("image",), PictureWish), (("image", "video"), FilmWish)]
)
async def test_content_is_a_video_or_a_picture_where_only_pictures_are_made(kinds, asked):
    making = Makes(*kinds)
    await content(making)
    assert [type(wish) for wish in making.wishes] == [asked]


async def test_what_flows_in_flows_on_before_what_was_made():
    talk = timeline(source())
    given = ImageGenerationParams(prompt="A fox")
    made = await generation.image([talk], given, context(Known({}), making=Makes()))
    assert (made[0], len(made)) == (talk, 2)


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"prompt": " "}, "prompt: is empty"),
        ({"duration": "auto"}, "duration: is 'auto'"),
        ({"duration": "61"}, "from 1 to 60"),
        ({"aspect_ratio": "wide"}, "aspect_ratio: is 'wide'"),
    ],
)
async def test_what_no_provider_could_make_is_refused_before_anybody_is_asked(params, says):
    making = Makes("video")
    with pytest.raises(InvalidRequest, match=says):
        await film(making, **params)
    assert making.wishes == []


async def test_references_are_refused_and_not_lost():
    with pytest.raises(Unsupported, match="selected_context"):
        await image(Makes("image"), selected_context={"images": ["asset"]})
    await image(Makes("image"), selected_context={"images": []})


@pytest.mark.parametrize(("name", "says"), [("AI Avatar", "lips"), ("AI Augment", "filmed")])
def test_what_needs_a_hosted_model_says_so_in_the_plan(name, says):
    tile = TILES[name]
    assert tile.standing == "unsupported"
    assert says in tile.note
    assert "MOSAIC_API_KEY" in tile.note
