"""timeline.zip where pictures are placed: a reframe as keys, a watermark on a track of its own."""

from bisect import bisect_right
from fractions import Fraction as F
from math import ceil
from pathlib import Path

import opentimelineio as otio
import pytest

from mosaic_mcp.studio.render.framing import centre, corner, crop_size
from mosaic_mcp.studio.tiles.shipped import logo, shipped_files
from mosaic_mcp.studio.timeline.edit import from_source
from mosaic_mcp.studio.timeline.model import (
    Clip,
    CropKey,
    Cutaway,
    Framing,
    Overlay,
    Source,
    Span,
    Timeline,
)
from tests.support.editors import BOTH, bundle, read, shots

WIDE = Source(
    sha256="a" * 8, name="a.mp4", duration=F(40), width=1920, height=1080, frame_rate=F(25)
)


def reframed(*spans: tuple[float, float], keys: tuple[CropKey, ...], **more) -> Timeline:
    """Spans of a wide source as an upright video, cropped along these keys."""
    talk = WIDE.model_copy(update=more)
    clips = tuple(Clip(source=talk.sha256, start=F(a), end=F(b)) for a, b in spans)
    framing = Framing(fit="crop", paths={talk.sha256: keys})
    change = {"clips": clips, "width": 1080, "height": 1920, "framing": framing}
    return from_source(talk, tile="in").model_copy(update=change)


Keys = list[tuple[int, tuple[float, float]]]


def motion(clip: otio.schema.Clip) -> tuple[float, Keys]:
    """Scale and centre as an editor reads them: keys, or one value from the first frame on."""
    basic = next(effect for effect in clip.effects if effect.name == "Basic Motion")
    found = {p["name"]: p for p in parameters(basic)}
    keys = found["Center"].get("keyframe", found["Center"])
    keys = keys if hasattr(keys, "append") else [keys]
    places = [(float(k["value"]["horiz"]), float(k["value"]["vert"])) for k in keys]
    return float(found["Scale"]["value"]) / 100, [
        (int(key.get("when", 0)), place) for key, place in zip(keys, places, strict=True)
    ]


def parameters(effect: otio.schema.Effect) -> list:
    told = effect.metadata["fcp_xml"]["parameter"]
    return [told] if hasattr(told, "keys") else list(told)


def between(keys: Keys, at: int) -> tuple[float, float]:
    """Where an editor has the picture at a frame: on straight lines between its keys."""
    index = bisect_right([frame for frame, _ in keys], at)
    if index in (0, len(keys)):
        return keys[min(index, len(keys) - 1)][1]
    (start, (x, y)), (end, (to_x, to_y)) = keys[index - 1], keys[index]
    u = (at - start) / (end - start)
    return x + (to_x - x) * u, y + (to_y - y) * u


@pytest.mark.parametrize("rate", [F(25), F(30000, 1001), F(75)], ids=str)
def test_the_keys_of_a_reframe_hold_jump_and_pan_as_the_render_does(tmp_path: Path, rate: F):
    """Wherever the render holds or jumps the keys do, to a pixel; in a pan they stay near it.

    A pan of 0.3 of the picture is eased in eight straight lines: off by at most 2 % of that.
    """
    keys = (
        CropKey(time=F(0), x=0.3, y=0.5, cut=True),
        CropKey(time=F(10), x=0.7, y=0.5, cut=True),
        CropKey(time=F(14), x=0.7, y=0.5),
        CropKey(time=F(16), x=0.4, y=0.5),
        CropKey(time=F(2503, 100), x=0.6, y=0.5, cut=True),  # between two frames
        CropKey(time=F(27), x=0.6, y=0.5),
        CropKey(time=F(139, 5), x=0.3, y=0.5),  # a quick one
    )
    timeline = reframed((2, 20), (24.5, 26), (14.6, 15.3), (26.5, 30), keys=keys, frame_rate=rate)
    with bundle(timeline, tmp_path) as archive:
        clips = list(read(archive, "timeline.xml", "fcp_xml").video_tracks()[0].find_clips())
    assert len(clips) == 4
    per_second = F(clips[0].source_range.start_time.rate).limit_denominator(1001)
    for clip in clips:
        scale, written = motion(clip)
        assert scale == pytest.approx(1920 / 1080, abs=1e-4)
        span = clip.source_range
        first, count = span.start_time.to_frames(), span.duration.to_frames()
        assert written[0][0] == first
        assert len(written) < 16, "few enough to be changed by hand"
        for at in range(first, first + count):
            x, y = centre(keys, at / per_second)
            shown = between(written, at)
            # The picture goes left by as much as the crop is right of its middle.
            off = abs(shown[0] - shift(0.5 - x, scale))
            pans = any(a.time <= at / per_second <= b.time for a, b in (keys[2:4], keys[5:]))
            assert off <= shift(0.02 * 0.3 if pans else 1 / 1920, scale), at
            assert shown[1] == pytest.approx(0.5 - y, abs=1e-4)
    jump = ceil(10 * per_second)
    whens = [when for when, _ in motion(clips[0])[1]]
    assert whens[:3] == [round(2 * per_second), jump - 1, jump]


