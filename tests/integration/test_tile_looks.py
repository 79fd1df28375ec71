"""Looks on real pixels: colours are taken over from a picture, and tables are read or refused."""

import numpy as np
import pytest
from PIL import Image

from mosaic_mcp.errors import MediaError
from mosaic_mcp.studio.perception.colours import colours
from mosaic_mcp.studio.perception.model import Colours
from mosaic_mcp.studio.perception.probe import probe
from mosaic_mcp.studio.perception.tables import plain_table
from mosaic_mcp.studio.render.colour import look_filters
from mosaic_mcp.studio.render.rendering import render
from mosaic_mcp.studio.tiles.color_correction import PRESETS, matched
from mosaic_mcp.studio.timeline.edit import from_source
from mosaic_mcp.studio.timeline.model import Look
from tests.support.coded import FFMPEG, ffmpeg, source_of, write_hdr
from tests.support.cube import POINTS, TURNED, fields, looked_up, shown, written
from tests.support.studio_runs import Studio


def landscape(path, tint=(1.0, 1.0, 1.0)):
    """A picture with darks, mids and lights in every colour, tinted."""
    rng = np.random.default_rng(1)
    light = np.linspace(20, 235, 320)[None, :, None] + rng.normal(0, 12, (180, 320, 3))
    Image.fromarray(np.clip(light * np.array(tint), 0, 255).astype(np.uint8)).save(path)
    return path


def levels(path) -> Colours:
    return Colours.model_validate(colours({"path": str(path)}))


def distance(one: Colours, other: Colours) -> float:
    pairs = [(one.red, other.red), (one.green, other.green), (one.blue, other.blue)]
    return float(np.mean([np.abs(np.subtract(a, b)).mean() for a, b in pairs]))


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


@pytest.mark.parametrize("name", ["a.jpg", "a.webp", "named wrongly.jpg"])
def test_the_levels_of_any_kind_of_picture_are_read(tmp_path, name):
    plain = landscape(tmp_path / "plain.png")
    kind = "webp" if name.startswith("named") else None
    Image.open(plain).save(tmp_path / name, kind, quality=95)
    assert distance(levels(tmp_path / name), levels(plain)) < 0.01


@pytest.mark.parametrize("transfer", ["arib-std-b67", "smpte2084"])
def test_the_levels_of_hdr_are_those_of_an_ordinary_screen(tmp_path, transfer):
    picture = landscape(tmp_path / "plain.png", (1.0, 0.8, 0.55))
    hdr = write_hdr(tmp_path / "in.mp4", np.asarray(Image.open(picture)), transfer)
    assert distance(levels(hdr), levels(picture)) < 0.03


async def test_a_picture_takes_on_the_colours_of_another(tmp_path):
    reference = levels(landscape(tmp_path / "warm.png", (1.0, 0.8, 0.55)))
    before = levels(landscape(tmp_path / "plain.png"))
    _, out = await rendered(tmp_path, matched(before, reference))
    assert distance(levels(out), reference) < 0.4 * distance(before, reference)


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
CURVE = "\n".join(f"{v} {v * v} {1 - v}" for v in (0, 0.25, 0.5, 0.75, 1))


async def test_a_whole_table_is_known_by_its_content(tmp_path):
    path = tmp_path / "look.cube"
    path.write_text(f'TITLE "x"\n# made by hand\nLUT_3D_SIZE 2\nDOMAIN_MIN 0 0 0\n{IDENTITY}\n')
    source = await probe(path, name="look.cube")
    assert (source.kind, source.audio_channels) == ("table", 0)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"LUT_3D_SIZE 3\n{IDENTITY}", "8 entries for 3 points a side"),
        (f"LUT_3D_SIZE 200\n{IDENTITY}", "8 entries for 200"),
        (f"LUT_1D_SIZE 4\n{CURVE}", "5 entries for 4 points in all"),
        ("LUT_3D_SIZE 2\n" + "0 0 0\n" * 300_000, "274626 entries for 2"),  # read no further
        (f"LUT_3D_SIZE 2\nDOMAIN_MIN -1 0 0\n{IDENTITY}", "over -1 0 0 to 1 1 1; only one that"),
        (f"LUT_3D_SIZE 2\nDOMAIN_MAX 0.5 1 1\n{IDENTITY}", "over 0 0 0 to 0.5 1 1; only one that"),
        (f"LUT_3D_INPUT_RANGE 0.1 1\nLUT_3D_SIZE 2\n{IDENTITY}", "over 0.1 0.1 0.1 to 1 1 1"),
        (f"LUT_1D_SIZE 5\nLUT_3D_SIZE 2\n{CURVE}\n{IDENTITY}", "a 1D and a 3D table in one"),
        (f"LUT_3D_SIZE 2\nLUT_IN_VIDEO_RANGE\n{IDENTITY}", "a line LUT_IN_VIDEO_RANGE whose"),
        (f"LUT_3D_SIZE 2\n{IDENTITY.replace('0 0 0', 'nan 0 0')}", "cannot be read"),
        ("LUT_3D_SIZE x\n", "0 entries"),
        ("# no LUT_3D_SIZE\n", "0 entries"),
        (f"LUT_3D_SIZE {'9' * 5000}\n", "0 entries"),
        (f"LUT_3D_SIZE 2\n{IDENTITY}\n" + " " * (32 << 20), "larger than 32 MB"),
    ],
)
async def test_a_broken_table_is_refused_with_why(tmp_path, text, why):
    path = tmp_path / "look.cube"
    path.write_text(text)
    with pytest.raises(MediaError, match=why):
        await probe(path, name="look.cube")


