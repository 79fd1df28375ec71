"""Under which name a finished sound is kept: only what is heard counts."""

from fractions import Fraction as F

import pytest

from mosaic_mcp.studio.render.soundtrack import key_of
from mosaic_mcp.studio.timeline.model import (
    Captions,
    CaptionWord,
    Clip,
    CropKey,
    FaceSeen,
    Framing,
    Graphic,
    Look,
    Overlay,
    Sound,
    Track,
)
from tests.support.tiles import source, timeline

TALK = timeline(source()).model_copy(update={"sound": Sound(loudness_lufs=-14, tile="a")})
CLIP = TALK.clips[0]
WORD = CaptionWord(source="talk", text="other", start=F(1), end=F(2))


def key(talk=TALK, tools="1", *, draft=False, **more):
    return key_of(talk.model_copy(update=more), tools, draft=draft)


@pytest.mark.parametrize(
    "more",
    [
        {"captions": Captions(words=(WORD,))},
        {"framing": Framing(paths={"talk": (CropKey(time=F(0), x=0.5, y=0.5),)})},
        {"overlays": (Overlay(source="logo"),)},
        {"graphics": (Graphic(kind="progress"),)},
        {"faces": {"talk": (FaceSeen(time=F(1), x=0.5, y=0.5, width=0.1, height=0.1),)}},
        {"width": 1080, "height": 1920},
        {"name": "another"},
        {"clips": (CLIP.model_copy(update={"mirror_x": True, "look": Look(contrast=2)}),)},
        {"sound": Sound(loudness_lufs=-14, tile="b")},
    ],
    ids=lambda more: next(iter(more)),
)
def test_what_is_only_seen_changes_no_sound(more):
    assert key(**more) == key()


@pytest.mark.parametrize(
    "more",
    [
        {"clips": (Clip(source="talk", start=F(0), end=F(59)),)},
        {"frame_rate": F(25)},
        {"sound": Sound(loudness_lufs=-16)},
        {"tracks": (Track(source="talk", gain_db=-20),)},
        {"tools": "2"},
        {"draft": True},
        {"talk": TALK.model_copy(update={"sources": {"talk": source(audio_channels=2)}})},
    ],
    ids=lambda more: next(iter(more)),
)
def test_what_is_heard_makes_it_another_sound(more):
    assert key(**more) != key()