def shift(share: float, scale: float) -> float:
    """A share of the source's size as the XML tells it, of the picture as it is scaled."""
    return share * scale


def test_the_centre_is_told_as_premiere_tells_it(tmp_path: Path):
    """Premiere's own export of a 3840 x 2160 clip in an upright sequence of 1080 x 1920.

    Where its Motion showed a position of 1530 and 960, the file says 0.257812 and 0: so it counts
    from the middle of the sequence, in widths of the clip (wastemytime2007/pierces-post-house).
    """
    scale = 1920 / 2160
    x = 0.5 - (1530 - 1080 / 2) / 3840 / scale
    keys = (CropKey(time=F(0), x=x, y=0.5),)
    with bundle(reframed((1, 2), keys=keys, width=3840, height=2160), tmp_path) as archive:
        (clip,) = read(archive, "timeline.xml", "fcp_xml").video_tracks()[0].find_clips()
    told, [(_, place)] = motion(clip)
    assert told == pytest.approx(scale, abs=1e-4)
    assert place == pytest.approx((0.257812, 0), abs=1e-5)


def test_a_crop_that_never_moves_is_one_place_without_keys(tmp_path: Path):
    keys = (CropKey(time=F(0), x=0.4, y=0.5), CropKey(time=F(9), x=0.4, y=0.5))
    with bundle(reframed((1, 12), keys=keys), tmp_path) as archive:
        (clip,) = read(archive, "timeline.xml", "fcp_xml").video_tracks()[0].find_clips()
    (basic,) = clip.effects
    _, place = parameters(basic)
    assert "keyframe" not in place
    assert float(place["value"]["horiz"]) == pytest.approx(shift(0.1, 1920 / 1080), abs=1e-4)


def test_a_crop_stays_inside_the_picture_as_the_renders_does(tmp_path: Path):
    """Keys of another canvas may ask for more: the render stops at the picture's edge."""
    keys = (CropKey(time=F(0), x=0.02, y=0.5),)
    timeline = reframed((1, 2), keys=keys)
    with bundle(timeline, tmp_path) as archive:
        (clip,) = read(archive, "timeline.xml", "fcp_xml").video_tracks()[0].find_clips()
    scale, ((_, (x, _)),) = motion(clip)
    size = crop_size(WIDE, 1080, 1920)
    left, _ = corner(keys, F(1), WIDE, size)
    assert left == 0
    assert x == pytest.approx(shift(0.5 - (left + size[0] / 2) / 1920, scale), abs=0.001)


def test_a_picture_that_fills_the_canvas_as_it_is_is_not_moved(tmp_path: Path):
    keys = (CropKey(time=F(0), x=0.2, y=0.5),)
    same = reframed((1, 2), keys=keys).model_copy(update={"width": 1920, "height": 1080})
    with bundle(same, tmp_path) as archive:
        for name, adapter in BOTH:
            edit = read(archive, name, adapter)
            assert not edit.tracks.markers, "nothing is reframed"
            assert not next(iter(edit.find_clips())).effects


