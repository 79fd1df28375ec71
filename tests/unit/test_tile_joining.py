"""Several timelines into one: what each had in source time is kept."""

from fractions import Fraction as F

from mosaic_mcp.studio.tiles.joining import differing, joined
from mosaic_mcp.studio.timeline.edit import to_source
from mosaic_mcp.studio.timeline.model import (
    Captions,
    Clip,
    FaceSeen,
    Graphic,
    Overlay,
    Sound,
    Span,
    Track,
)
from tests.support.tiles import source, timeline


def drawn(name: str, at: int):
    over = Span(source=name, start=F(at), end=F(at + 2))
    face = FaceSeen(time=F(at), x=0.5, y=0.5, width=0.1, height=0.1)
    graphics = (Graphic(kind="progress"), Graphic(kind="title", texts=(name,), over=over))
    more = {"graphics": graphics, "faces": {name: (face,)}}
    return timeline(source(name)).model_copy(update=more)


def test_graphics_and_faces_of_all_are_kept_once():
    both = joined([drawn("a", 4), drawn("b", 1), drawn("a", 2)], "all")
    assert [g.texts for g in both.graphics] == [(), ("a",), ("b",), ("a",)]
    assert [face.time for face in both.faces["a"]] == [2, 4]
    assert set(both.faces) == {"a", "b"}


def test_music_and_voices_stay_with_their_own_pictures():
    song, voice = source("song", F(5)), source("voice", F(3))
    known = {"song": song, "voice": voice}
    one = timeline(source("a", F(10))).model_copy(
        update={"tracks": (Track(source="song", loop=True),)}
    )
    two = timeline(source("b", F(20))).model_copy(
        update={"tracks": (Track(source="voice", kind="voice", at=F(4)),)}
    )
    one, two = (t.model_copy(update={"sources": t.sources | known}) for t in (one, two))
    music, spoken = joined([one, two], "all").tracks
    assert (music.source, music.at, music.until) == ("song", 0, 10)
    assert (spoken.source, spoken.at, spoken.until) == ("voice", 14, 30)


def test_what_only_a_later_video_has_is_kept_and_told():
    logo = Overlay(source="logo", corner="top-left", width=0.1)
    plain, marked = timeline(source("a", F(10))), timeline(source("b", F(20)))
    marked = marked.model_copy(
        update={"overlays": (logo,), "captions": Captions(), "sound": Sound(denoise=True)}
    )
    both = joined([plain, marked], "all")
    assert (both.overlays, both.captions, both.sound) == (
        (logo,),
        marked.captions,
        Sound(denoise=True),
    )
    assert list(differing([plain, marked])) == [
        "the watermark of b is shown over all videos",
        "the sound of all videos is enhanced as that of b",
    ]
    assert list(differing([marked, marked])) == []


def test_a_voice_stays_with_its_picture_at_another_rate():
    """Three hundred clips of 0.7 s at 25 frames a second are put behind a video at 29.97."""
    rate = F(30000, 1001)
    one = timeline(source("a", F(10), frame_rate=rate)).model_copy(update={"frame_rate": rate})
    cut = tuple(Clip(source="b", start=F(n), end=n + F(18, 25)) for n in range(300))
    two = timeline(source("b", F(300)), source("voice", F(3))).model_copy(
        update={
            "frame_rate": F(25),
            "clips": cut,
            "tracks": (Track(source="voice", kind="voice", at=250 * F(18, 25) + F(1, 5)),),
        }
    )
    both = joined([one, two], "all")
    [voice] = both.tracks
    shown = to_source(both, voice.at)
    assert shown is not None
    assert abs(shown[1] - (250 + F(1, 5))) < F(1, 30)
