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
from mosaic_mcp.studio.perception.model import Beats, Colours
from mosaic_mcp.studio.tiles import music
from mosaic_mcp.studio.tiles.songs import MEASURED
from tests.support.tiles import Known, Sounding, context, sound, source, talk, timeline

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
    track, scored = await laid(uncut, known, MusicParams(mood="Calm"), sounds=Sounding(songs=SONGS))
    assert track.source == "calm"
    assert track.source in scored.sources
    assert not track.loop


async def test_a_short_song_is_repeated():
    track, _ = await laid(
        timeline(source()), Known({}), MusicParams(genre="Pop"), sounds=Sounding(songs=SONGS)
    )
    assert (track.source, track.loop) == ("happy", True)


async def test_words_that_no_song_has_are_composed():
    told: list[str] = []
    making = Sounding(songs=SONGS)
    params = MusicParams(mood="mysterious", intensity="low")
    await laid(timeline(source()), Known({}), params, sounds=making, warnings=told)
    wanted = json.loads(making.recipes[0])[2]
    assert (wanted["mood"], wanted["intensity"], wanted["seconds"]) == ("dark", "low", 60)
    assert told == ["no song of the music folder fits the words, so music is composed"]


@pytest.mark.parametrize(("bpm", "played"), [(120, True), (62, True), (100, False)])
async def test_a_song_is_played_when_its_tempo_is_near_the_one_that_is_asked_for(bpm, played):
    making = Sounding(songs={"song": sound("song", 90)})
    known = Known({}, beats=[0.5 * n for n in range(20)])
    track, _ = await laid(timeline(source()), known, MusicParams(bpm=bpm), sounds=making)
    assert (track.source == "song") is played


class Tempos(Known):
    """Songs of different tempos: beats a minute by source."""

    def __init__(self, **tempos: float) -> None:
        super().__init__({})
        self.tempos = tempos

    async def beats(self, source):
        return Beats(tempo=self.tempos[source.sha256])


@pytest.mark.parametrize(
    ("prompt", "played"),
    [
        ("happy, 120 BPM", "even"),
        ("happy, 118bpm", "even"),
        ("happy, 60 beats a minute", "even"),
        ("happy, 88 BPM", "slow"),
        ("happy", "even"),
        ("90 bpm", "slow"),
    ],
)
async def test_of_songs_that_fit_one_of_the_tempo_in_the_words_is_played(prompt, played):
    making = Sounding(songs={f"happy {name}": sound(name, 90) for name in ("slow", "even")})
    known, told = Tempos(slow=90, even=120), list[str]()
    params = MusicParams(prompt=prompt)
    track, _ = await laid(timeline(source()), known, params, sounds=making, warnings=told)
    assert (track.source, told) == (played, [])


async def test_a_song_that_fits_the_words_less_is_played_for_its_tempo():
    making = Sounding(songs={"happy sunny": sound("slow", 90), "happy": sound("even", 90)})
    params = MusicParams(prompt="happy sunny, 120 BPM")
    track, _ = await laid(timeline(source()), Tempos(slow=90, even=120), params, sounds=making)
    assert track.source == "even"


async def test_where_no_song_has_the_tempo_in_the_words_another_is_played_and_that_is_told():
    making, told = Sounding(songs={"happy": sound("slow", 90)}), list[str]()
    params = MusicParams(prompt="happy, 120 BPM")
    track, _ = await laid(timeline(source()), Tempos(slow=90), params, sounds=making, warnings=told)
    assert track.source == "slow"
    assert told == ["no fitting song of the music folder has 120 beats a minute"]


@pytest.mark.parametrize(
    ("params", "mood", "bpm"),
    [
        ({"prompt": "Lively and upbeat, 120 BPM."}, "happy", 120),
        ({"prompt": "dark", "style": "drone at 66 beats per minute"}, "dark", 66),
        ({"prompt": "120 BPM", "bpm": 90.0}, "uplifting", 90),
        ({"prompt": "dark, tempo: 66"}, "dark", 66),
        ({"prompt": "dark, 66 beats/min"}, "dark", 66),
        ({"prompt": "dark, 60-66 BPM"}, "dark", 66),
        ({"prompt": "It lasts 120 seconds"}, "uplifting", 104),
    ],
)
async def test_composed_music_has_the_tempo_in_the_words(params, mood, bpm):
    making = Sounding()
    await laid(timeline(source()), Known({}), MusicParams(**params), sounds=making)
    wanted = json.loads(making.recipes[0])[2]
    assert (wanted["mood"], wanted["bpm"]) == (mood, bpm)


