"""Which decisions make another video, and which only call it differently."""

from fractions import Fraction

from mosaic_mcp.studio.runs.recipes import recipe_hash
from mosaic_mcp.studio.timeline.model import Graphic, Sound, Timecode
from tests.support.tiles import source, timeline

TALK = timeline(source())
BAR = Graphic(kind="progress")


def test_names_and_nodes_do_not_make_another_recipe():
    clips = tuple(clip.model_copy(update={"tile": "other node"}) for clip in TALK.clips)
    camera = Timecode(label="01:00:00:00", base=25)
    sources = {
        key: s.model_copy(update={"name": "other.mp4", "origin": "studio", "timecode": camera})
        for key, s in TALK.sources.items()
    }
    renamed = TALK.model_copy(update={"name": "other", "clips": clips, "sources": sources})
    assert recipe_hash(renamed, "draft", "7.1") == recipe_hash(TALK, "draft", "7.1")


def test_what_decides_picture_or_sound_makes_another_recipe():
    shorter = (TALK.clips[0].model_copy(update={"end": Fraction(59)}),)
    hashes = {
        recipe_hash(TALK, "draft", "7.1"),
        recipe_hash(TALK, "best", "7.1"),
        recipe_hash(TALK, "draft", "7.2"),
        recipe_hash(TALK.model_copy(update={"clips": shorter}), "draft", "7.1"),
        recipe_hash(TALK.model_copy(update={"sound": Sound(denoise=True)}), "draft", "7.1"),
        recipe_hash(timeline(source("other")), "draft", "7.1"),
        recipe_hash(TALK.model_copy(update={"graphics": (BAR,)}), "draft", "7.1"),
    }
    assert len(hashes) == 7
