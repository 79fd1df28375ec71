"""Music, voices and montages with the real composer, voice, perception and render."""

import wave
from dataclasses import dataclass, replace
from fractions import Fraction as F

import numpy as np
import pysubs2
import pytest

from mosaic_mcp.contract.extensions import LOCAL_OWNER
from mosaic_mcp.contract.tiles.params import CaptionsParams
from mosaic_mcp.contract.tiles.sound import (
    AudioGenerationParams,
    MontageParams,
    MusicParams,
    VoiceoverParams,
)
from mosaic_mcp.studio.export import write_bundle, write_subtitles
from mosaic_mcp.studio.intake import Intake
from mosaic_mcp.studio.library import Library
from mosaic_mcp.studio.machine import Machine
from mosaic_mcp.studio.perception.beats import find_beats
from mosaic_mcp.studio.perception.level import loudness
from mosaic_mcp.studio.perception.local import LocalPerception
from mosaic_mcp.studio.perception.probe import probe
from mosaic_mcp.studio.render.loudness import parse_loudness
from mosaic_mcp.studio.render.phrases import shown_words
from mosaic_mcp.studio.render.rendering import render
from mosaic_mcp.studio.runs.sounds import OwnSounds
from mosaic_mcp.studio.store.assets import Assets
from mosaic_mcp.studio.store.database import Store
from mosaic_mcp.studio.store.transcripts import Transcripts
from mosaic_mcp.studio.tiles import audio_generation, captions, montage, music, spoken, voiceover
from mosaic_mcp.studio.tiles.tile import TileContext
from mosaic_mcp.studio.timeline.edit import from_source, snap
from tests.support.coded import FFMPEG, SAMPLES, ffmpeg, numbered, numbers, tone, write_video
from tests.support.tiles import Makes


@dataclass
class Home:
    """A data folder whose owner has uploads, sounds and perception."""

    library: Library
    assets: Assets
    intake: Intake
    sounds: OwnSounds
    transcripts: Transcripts
    steps: list[str]

    async def add(self, path, kind="video"):
        asset = await self.intake.take_file(LOCAL_OWNER, path, kind)
        return (await self.assets.file(LOCAL_OWNER, asset.asset_id))[0], asset.asset_id

    def context(self) -> TileContext:
        async def report(_progress: float, step: str) -> None:
            self.steps.append(step)

        async def source(asset_id):
            return (await self.assets.file(LOCAL_OWNER, asset_id))[0]

        uploads = type("Uploads", (), {"source": staticmethod(source)})()
        perception = LocalPerception(self.library, self.library.source, self.transcripts.get)

        async def warn(text: str) -> None:
            self.steps.append(text)

        return TileContext("node-1", perception, uploads, self.sounds, Makes(), report, warn)

    async def render(self, timeline, out):
        files = {sha: self.library.source_here(sha) for sha in timeline.media}
        job = out.with_suffix(".job")
        job.mkdir()
        await render(snap(timeline), files, out, job=job, ffmpeg=FFMPEG, quality="draft")
        return files


@pytest.fixture
def home(tmp_path):
    library = Library(tmp_path / "home")
    store = Store(library.home / "studio" / "studio.db")
    assets = Assets(store, library)

    async def probed(path, name):
        return await probe(path, name=name)

    intake = Intake(assets, library, probed, Machine(library.home))
    transcripts = Transcripts(store)
    sounds = OwnSounds(LOCAL_OWNER, library, assets, intake, transcripts)
    yield Home(library, assets, intake, sounds, transcripts, [])
    store.close()


def heard(path, tmp_path):
    """The samples of a file, two channels."""
    ffmpeg("-i", path, "-f", "s16le", "-ac", "2", "-ar", str(SAMPLES), tmp_path / "heard.pcm")
    return np.fromfile(tmp_path / "heard.pcm", np.int16).reshape(-1, 2)


def mono_24k(sound):
    return sound[: len(sound) // 2 * 2].reshape(-1, 2, 2).mean(axis=(1, 2)).astype(np.int16)


def click_track(path, bpm, seconds, offset):
    at = np.arange(900) / SAMPLES
    click = np.sin(2 * np.pi * 1500 * at) * np.exp(-at * 300) * 20_000
    mix = np.zeros(round(seconds * SAMPLES), np.int16)
    for beat in np.arange(offset, seconds - 0.1, 60 / bpm):
        mix[round(beat * SAMPLES) :][:900] = click[: len(mix) - round(beat * SAMPLES)]
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, SAMPLES, 0, "NONE", ""))
        file.writeframes(mix.tobytes())
    return path


def counted(path, first, frames):
    """Pictures that say first, first + 1 …, and change so little that no shot ends."""
    pictures = []
    for number in range(first, first + frames):
        picture = np.full((136, 240), 120, np.uint8)
        picture[:34] = numbered(number ^ number >> 1)[:34]  # Gray code: one bit at a time
        pictures.append(picture)
    return write_video(path, pictures, sound=tone(frames / 30, -20))