ANY = np.random.default_rng(3)
COLOURS = ANY.random((5**3, 3)).round(5)
"""A table of five points a side that nothing but looking it up explains."""
LEVELS = np.sort(ANY.random((5, 3)), axis=0).round(5)
ONE, TWO = (1.0, 1.0, 1.0), (2.0, 2.0, 2.0)
WRITTEN = {
    "of Resolve": ("LUT_3D_SIZE 5\nLUT_3D_INPUT_RANGE 0.0 1.0\n\n", COLOURS, ONE),
    "domain before the size": ("DOMAIN_MAX 2 2 2\nLUT_3D_SIZE 5\n", COLOURS, TWO),
    "domain of each": ("LUT_3D_SIZE 5\nDOMAIN_MIN 0 0 0\nDOMAIN_MAX 1 2 4\n", COLOURS, (1, 2, 4)),
    "indented, of an old Mac": ("\ufeff  TITLE\t'x'\r\r  LUT_3D_SIZE 5\r", COLOURS, ONE),
    "1D": ("LUT_1D_SIZE 5\n", LEVELS, ONE),
    "1D of Resolve": ("LUT_1D_INPUT_RANGE 0 2\nLUT_1D_SIZE 5\n", LEVELS, TWO),
}
"""What stands before the entries, the entries, and up to where they are."""


@pytest.mark.parametrize("name", WRITTEN)
def test_a_table_is_applied_to_the_level(tmp_path, name):
    head, entries, top = WRITTEN[name]
    given, plain = tmp_path / "given.cube", tmp_path / "plain.cube"
    given.write_text(head + written(entries, head[-1]), newline="")
    told = plain_table({"path": str(given), "out": str(plain)})
    colours = ANY.integers(0, 1 << 16, (4096, 3), np.uint16)
    colours[:8] = np.array(np.meshgrid(*[(0, 65535)] * 3)).reshape(3, -1).T
    before, after = tmp_path / "before.raw", tmp_path / "after.raw"
    before.write_bytes(colours.tobytes())
    raw = ("-f", "rawvideo", "-s", "64x64", "-pix_fmt", "rgb48le")
    steps = look_filters(Look(table="t", **told), {"t": str(plain.with_suffix(""))})
    ffmpeg(*raw, "-i", before, "-vf", ",".join(steps), *raw, after)
    made = np.fromfile(after, np.uint16).reshape(-1, 3) / 65535
    off = looked_up(entries, colours / 65535 / top) - made
    assert np.abs(off).max() < 0.1 / 255


def test_a_run_applies_an_uploaded_table_and_takes_on_an_uploaded_picture(studio, local, tmp_path):
    runs = Studio(local, studio.home)
    path, table = fields(tmp_path / "in.mp4"), tmp_path / "turned.cube"
    table.write_text(f"LUT_3D_SIZE {POINTS}\nLUT_3D_INPUT_RANGE 0 1\n{written(TURNED)}\n")
    warm = landscape(tmp_path / "warm.png", (1.0, 0.8, 0.55))
    lut, picture = runs.add(table, kind="image"), runs.add(warm, kind="image")
    nodes = {
        "in": "Video Input",
        "table": ("Color Correction", {"lut_id": lut}),
        "picture": ("Color Correction", {"reference_image_id": picture}),
    }
    agent, node = runs.agent(nodes, "in>table in>picture")
    run = runs.end(runs.run(agent, {"video_ids": [runs.add(path)]}, quality="standard"))
    assert run["status"] == "completed", run
    ends = {o["original_node_id"]: studio.home / "renders" / o["id"] for o in run["outputs"]}
    turned, warmer = (ends[node[name]] / "video.mp4" for name in ("table", "picture"))
    off = shown(turned) - looked_up(TURNED, shown(path) / 255) * 255
    assert np.abs(off).max() < 4
    before, after, wanted = levels(path), levels(warmer), levels(warm)
    assert distance(after, wanted) < 0.5 * distance(before, wanted)