MARK = Source(sha256="b" * 8, name="our logo.png", kind="image", width=50, height=25)


def marked(*overlays: Overlay, mark: Source = MARK) -> Timeline:
    talk = WIDE.model_copy(update={"width": 400, "height": 300})
    timeline = from_source(talk, tile="in", start=F(1), end=F(3))
    sources = {s.sha256: s for s in (talk, mark)}
    return timeline.model_copy(update={"sources": sources, "overlays": overlays})


@pytest.mark.parametrize("corner", ["top-left", "top-right", "bottom-left", "bottom-right"])
def test_a_watermark_is_a_still_on_a_track_above_where_the_render_has_it(
    tmp_path: Path, corner: str
):
    """As `test_a_watermark_has_its_place_size_and_opacity` finds it in the render's pixels."""
    overlay = Overlay(
        source=MARK.sha256, corner=corner, width=0.25, opacity=0.5, margin_x=20, margin_y=10
    )
    timeline = marked(overlay)
    with bundle(timeline, tmp_path) as archive:
        for name, adapter in BOTH:
            edit = read(archive, name, adapter)
            (shot,) = shots(edit, track=1)
            assert otio.url_utils.filepath_from_url(shot.media) == "media/our logo.png"
            assert (shot.source, shot.record) == ((0, 50), (0, 50)), name
            (clip,) = edit.video_tracks()[1].find_clips()
            assert clip.media_reference.available_range.duration.to_frames() == 50, name
            told = [m.name for m in edit.tracks.markers]
            assert told == [SENTENCE.format(corner=corner)] * ("otio" in name), name
        readme = archive.read("README.txt").decode()
    assert "media/our logo.png   (your file our logo.png)" in readme
    scale, [(_, (x, y))] = motion(clip)
    width, height = 50 * scale, 25 * scale
    left, top = 200 + x * 50 - width / 2, 150 + y * 25 - height / 2
    assert (width, height) == (100, 50)
    assert left == pytest.approx(20 if corner.endswith("left") else 280, abs=0.01)
    assert top == pytest.approx(10 if corner.startswith("top") else 240, abs=0.01)
    opacity = next(effect for effect in clip.effects if effect.name == "Opacity")
    assert [(p["name"], p["value"]) for p in parameters(opacity)] == [("Opacity", "50.0")]


SENTENCE = (
    "our logo.png lies {corner} over the whole, 25% wide, 50% opaque, 20 x 10 pixels from the "
    "edges: only timeline.xml places it so"
)


def test_a_watermark_of_the_studio_is_packed(tmp_path: Path):
    mark, files = logo(), shipped_files()
    timeline = marked(Overlay(source=mark.sha256), mark=mark)
    with bundle(timeline, tmp_path, media=files) as archive:
        assert archive.read("media/mosaic logo.png") == files[mark.sha256].read_bytes()
        assert (
            "media/mosaic logo.png   (mosaic logo, made by" in archive.read("README.txt").decode()
        )


def test_a_still_lasts_as_long_as_its_longest_use(tmp_path: Path):
    """The XML tells a file once, here where it is a cutaway of one second."""
    over = Span(source=WIDE.sha256, start=F(1), end=F(2))
    timeline = marked(Overlay(source=MARK.sha256)).model_copy(
        update={"cutaways": (Cutaway(source=MARK.sha256, over=over),)}
    )
    with bundle(timeline, tmp_path) as archive:
        tracks = read(archive, "timeline.xml", "fcp_xml").video_tracks()[1:]
    stills = [next(iter(track.find_clips())) for track in tracks]
    assert [clip.source_range.duration.to_frames() for clip in stills] == [25, 50]
    lasts = {clip.media_reference.available_range.duration.to_frames() for clip in stills}
    assert lasts == {50}
