"""AI Music: which music, how long, how loud; and what the composer writes."""

import json
from fractions import Fraction as F

import numpy as np
import pytest

from mosaic_mcp.contract.tiles.sound import MusicParams
from mosaic_mcp.errors import MediaError
from mosaic_mcp.studio.composing.composing import LEVEL_LUFS, play
from mosaic_mcp.studio.composing.instruments import RATE
from mosaic_mcp.studio.composing.moods import MOODS, mood_of
from mosaic_mcp.studio.perception.beats import find_beats
from mosaic_mcp.studio.perception.level import loudness
from mosaic_mcp.studio.perception.model import Colours
from mosaic_mcp.studio.tiles import music
from tests.support.tiles import Known, Making, context, sound, source, talk, timeline

SONGS = {
    "Sunny Day happy pop": sound("happy", 20),
    "Nocturne calm piano": sound("calm", 300),
    "Run electronic": sound("run", 120),
}


async def laid(uncut, known, params, **more):
    [scored] = await music.apply([uncut], params, context(known, **more))
    return scored.tracks[-1], scored


async def test_the_song_whose_words_are_asked_for_is_played():
    uncut, known = talk("Hello there. (2.0) Bye.")
    track, scored = await laid(uncut, known, MusicParams(mood="Calm"), workshop=Making(songs=SONGS))
    assert track.source == "calm"
    assert track.source in scored.sources
    assert not track.loop


async def test_a_short_song_is_repeated():
    track, _ = await laid(
        timeline(source()), Known({}), MusicParams(genre="Pop"), workshop=Making(songs=SONGS)
    )
    assert (track.source, track.loop) == ("happy", True)


async def test_words_that_no_song_has_are_composed():
    steps: list[str] = []
    making = Making(songs=SONGS)
    params = MusicParams(mood="mysterious", intensity="low")
    await laid(timeline(source()), Known({}), params, workshop=making, steps=steps)
    wanted = json.loads(making.recipes[0])[2]
    assert (wanted["mood"], wanted["intensity"], wanted["seconds"]) == ("dark", "low", 60)
    assert "no song of the music folder fits the words" in steps


@pytest.mark.parametrize(("bpm", "played"), [(120, True), (62, True), (100, False)])
async def test_a_song_is_played_when_its_tempo_is_near_the_one_that_is_asked_for(bpm, played):
    making = Making(songs={"song": sound("song", 90)})
    known = Known({}, beats=[0.5 * n for n in range(20)])
    track, _ = await laid(timeline(source()), known, MusicParams(bpm=bpm), workshop=making)
    assert (track.source == "song") is played


async def test_music_is_18_under_speech_and_10_between():
    uncut, known = talk("Hello there. (2.0) Bye.")
    known.known_level = -23.0
    track, _ = await laid(uncut, known, MusicParams())
    assert track.gain_db == pytest.approx(-10)  # both are at -23
    assert track.gain_db + track.duck_db == pytest.approx(-18)
    louder, _ = await laid(uncut, known, MusicParams(intensity="high"))
    assert louder.gain_db == track.gain_db + 3


async def test_music_of_a_silent_video_is_as_loud_as_a_programme():
    track, _ = await laid(timeline(source(audio_channels=0)), Known({}, level=-18), MusicParams())
    assert (track.gain_db, track.duck_db) == (2.0, 0.0)


async def test_music_plays_where_it_is_asked_to():
    params = MusicParams(start_time=5, end_time=20.5)
    making = Making()
    track, _ = await laid(timeline(source()), Known({}), params, workshop=making)
    assert (track.at, track.until) == (5, F(41, 2))
    assert json.loads(making.recipes[0])[2]["seconds"] == 15.5
    with pytest.raises(MediaError, match="no room for music"):
        await laid(timeline(source()), Known({}), MusicParams(start_time=60))


async def test_uploaded_music_wins_and_must_have_sound():
    making = Making(songs=SONGS)
    params = MusicParams(mood="calm", audio_id="mine")
    track, _ = await laid(
        timeline(source()), Known({}), params, workshop=making, mine=sound("mine", 200)
    )
    assert track.source == "mine"
    with pytest.raises(MediaError, match="no sound"):
        await laid(timeline(source()), Known({}), params, mine=source("mine", audio_channels=0))


@pytest.mark.parametrize(
    ("cuts", "bright", "mood"),
    [(30, 0.5, "energetic"), (8, 0.1, "cinematic"), (2, 0.5, "calm"), (8, 0.5, "uplifting")],
)
async def test_with_analysis_the_look_of_the_video_decides(cuts, bright, mood):
    levels = (0.0, bright, 1.0)
    known = Known(
        {},
        shots=[F(60 * n, cuts) for n in range(cuts)],
        colours={"talk": Colours(red=levels, green=levels, blue=levels)},
    )
    making = Making()
    params = MusicParams(use_intelligent_analysis=True)
    await laid(timeline(source()), known, params, workshop=making)
    assert json.loads(making.recipes[0])[2]["mood"] == mood


def test_moods_are_found_by_their_words():
    assert mood_of(["Cinematic"]).name == "cinematic"
    assert mood_of([None, "something relaxing for a lake"]).name == "calm"
    assert mood_of(["xyz", None]) is None
    assert all(mood_of([mood.name]) is mood for mood in MOODS)


@pytest.mark.parametrize("mood", MOODS, ids=lambda m: m.name)
def test_a_piece_has_its_tempo_level_and_length_and_never_clips(mood):
    mix, _ = play(mood.name, bpm=mood.bpm, intensity="high", seed=5, seconds=12.25)
    assert len(mix) == round(12.25 * RATE)
    assert np.abs(mix).max() < 0.9
    assert np.abs(mix[-200:]).max() < 0.01  # it has ended
    mono = mono_24k(mix)
    assert loudness(mono) == pytest.approx(LEVEL_LUFS, abs=0.5)
    tempo = find_beats(mono)["tempo"]
    assert min(abs(tempo * k - mood.bpm) for k in (0.5, 1, 2)) < 1


def test_the_same_recipe_is_the_same_music_and_another_seed_is_not():
    one, same, other = (
        play("chill", bpm=84, intensity="medium", seed=seed, seconds=5)[0] for seed in (1, 1, 2)
    )
    assert np.array_equal(one, same)
    assert not np.allclose(one, other)


def test_a_loop_goes_round_without_a_seam():
    mix, bars = play("happy", bpm=116, intensity="high", seed=3, seconds=None)
    assert len(mix) == round(bars * 4 * 60 / 116 * RATE)
    steps = np.abs(np.diff(np.concatenate([mix[-RATE:], mix[:RATE]]), axis=0)).max(axis=1)
    around = np.abs(mix[0] - mix[-1]).max()
    assert around <= np.percentile(steps, 99.9)
    # What was struck before the seam still rings after it.
    assert np.sqrt((mix[:480] ** 2).mean()) > 0.3 * np.sqrt((mix[-480:] ** 2).mean())


def mono_24k(mix):
    return np.rint(mix.reshape(-1, 2, 2).mean(axis=(1, 2)) * 32767).astype(np.int16)
