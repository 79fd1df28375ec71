"""Montage: where it cuts, what it shows, for how long."""

from fractions import Fraction as F
from itertools import accumulate, pairwise

import pytest

from mosaic_mcp.contract.tiles.params import CaptionsParams
from mosaic_mcp.contract.tiles.sound import MontageParams
from mosaic_mcp.errors import MediaError
from mosaic_mcp.studio.perception.model import Face, Moment
from mosaic_mcp.studio.render.phrases import shown_words
from mosaic_mcp.studio.tiles import audio_enhance, captions, montage
from mosaic_mcp.studio.tiles.audio_generation import sound_alone
from mosaic_mcp.studio.tiles.material import FACES, MARGIN, MOVING, SHARP, Rated, look_at
from mosaic_mcp.studio.tiles.montage_wish import Wish, wish_of
from mosaic_mcp.studio.tiles.speech.heard import hear_speech, sounding_sources
from mosaic_mcp.studio.timeline.edit import placed_words
from mosaic_mcp.studio.timeline.model import Clip
from tests.support.tiles import Known, context, sound, source, speak, timeline

BEATS = [0.21 + 0.487 * n for n in range(40)]
"""Not on any frame."""
FRAME = F(1, 30)
SCRIPT = " ".join(f"word{n}" for n in range(20))


def video(name, seconds=20, **more):
    return timeline(source(name, F(seconds), **more))


async def made(inputs, params=None, known=None, warnings=None, **assets):
    params = params or MontageParams()
    known = known or Known({}, beats=BEATS)
    [one] = await montage.apply(inputs, params, context(known, warnings=warnings, **assets))
    return one


def cuts(one):
    return list(accumulate(c.duration for c in one.clips))


def shown(one):
    return [(c.source, c.start, c.end) for c in one.clips]


async def test_every_cut_is_on_a_beat_to_the_frame():
    inputs = [video("a"), video("b"), video("c")]
    one = await made(inputs, MontageParams(audio_id="song"), song=sound("song", 19))
    assert len(one.clips) >= 4
    for at in cuts(one):
        assert min(abs(float(at) - beat) for beat in BEATS) <= float(FRAME) / 2 + 1e-6
    assert all((c.duration / FRAME).denominator == 1 for c in one.clips)
    [track] = one.tracks
    assert (track.source, track.at, track.until) == ("song", 0, one.duration)
    assert {c.volume for c in one.clips} == {0.0}


async def test_every_input_is_shown_and_nothing_twice():
    inputs = [video(name, 9) for name in "abcdef"]
    one = await made(inputs, MontageParams(audio_id="song"), song=sound("song", 14))
    assert {c.source for c in one.clips} == set("abcdef")
    for name in "abcdef":
        spans = sorted((s, e) for sha, s, e in shown(one) if sha == name)
        assert all(b[0] >= a[1] for a, b in pairwise(spans))


async def test_no_clip_holds_or_touches_a_change_of_shot():
    changes = [F(0), F(31, 10), F(5), F(92, 10), F(13)]
    known = Known({}, beats=BEATS, shots=changes)
    one = await made(
        [video("a"), video("b")], MontageParams(audio_id="song"), known, song=sound("song", 12)
    )
    for _, start, end in shown(one):
        for at in changes[1:]:
            assert end <= at - MARGIN + FRAME or start >= at + MARGIN - FRAME


async def test_the_sharp_and_moving_moments_are_shown():
    def moments(good):
        return [
            Moment(time=F(n, 4), motion=9 if good(n / 4) else 1, sharpness=9 if good(n / 4) else 1)
            for n in range(80)
        ]

    known = Known(
        {},
        beats=BEATS,
        moments={"a": moments(lambda t: 8 <= t < 12), "b": moments(lambda t: 2 <= t < 6)},
    )
    params = MontageParams(audio_id="song", prompt="6 seconds")
    one = await made([video("a"), video("b")], params, known, song=sound("song", 30))
    good = {"a": (8, 12), "b": (2, 6)}
    for sha, start, end in shown(one):
        assert good[sha][0] - 1 < start
        assert end < good[sha][1] + 1


@pytest.mark.parametrize(
    ("prompt", "pace", "length"),
    [
        ("A fast montage, 30 seconds", 0.9, 30),
        ("calm and dreamy", 3.6, None),
        ("1.5 min of our trip", 1.9, 90),
        ("1 minute and 30 seconds of our trip", 1.9, 90),
        ("a 30s montage", 1.9, 30),
        ("fast, 60s.", 0.9, 60),
        ("a 15 second clip", 1.9, 15),
        ("Cut it down to 45 s", 1.9, 45),
        ("", 1.9, None),
    ],
)
def test_pace_and_length_are_read_of_the_prompt(prompt, pace, length):
    assert wish_of(prompt) == Wish(pace, length)