def said(path):
    """What the pictures of a draft say."""
    found = []
    for number in numbers(path, (0, 0, 120, 17)):
        value = number
        while number := number >> 1:
            value ^= number
        found.append(value)
    return found


async def test_a_montage_changes_its_picture_on_the_beats_that_are_heard(home, tmp_path):
    inputs = []
    for number in range(3):
        path = counted(tmp_path / f"{number}.mov", 300 * number, 120)
        inputs.append(from_source((await home.add(path))[0], tile="in"))
    _, song = await home.add(click_track(tmp_path / "clicks.wav", 110, 8, 0.4), "audio")
    params = MontageParams(audio_id=song, prompt="fast")
    [one] = await montage.apply(inputs, params, home.context())
    await home.render(one, tmp_path / "out.mp4")
    seen = said(tmp_path / "out.mp4")
    jumps = [n for n in range(1, len(seen)) if seen[n] != seen[n - 1] + 1]
    beats = np.arange(0.4, 8, 60 / 110)
    assert len(jumps) >= 4
    for jump in jumps:
        assert np.abs(beats - jump / 30).min() <= 1 / 30
    assert {number // 300 for number in seen} == {0, 1, 2}
    found = find_beats(mono_24k(heard(tmp_path / "out.mp4", tmp_path)))
    assert found["tempo"] == pytest.approx(110, abs=1)
    assert found["beats"][1] == pytest.approx(0.4 + 60 / 110, abs=0.04)


async def test_composed_music_lies_18_under_speech_and_ends_with_the_video(home, tmp_path):
    talk = np.zeros((8 * SAMPLES, 2), np.int16)
    talk[2 * SAMPLES : 5 * SAMPLES] = tone(3, -14)
    path = write_video(tmp_path / "talk.mov", [numbered(n) for n in range(240)], sound=talk)
    source, _ = await home.add(path)
    uncut = from_source(source, tile="in")
    [scored] = await music.apply([uncut], MusicParams(mood="calm"), home.context())
    again = await music.apply([uncut], MusicParams(mood="calm"), home.context())
    assert again == [scored]
    assert any("composing: calm, 74" in step for step in home.steps)
    track = scored.tracks[0]
    own = loudness(mono_24k(talk))
    piece = samples_of(home.library.source_here(track.source))
    assert track.gain_db == pytest.approx(own - 10 - loudness(mono_24k(piece)), abs=0.5)
    await home.render(scored, tmp_path / "out.mp4")
    parts = [
        np.fromfile(tmp_path / "out.job" / name, np.int16).reshape(-1, 2).astype(float)
        for name in ("mixed.pcm", "programme.pcm")
    ]
    laid = parts[0] - parts[1]

    def gain(start, end):
        span = slice(round(start * SAMPLES), round(end * SAMPLES))
        return 10 * np.log10((laid[span] ** 2).mean() / (piece[span].astype(float) ** 2).mean())

    assert gain(6.0, 6.4) == pytest.approx(track.gain_db, abs=0.3)
    assert gain(2.5, 4.5) == pytest.approx(own - 18 - loudness(mono_24k(piece)), abs=0.6)
    assert np.abs(laid[-300:]).max() < 20
    assert np.abs(parts[0]).max() < 32_700


def samples_of(path):
    with wave.open(str(path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), np.int16).reshape(-1, 2)


async def test_a_song_of_the_music_folder_is_found_by_its_tags(home, tmp_path):
    folder = home.library.home / "music"
    folder.mkdir(parents=True)
    for name, title in (("one", "Nocturne for piano"), ("two", "Sunny day")):
        ffmpeg(
            *("-f", "lavfi", "-i", "sine=frequency=300:duration=3", "-metadata", f"title={title}"),
            *("-metadata", "genre=Calm" if name == "one" else "genre=Pop", folder / f"{name}.mp3"),
        )
    (folder / "notes.txt").write_text("nothing")
    (folder / "broken.mp3").write_text("not music")
    path = write_video(tmp_path / "in.mov", [numbered(n) for n in range(60)])
    source, _ = await home.add(path)
    params = MusicParams(genre="Pop")
    [scored] = await music.apply([from_source(source, tile="in")], params, home.context())
    song = scored.sources[scored.tracks[0].source]
    assert (song.name, song.origin) == ("two.mp3", "folder")
    assert "playing two.mp3 of the music folder, without a beat" in home.steps
    assert (
        await OwnSounds("ben", home.library, home.assets, home.intake, home.transcripts).songs()
        == []
    )
    assert await replace(home.sounds, folders=False).songs() == [], "of several machines, nobody's"


async def test_of_songs_that_fit_the_words_the_one_of_the_tempo_is_played(home, tmp_path):
    folder = home.library.home / "music"
    folder.mkdir(parents=True)
    for name, bpm in (("a relaxing", 99), ("gentle", 76), ("hype", 126)):
        click_track(folder / f"{name}.wav", bpm, 6, 0.3)
    path = write_video(tmp_path / "in.mov", [numbered(n) for n in range(30)])
    uncut = from_source((await home.add(path))[0], tile="in")
    for params, name in (
        (MusicParams(mood="calm"), "gentle.wav"),  # of which 74 is usual
        (MusicParams(mood="calm", bpm=100), "a relaxing.wav"),
        (MusicParams(bpm=63), "hype.wav"),
    ):
        [scored] = await music.apply([uncut], params, home.context())
        assert scored.sources[scored.tracks[0].source].name == name
    heard = [step for step in home.steps if step.startswith("playing")]
    assert heard[0] == "playing gentle.wav of the music folder, 76 beats a minute"


async def test_a_voice_over_is_heard_and_the_video_is_softer_under_it(home, tmp_path):
    sound = np.repeat(
        (np.sin(np.arange(5 * SAMPLES) * 2 * np.pi * 3000 / SAMPLES) * 6000)[:, None], 2, axis=1
    ).astype(np.int16)
    path = write_video(tmp_path / "in.mov", [numbered(n) for n in range(150)], sound=sound)
    source, _ = await home.add(path)
    params = VoiceoverParams(script="Here is the lake.", voice="female")
    [said] = await voiceover.apply([from_source(source, tile="in")], params, home.context())
    length = said.sources[said.tracks[0].source].duration
    assert F(1, 2) < length < 3
    await home.render(said, tmp_path / "out.mp4")
    mix = heard(tmp_path / "out.mp4", tmp_path).astype(float)

    def tone_level(start, end):
        part = mix[round(start * SAMPLES) : round(end * SAMPLES), 0]
        turn = np.exp(-2j * np.pi * 3000 * np.arange(len(part)) / SAMPLES)
        return 20 * np.log10(2 * abs((part * turn).mean()))

    assert tone_level(4, 4.8) - tone_level(0.3, 0.6) == pytest.approx(14, abs=1.5)
    assert loudness(mono_24k(mix[: round(length * SAMPLES)].astype(np.int16))) > -20


@pytest.mark.parametrize(
    ("voice", "script"),
    [
        ("female", "Here is the lake. It lies quiet at night."),
        ("de", "Hier ist der See. Nachts wird es still."),
    ],
)
async def test_the_captions_of_a_voice_over_are_its_words_when_they_are_said(
    home, tmp_path, monkeypatch, voice, script
):
    told = []
    speak = spoken.speak

    async def heard_by_us(*wish):
        told.append(await speak(*wish))
        return told[-1]

    monkeypatch.setattr(spoken, "speak", heard_by_us)
    path = write_video(tmp_path / "in.mov", [numbered(n) for n in range(180)])
    source, _ = await home.add(path)
    over = from_source(source, tile="in")
    for tile, params in (
        (voiceover, VoiceoverParams(script=script, voice=voice)),
        (captions, CaptionsParams()),
    ):
        [over] = await tile.apply([over], params, home.context())
    shown = shown_words(over, over.captions)
    assert " ".join(word.text for word in shown) == script
    cues = pysubs2.SSAFile.from_string(told[-1])
    starts = {event.text.split()[0]: event.start / 1000 for event in cues}
    late = [abs(float(word.start) - starts.pop(word.text)) for word in shown if word.text in starts]
    assert len(late) >= 6
    assert max(late) <= 0.001
    assert write_subtitles(over, tmp_path)
    assert script.split(".")[0] in (tmp_path / "captions.txt").read_text("utf-8")


async def test_generated_music_is_a_playable_file_with_its_wave(home, tmp_path):
    params = AudioGenerationParams(mode="music", music_prompt="epic", music_length_ms=4000)
    [one] = await audio_generation.apply([], params, home.context())
    files = await home.render(one, tmp_path / "out.mp4")
    source = await probe(tmp_path / "out.mp4", name="out")
    assert (source.kind, source.duration, source.audio_channels) == ("video", 4, 2)
    meter = ffmpeg("-i", tmp_path / "out.mp4", "-af", "ebur128=framelog=quiet", "-f", "null", "-")
    assert parse_loudness(meter).integrated_lufs == pytest.approx(-16, abs=0.5)
    ffmpeg("-ss", "2", "-i", tmp_path / "out.mp4", "-frames:v", "1", tmp_path / "wave.png")
    write_subtitles(one, tmp_path)
    write_bundle(one, tmp_path / "timeline.zip", media=files, subtitles=tmp_path)


async def test_what_is_made_is_made_once_for_each_owner(home):
    made = []

    async def make(path):
        made.append(path)
        click_track(path, 120, 1, 0.1)

    first = await home.sounds.made("recipe", "clicks.wav", make)
    assert await home.sounds.made("recipe", "clicks.wav", make) == first
    assert (len(made), first.origin) == (1, "studio")
    ben = OwnSounds("ben", home.library, home.assets, home.intake, home.transcripts)
    assert (await ben.made("recipe", "clicks.wav", make)).sha256 == first.sha256
    assert len(made) == 2
    home.library.source_here(first.sha256).unlink()
    assert (await home.sounds.made("recipe", "clicks.wav", make)).sha256 == first.sha256
    assert len(made) == 3
