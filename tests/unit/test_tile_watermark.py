"""Watermark: the right picture, in the right place, once."""

from hashlib import sha256

import pytest
from PIL import Image

from mosaic_mcp.contract.tiles.params import WatermarkParams
from mosaic_mcp.errors import InvalidRequest, MediaError, NotFound
from mosaic_mcp.studio.tiles import watermark
from mosaic_mcp.studio.tiles.shipped import logo, shipped_files
from tests.support.tiles import Known, context, source, timeline

LOGO = source("ours", kind="image", width=400, height=100, audio_channels=0)


async def test_the_shipped_logo_is_used_by_default():
    [marked] = await watermark.apply([timeline(source())], WatermarkParams(), context(Known({})))
    [overlay] = marked.overlays
    assert overlay.source == logo().sha256
    assert marked.sources[overlay.source].kind == "image"
    assert (overlay.corner, overlay.width, overlay.opacity) == ("bottom-right", 0.3, 0.8)
    assert (overlay.margin_x, overlay.margin_y, overlay.tile) == (20, 20, "node-1")


def test_the_shipped_logo_is_a_picture_with_transparency_known_by_its_hash():
    file = shipped_files()[logo().sha256]
    assert sha256(file.read_bytes()).hexdigest() == logo().sha256
    with Image.open(file) as picture:
        assert picture.size == (logo().width, logo().height)
        assert picture.mode == "RGBA"
        assert picture.getchannel("A").getextrema() == (0, 255)


async def test_every_parameter_reaches_the_overlay():
    params = WatermarkParams(
        use_custom_logo="custom",
        image_id="img-1",
        logo_position="top-left",
        logo_size=12,
        logo_opacity=55,
        logo_margin_x=7,
        logo_margin_y=9,
    )
    known = context(Known({}), **{"img-1": LOGO})
    [marked] = await watermark.apply([timeline(source())], params, known)
    [overlay] = marked.overlays
    assert overlay.source == "ours"
    assert (overlay.corner, overlay.width, overlay.opacity) == ("top-left", 0.12, 0.55)
    assert (overlay.margin_x, overlay.margin_y) == (7, 9)


async def test_a_second_watermark_takes_the_place_of_the_first():
    [once] = await watermark.apply([timeline(source())], WatermarkParams(), context(Known({})))
    params = WatermarkParams(use_custom_logo="custom", image_id="img-1")
    known = context(Known({}), **{"img-1": LOGO})
    [twice] = await watermark.apply([once], params, known)
    assert [o.source for o in twice.overlays] == ["ours"]
    assert set(twice.sources) == {"talk", "ours"}


async def test_a_video_is_refused_as_a_logo():
    params = WatermarkParams(use_custom_logo="custom", image_id="vid-1")
    known = context(Known({}), **{"vid-1": source("film")})
    with pytest.raises(MediaError, match=r"film\.mp4 \(vid-1\) is not an image"):
        await watermark.apply([timeline(source())], params, known)


async def test_an_unknown_image_is_refused():
    params = WatermarkParams(use_custom_logo="custom", image_id="nothing")
    with pytest.raises(NotFound, match="nothing"):
        await watermark.apply([timeline(source())], params, context(Known({})))


async def test_a_custom_logo_needs_an_image():
    params = WatermarkParams.model_construct(use_custom_logo="custom", image_id=None)
    with pytest.raises(InvalidRequest, match="image_id"):
        await watermark.apply([timeline(source())], params, context(Known({})))