@pytest.mark.parametrize(
    ("prompt", "length", "passed_over"),
    [
        ("90s hip-hop style", None, ("90s",)),
        ("retro 80s synthwave edit", None, ("80s",)),
        ("a film of the 60s", None, ("60s",)),
        ("1980s look, 40 s", 40, ("1980s",)),
        ("a montage 90s long", 90, ()),
        ("fast montage with 2 s clips, 30 seconds long", 30, ("2 s",)),
        ("fast, 2 second clips", None, ("2 second",)),
        ("hard cuts every 0.4 seconds", None, ("0.4 seconds",)),
        ("30 seconds, each shot about 3 seconds long", 30, ("3 seconds",)),
        ("begin with 5 s of the sea, 20 s in all", 20, ("5 s",)),
        ("5 s of the sea and then 20 s of the town", 20, ("5 s",)),
        ("a total of 10 s, with 20 s of the town", 10, ("20 s",)),
    ],
)
def test_a_time_of_something_else_is_not_the_length(prompt, length, passed_over):
    wish = wish_of(prompt)
    assert (wish.length_s, wish.passed_over) == (length, passed_over)


async def test_which_length_was_read_is_told():
    told: list[str] = []
    params = MontageParams(prompt="8 seconds long, in 1 s clips")
    one = await made([video("a")], params, Known({}), told)
    assert one.duration == pytest.approx(8, abs=0.5)
    assert told == [
        "of the prompt 8 s is read as the montage's length, not “1 s”; “30 seconds long” says it "
        "for certain"
    ]


@pytest.mark.parametrize(("seconds", "prompt"), [(0.5, ""), (20, "0.4 s long")])
async def test_what_ends_before_the_first_beat_is_cut_by_what_is_seen(seconds, prompt):
    known = Known({}, beats=[0.6 + 0.5 * n for n in range(30)])
    params = MontageParams(prompt=prompt, audio_id="song")
    one = await made([video("a", seconds)], params, known, song=sound("song", 15))
    assert 0 < one.duration <= F(1, 2)


async def test_a_faster_prompt_cuts_more_often_and_the_length_is_kept():
    inputs = [video("a", 40), video("b", 40)]
    counts = []
    for prompt in ("slow, 12 seconds", "fast, 12 seconds"):
        one = await made(
            inputs, MontageParams(prompt=prompt, audio_id="song"), song=sound("song", 60)
        )
        assert 11 < one.duration <= 12
        counts.append(len(one.clips))
    assert counts[0] * 2 < counts[1]


async def test_a_tempo_without_audio_gives_the_beats_and_the_sound_stays():
    one = await made([video("a"), video("b")], MontageParams(bpm=100), Known({}))
    assert all(min(at % F(3, 5), F(3, 5) - at % F(3, 5)) <= FRAME / 2 for at in cuts(one))
    assert {c.volume for c in one.clips} == {1.0}
    assert one.tracks == ()


async def test_without_audio_quick_pictures_are_shown_shorter():
    calm = [Moment(time=F(n, 4), motion=1, sharpness=1) for n in range(80)]
    wild = [Moment(time=F(n, 4), motion=n, sharpness=1) for n in range(80)]
    known = Known({}, moments={"calm": calm, "wild": wild})
    one = await made([video("calm"), video("wild")], MontageParams(prompt="16 s"), known)
    assert one.duration == pytest.approx(16, abs=0.5)
    lengths = {
        sha: [e - s for name, s, e in shown(one) if name == sha] for sha in known.known_moments
    }
    assert max(lengths["wild"][:2]) < min(lengths["calm"][:2])


async def test_short_shots_fill_a_slot_together():
    """Shots of 0.8 s, and cuts every two seconds asked for: one beat each."""
    known = Known({}, beats=BEATS, shots=[F(4 * n, 5) for n in range(25)])
    one = await made([video("a")], MontageParams(audio_id="song"), known, song=sound("song", 6))
    assert one.duration > 5
    assert all(c.duration < F(3, 4) for c in one.clips)


async def test_it_ends_on_a_beat_where_there_is_nothing_more_to_show():
    one = await made(
        [video("a", 4), video("b", 3)], MontageParams(audio_id="song"), song=sound("song", 60)
    )
    assert one.duration <= 7
    assert min(abs(float(one.duration) - beat) for beat in BEATS) <= float(FRAME) / 2 + 1e-6


@pytest.mark.parametrize(
    ("prompt", "params", "why"),
    [
        ("slow, 3 minutes", {}, "too little material (12.0 s), and nothing is shown twice"),
        ("slow, 3 minutes", {"bpm": 100}, "too little material (12.0 s), and nothing is shown"),
        ("slow, 10 seconds", {"audio_id": "song"}, "sound.wav is no longer"),
        ("slow, 11 seconds", {}, None),
        ("slow", {}, None),
    ],
)
async def test_a_length_that_is_missed_is_told_with_why(prompt, params, why):
    told: list[str] = []
    inputs = [video("a", 7), video("b", 5)]
    asked = MontageParams(prompt=prompt, **params)
    one = await made(inputs, asked, warnings=told, song=sound("song", 6))
    if why is None:
        assert told == []
    else:
        [warning] = told
        assert warning.startswith(f"it lasts {float(one.duration):.1f} s, not the ")
        assert f"asked for: {why}" in warning


