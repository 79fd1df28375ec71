"""Looks on real pixels: colours are taken over from a picture, and tables are read or refused."""

import numpy as np
import pytest
from PIL import Image

from mosaic_mcp.errors import MediaError
from mosaic_mcp.studio.perception.colours import colours
from mosaic_mcp.studio.perception.model import Colours
from mosaic_mcp.studio.perception.probe import probe
from mosaic_mcp.studio.render.rendering import render
from mosaic_mcp.studio.tiles.color_correction import PRESETS, matched
from mosaic_mcp.studio.timeline.edit import from_source
from tests.support.coded import FFMPEG, ffmpeg, source_of


def landscape(path, tint=(1.0, 1.0, 1.0)):
    """A picture with darks, mids and lights in every colour, tinted."""
    rng = np.random.default_rng(1)
    light = np.linspace(20, 235, 320)[None, :, None] + rng.normal(0, 12, (180, 320, 3))
    Image.fromarray(np.clip(light * np.array(tint), 0, 255).astype(np.uint8)).save(path)
    return path


def levels(path) -> Colours:
    return Colours.model_validate(colours({"path": str(path)}))


async def rendered(tmp_path, look):
    picture, path = landscape(tmp_path / "in.png"), tmp_path / "in.mp4"
    ffmpeg(
        "-i", picture, "-vf", "loop=10:1,scale=out_color_matrix=bt709:out_range=tv,format=yuv420p",
        "-r", "30", "-colorspace", "bt709", "-color_range", "tv", "-crf", "8", path,
    )  # fmt: skip
    timeline = from_source(source_of(path), tile="in")
    clips = (timeline.clips[0].model_copy(update={"look": look}),)
    job, out = tmp_path / "job", tmp_path / "out.mp4"
    job.mkdir()
    files = {clips[0].source: path}
    await render(timeline.model_copy(update={"clips": clips}), files, out, job=job, ffmpeg=FFMPEG)
    return path, out


async def test_a_picture_takes_on_the_colours_of_another(tmp_path):
    reference = levels(landscape(tmp_path / "warm.png", (1.0, 0.8, 0.55)))
    before = levels(landscape(tmp_path / "plain.png"))
    _, out = await rendered(tmp_path, matched(before, reference))
    after = levels(out)

    def distance(one: Colours) -> float:
        pairs = [(one.red, reference.red), (one.green, reference.green), (one.blue, reference.blue)]
        return float(np.mean([np.abs(np.subtract(a, b)).mean() for a, b in pairs]))

    assert distance(after) < 0.4 * distance(before)


@pytest.mark.parametrize("name", sorted(PRESETS))
async def test_every_preset_changes_the_picture_and_breaks_nothing(tmp_path, name):
    path, out = await rendered(tmp_path, PRESETS[name])
    before, after = levels(path), levels(out)
    assert before != after
    for channel in ("red", "green", "blue"):
        shown = getattr(after, channel)
        assert list(shown) == sorted(shown)
        assert shown[-1] - shown[0] > 0.5  # darks and lights are still apart


IDENTITY = "\n".join(f"{r} {g} {b}" for b in (0, 1) for g in (0, 1) for r in (0, 1))


async def test_a_whole_table_is_known_by_its_content(tmp_path):
    path = tmp_path / "look.cube"
    path.write_text(f'TITLE "x"\n# made by hand\nLUT_3D_SIZE 2\nDOMAIN_MIN 0 0 0\n{IDENTITY}\n')
    source = await probe(path, name="look.cube")
    assert (source.kind, source.audio_channels) == ("table", 0)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"LUT_3D_SIZE 3\n{IDENTITY}", "8 entries for 3 points"),
        (f"LUT_3D_SIZE 200\n{IDENTITY}", "8 entries for 200"),
        (f"LUT_3D_SIZE 2\nDOMAIN_MAX 2 2 2\n{IDENTITY}", "not over 0 to 1"),
        (f"LUT_3D_SIZE 2\n{IDENTITY.replace('0 0 0', 'nan 0 0')}", "cannot be read"),
        ("LUT_3D_SIZE x\n", "0 entries"),
        (f"LUT_3D_SIZE {'9' * 5000}\n", "0 entries"),
        (f"LUT_3D_SIZE 2\n{IDENTITY}\n" + " " * (32 << 20), "larger than 32 MB"),
    ],
)
async def test_a_broken_table_is_refused_with_why(tmp_path, text, why):
    path = tmp_path / "look.cube"
    path.write_text(text)
    with pytest.raises(MediaError, match=why):
        await probe(path, name="look.cube")
