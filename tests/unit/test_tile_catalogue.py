"""The list of tiles, and the tiles that decide little."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from mosaic_mcp.contract.tiles.catalogue import TILE_TYPES, tile_type
from mosaic_mcp.contract.tiles.params import DestinationParams, SilenceRemovalParams
from mosaic_mcp.errors import Unsupported
from mosaic_mcp.studio.tiles.catalogue import TILES
from tests.support.tiles import Known, context, source, talk, timeline

TESTS = Path(__file__).parents[1]
BUILT = {
    "Video Input",
    "Silence Removal",
    "Rough Cut",
    "Clips",
    "Reframe",
    "Captions",
    "Cinematic Captions",
    "Captions With Emojis",
    "Motion Graphics",
    "Watermark",
    "Audio Enhance",
    "Color Correction",
    "Mirror",
    "Intro",
    "Outro",
    "Montage",
    "AI Music",
    "AI Voiceover",
    "Audio Generation",
    "AI B-Roll",
    "Image Generation",
    "Video Generation",
    "AI Content Generation",
    "Destination",
}


def test_every_tile_of_the_contract_is_declared_and_no_other():
    assert set(TILES) == {t.name for t in TILE_TYPES}
    assert {name for name, t in TILES.items() if t.standing != "unsupported"} == BUILT


def test_whatever_is_not_exact_says_why():
    assert all(t.note for t in TILES.values() if t.standing != "exact")


@pytest.mark.parametrize("tile", TILES.values(), ids=lambda t: t.name)
def test_how_a_tile_is_measured_is_named_and_is_there(tile):
    assert tile.measured, f"name its tests in studio/tiles/measured.py: {tile.name}"
    for named in tile.measured:
        file, _, test = named.partition("::")
        text = (TESTS / file).read_text("utf-8")
        assert not test or re.search(rf"^(async )?def {test}\(", text, re.MULTILINE), named


@pytest.mark.parametrize("name", sorted({t.name for t in TILE_TYPES} - BUILT - {"Voice"}))
async def test_a_tile_that_is_not_built_fails_with_what_to_do(name):
    with pytest.raises(Unsupported, match=name) as refusal:
        await TILES[name].apply([timeline(source())], None, context(Known({})))
    assert "MOSAIC_API_KEY" in refusal.value.remedy


async def test_progress_over_several_inputs_rises_to_the_end():
    one, known = talk("Hello there. (2.0) And bye.", "one")
    two, other = talk("Hello there. (2.0) And bye.", "two")
    known.truth |= other.truth
    told: list[float] = []

    async def report(progress: float, step: str) -> None:
        told.append(progress)

    watched = replace(context(known), report=report)
    params = SilenceRemovalParams(remove_filler_words=True)
    await TILES["Silence Removal"].apply([one, two], params, watched)
    assert told == sorted(told)
    assert told[-1] == 1


@pytest.mark.parametrize("name", ["Video Input", "Destination"])
async def test_the_ends_of_a_graph_pass_everything_on(name):
    inputs = [timeline(source("one")), timeline(source("two"))]
    params = tile_type(name).params()
    assert await TILES[name].apply(inputs, params, context(Known({}))) == inputs


async def test_a_destination_that_was_to_publish_says_that_nothing_was_published():
    told: list[str] = []
    inputs = [timeline(source("one"))]
    params = DestinationParams(publishing_mode="immediate", platforms=["x"])
    made = await TILES["Destination"].apply(inputs, params, context(Known({}), warnings=told))
    assert made == inputs
    assert "Nothing was published" in told[0]


async def test_audio_enhance_asks_for_clean_sound_at_minus_14_lufs():
    uncut, known = talk("Hello there.")
    [enhanced] = await TILES["Audio Enhance"].apply([uncut], None, context(known))
    assert enhanced.sound.denoise
    assert (enhanced.sound.loudness_lufs, enhanced.sound.true_peak_db) == (-14.0, -1.0)
    assert enhanced.sound.tile == "node-1"


async def test_audio_enhance_passes_a_silent_video_on_and_says_so():
    mute = timeline(source("mute", audio_channels=0))
    told: list[str] = []
    apply = TILES["Audio Enhance"].apply
    assert await apply([mute], None, context(Known({}), warnings=told)) == [mute]
    assert told == ["no sound to enhance in mute"]