async def test_an_input_that_is_only_sound_is_the_audio():
    alone = sound_alone(sound("song", 10), "music", "node-0")
    one = await made([video("a"), alone, video("b")])
    assert one.tracks[0].source == "song"
    assert {c.source for c in one.clips} == {"a", "b"}


async def test_other_shapes_are_cropped_to_the_first():
    tall = video("tall", width=1080, height=1920)
    one = await made([video("a"), tall], MontageParams(audio_id="song"), song=sound("song", 10))
    assert (one.width, one.height, one.framing.fit) == (1920, 1080, "crop")
    assert set(one.framing.paths) == {"a", "tall"}


async def test_audio_without_beats_is_said_and_cut_by_sight():
    told: list[str] = []
    one = await made(
        [video("a"), video("b")],
        MontageParams(audio_id="talk", prompt="8 s"),
        Known({}),
        told,
        talk=sound("talk", 30),
    )
    assert told == ["no beats in sound.wav: it is cut by what is seen"]
    assert one.tracks[0].source == "talk"


async def test_what_is_said_under_the_audio_is_neither_captioned_nor_listened_to():
    said = {"a": speak(SCRIPT), "b": speak(SCRIPT)}
    known = Known(said, beats=BEATS)
    inputs = [video("a", 9), video("b", 9)]
    loud = await made(inputs, known=known)
    muted = await made(inputs, MontageParams(audio_id="song"), known, song=sound("song", 14))
    assert placed_words(loud, said)
    assert placed_words(muted, said) == []
    assert sounding_sources(muted) == []
    with pytest.raises(MediaError, match="Nothing is said in a, montage") as refusal:
        await captions.apply([muted], CaptionsParams(), context(known))
    assert "sound is off" in str(refusal.value)


async def test_captions_beside_muted_clips_are_those_of_what_is_heard():
    """A montage, and after it a part of the same talk that is heard."""
    talk = speak("One two three four.")
    known = Known({"a": talk}, beats=BEATS)
    muted = await made(
        [video("a", 9)], MontageParams(audio_id="song"), known, song=sound("song", 9)
    )
    loud = Clip(source="a", start=talk[2].start, end=F(9))
    mixed = muted.model_copy(update={"clips": (*muted.clips, loud)})
    [captioned] = await captions.apply([mixed], CaptionsParams(), context(known))
    assert [w.text for w in captioned.captions.words] == ["three", "four."]
    assert [w.text for w in shown_words(captioned, captioned.captions)] == ["three", "four."]
    kept = await hear_speech(mixed, "Silence Removal", context(known))
    assert kept[0].start == 0, "nothing of muted pictures is taken for a pause"
    assert kept[0].end >= muted.duration


async def test_the_sound_of_a_montage_is_evened_though_its_clips_are_muted():
    one = await made([video("a")], MontageParams(audio_id="song"), song=sound("song", 9))
    [evened] = await audio_enhance.apply([one], None, context(Known({})))
    assert evened.sound is not None


async def test_sound_alone_is_no_montage():
    with pytest.raises(MediaError, match="no picture"):
        await made([sound_alone(sound("song", 10), "music", "node-0")])


def seen_at(*times) -> list[Face]:
    return [Face(time=F(at), x=0.5, y=0.5, width=0.1, height=0.1) for at in times]


def test_a_window_is_worth_the_mean_of_its_moments_and_a_half_without_any():
    moments = [Moment(time=F(n), motion=1, sharpness=1) for n in range(4)]
    rated = Rated(moments, seen_at(F(7, 2), F(1, 2)), [1.0] * 4)
    plain = (SHARP + MOVING) / 2
    face = plain + FACES
    assert rated.worths(F(0), F(2), 20) == pytest.approx(
        [
            face,  # moments 0 and 1: a face is half a second away
            *[(face + plain) / 2] * 4,  # 1 and 2
            *[(plain + face) / 2] * 4,  # 2 and 3
            *[face] * 4,  # 3 alone
            *[0.5] * 7,
        ]
    )


async def test_windows_are_valued_again_only_where_something_was_taken_out(monkeypatch):
    valued: list[F] = []
    worths = Rated.worths

    def counted(self, start, length, windows):
        valued.append(start)
        return worths(self, start, length, windows)

    monkeypatch.setattr(Rated, "worths", counted)
    known = Known({}, shots=[F(0), *(F(n) for n in range(10, 100, 10))])
    material = await look_at([video("a", 100)], context(known))
    for left in range(8, 0, -1):
        assert material.take(F(2), left)
    shots = 10
    assert len(valued) <= shots + 2 * 7
    assert len(set(valued)) == len(valued)


async def test_shots_are_asked_for_once_however_many_clips_show_them():
    known = Known({}, shots=[F(0), F(5)])
    one = video("a", 20)
    clips = [one.clips[0].model_copy(update={"start": F(n), "end": F(n + 2)}) for n in range(10)]
    cut = one.model_copy(update={"clips": tuple(clips)})
    material = await look_at([cut], context(known))
    assert len(known.looked_at) == 2, "once for faces and once for shots"
    assert len(material.stretches) == 11, "one is divided by the change"