@pytest.mark.parametrize("asked", ["20 BPM", "300 bpm", "1200 BPM", "8 bpm"])
async def test_a_tempo_that_music_cannot_have_is_told_and_not_read(asked):
    making, told = Sounding(), list[str]()
    params = MusicParams(prompt=f"calm, {asked}")
    await laid(timeline(source()), Known({}), params, sounds=making, warnings=told)
    assert json.loads(making.recipes[0])[2]["bpm"] == mood_of(["calm"]).bpm
    assert told == [f"“{asked}” was not read: music here has 40 to 240 beats a minute"]


@pytest.mark.parametrize(
    ("said", "played"),
    [("relaxing", "calm"), ("joyful", "happy"), ("a workout", "run"), ("melancholy", "calm")],
)
async def test_another_word_for_the_mood_of_a_song_finds_it(said, played):
    making = Sounding(songs=SONGS)
    track, _ = await laid(timeline(source()), Known({}), MusicParams(prompt=said), sounds=making)
    assert track.source == played


@pytest.mark.parametrize(("bright", "cuts", "played"), [(0.5, 2, "calm"), (0.5, 30, "run")])
async def test_with_analysis_the_look_of_the_video_chooses_the_song(bright, cuts, played):
    levels = (0.0, bright, 1.0)
    known = Known(
        {},
        shots=[F(60 * n, cuts) for n in range(cuts)],
        colours={"talk": Colours(red=levels, green=levels, blue=levels)},
    )
    params = MusicParams(use_intelligent_analysis=True)
    track, _ = await laid(timeline(source()), known, params, sounds=Sounding(songs=SONGS))
    assert track.source == played


async def test_of_a_large_folder_songs_from_all_over_it_are_measured():
    making = Sounding(songs={f"{n:03}": sound(f"{n:03}", 90) for n in range(500)})
    steps: list[str] = []
    uncut, known = timeline(source()), Known({})
    shown = context(known, sounds=making, steps=steps)
    await music.apply([uncut, uncut], MusicParams(bpm=100), shown)
    measured = [step.rpartition(" ")[2] for step in steps if step.startswith("measuring")]
    assert len(measured) == MEASURED
    assert measured[0] == "000.mp3"
    assert measured[-1] > "475.mp3"


async def test_a_song_that_cannot_be_played_is_left_out_and_said():
    class Torn(Sounding):
        async def song(self, song):
            if song.words == "Calm a":
                raise MediaError("It is cut off.")
            return await super().song(song)

    making = Torn(songs={name: sound(name, 90) for name in ("Calm a", "Calm b")})
    said: list[str] = []
    params = MusicParams(mood="calm")
    track, _ = await laid(timeline(source()), Known({}), params, sounds=making, warnings=said)
    assert track.source == "Calm b"
    assert said == ["Calm a.mp3 of the music folder is left out. It is cut off."]


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
    making = Sounding()
    track, _ = await laid(timeline(source()), Known({}), params, sounds=making)
    assert (track.at, track.until) == (5, F(41, 2))
    assert json.loads(making.recipes[0])[2]["seconds"] == 15.5
    with pytest.raises(MediaError, match="no room for music"):
        await laid(timeline(source()), Known({}), MusicParams(start_time=60))


async def test_uploaded_music_wins_and_must_have_sound():
    making = Sounding(songs=SONGS)
    params = MusicParams(mood="calm", audio_id="mine")
    track, _ = await laid(
        timeline(source()), Known({}), params, sounds=making, mine=sound("mine", 200)
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
    making = Sounding()
    params = MusicParams(use_intelligent_analysis=True)
    await laid(timeline(source()), known, params, sounds=making)
    assert json.loads(making.recipes[0])[2]["mood"] == mood


def test_moods_are_found_by_their_words():
    assert mood_of(["Cinematic"]).name == "cinematic"
    assert mood_of([None, "something relaxing for a lake"]).name == "calm"
    assert mood_of(["xyz", None]) is None
    assert [mood_of([word]).name for word in ("techno", "tech", "funky", "fun")] == [
        "energetic",
        "uplifting",
        "chill",
        "happy",
    ]
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
