"""AI Voiceover, Audio Generation and Voice: what is said when, and what is refused."""

import json
import re
from fractions import Fraction as F

import pysubs2
import pytest

from mosaic_mcp.contract.builtin import BUILTIN_AGENTS
from mosaic_mcp.contract.tiles.sound import AudioGenerationParams, VoiceoverParams, VoiceParams
from mosaic_mcp.errors import MediaError, Unsupported
from mosaic_mcp.studio.tiles import audio_generation, voice, voiceover
from mosaic_mcp.studio.tiles.voiceover import PAUSE, parts_of, placed
from mosaic_mcp.studio.voices import speaking
from tests.support.tiles import Known, Sounding, context, source, timeline


class Speaking(Sounding):
    """A voice that needs 0.4 s for a word at 160 words a minute."""

    async def made(self, recipe, name, make):
        *_, text, _, rate = json.loads(recipe)
        self.seconds = 0.4 * len(text.split()) * 160 / rate
        return await super().made(recipe, name, make)


async def spoken(script, *, seconds=60, known=None, **params):
    making = Speaking()
    uncut = timeline(source("talk", F(seconds)))
    wish = VoiceoverParams(script=script, **params)
    known = known or Known({}, level=-21.0)
    [one] = await voiceover.apply([uncut], wish, context(known, sounds=making))
    return one, [json.loads(recipe) for recipe in making.recipes]


async def test_the_script_is_laid_over_the_video_and_all_else_is_softer():
    one, [recipe] = await spoken("Look at this lake.")
    [track] = one.tracks
    assert (track.kind, track.at, track.duck_db) == ("voice", 0, voiceover.DUCK_DB)
    assert track.gain_db == pytest.approx(5)  # from -21 to -16 LUFS
    assert recipe[-3:] == ["Look at this lake.", "en-us", 160]
    assert one.clips == timeline(source("talk", F(60))).clips


async def test_a_long_script_is_spoken_faster():
    one, recipes = await spoken(" ".join(["word"] * 28), seconds=10)
    assert [r[-1] for r in recipes] == [160, 181]
    assert one.sources[one.tracks[0].source].duration <= 10


async def test_a_script_that_is_too_long_is_refused_with_how_much_fits():
    with pytest.raises(MediaError, match="100 words") as refusal:
        await spoken(" ".join(["word"] * 100), seconds=10)
    fits = int(refusal.value.remedy.split("about ")[1].split()[0])
    assert 25 <= fits <= 32
    await spoken(" ".join(["word"] * fits), seconds=10)


def test_a_script_has_paragraphs_or_sentences():
    assert parts_of("One. Two!\n\nThree.") == ["One. Two!", "Three."]
    assert parts_of("One. Two! Three?") == ["One.", "Two!", "Three?"]


async def test_aligned_parts_begin_where_shots_do():
    known = Known({}, shots=[F(0), F(7), F(21), F(33), F(50)])
    one, _ = await spoken(
        "First a lake.\n\nThen a hill.\n\nThen home.", known=known, align_to_moments=True
    )
    assert [track.at for track in one.tracks] == [0, 21, 33]


def test_parts_never_overlap_and_always_end_in_time():
    lengths = [F(8), F(1), F(9), F(2)]
    for moments in ([], [F(n) for n in range(22)], [F(0), F(20)]):
        times = placed(lengths, moments, F(22))
        ends = [at + length for at, length in zip(times, lengths, strict=True)]
        assert all(b - a >= PAUSE for a, b in zip(ends, times[1:], strict=False))
        assert ends[-1] <= 22


async def test_an_automatic_script_is_refused_with_what_to_do():
    wish = VoiceoverParams(script_mode="auto")
    with pytest.raises(Unsupported, match="does not write scripts") as refusal:
        await voiceover.apply([timeline(source())], wish, context(Known({})))
    assert "script_mode custom" in refusal.value.remedy


async def test_without_a_voice_the_remedy_is_the_exact_command(monkeypatch):
    monkeypatch.setattr(speaking, "command", lambda: None)
    with pytest.raises(Unsupported, match="espeak-ng is missing") as refusal:
        await speaking.voice_named("de")
    assert 'pip install "mosaic-mcp[voice]"' in refusal.value.remedy


async def test_voices_are_found_by_what_people_call_them():
    assert await speaking.voice_named(None) == "en-us"
    assert await speaking.voice_named("Female") == "en-us+f3"
    assert await speaking.voice_named("German") == "de"
    assert await speaking.voice_named("de+f2") == "de+f2"
    with pytest.raises(Unsupported, match="no voice 'Rachel'") as refusal:
        await speaking.voice_named("Rachel")
    assert "de" in refusal.value.remedy
    assert re.search(r" and \d+ more\.$", refusal.value.remedy)


async def test_generated_sound_is_a_timeline_of_its_own():
    making = Sounding(seconds=8)
    params = AudioGenerationParams(mode="music", music_prompt="dark drone", music_length_ms=8000)
    [one] = await audio_generation.apply([], params, context(Known({}), sounds=making))
    wanted = json.loads(making.recipes[0])[2]
    assert (wanted["mood"], wanted["seconds"]) == ("dark", 8)
    assert one.duration == 8
    assert one.sources[one.clips[0].source].kind == "audio"
    too_long = params.model_copy(update={"music_length_ms": 600_000})
    with pytest.raises(Unsupported, match="at most 5 minutes"):
        await audio_generation.apply([], too_long, context(Known({})))
    too_short = params.model_copy(update={"music_length_ms": 30})
    with pytest.raises(Unsupported, match=r"at least 0\.5 s, not 30 ms"):
        await audio_generation.apply([], too_short, context(Known({})))


async def test_generated_music_has_the_tempo_of_its_prompt():
    [paced] = [a for a in BUILTIN_AGENTS if a.agent.name == "Music-paced montage"]
    asked = next(n.params_used for n in paced.agent_nodes if "music_prompt" in n.params_used)
    making = Sounding()
    params = AudioGenerationParams(**asked)
    await audio_generation.apply([], params, context(Known({}), sounds=making))
    wanted = json.loads(making.recipes[0])[2]
    assert (wanted["mood"], wanted["bpm"]) == ("happy", 120)


async def test_a_generated_voice_over_says_the_script():
    making = Speaking()
    params = AudioGenerationParams(script="Hello world.", voice_id="de")
    [one] = await audio_generation.apply([], params, context(Known({}), sounds=making))
    assert json.loads(making.recipes[0])[-3:] == ["Hello world.", "de", 160]
    assert one.duration == F(4, 5)


async def test_what_flows_in_flows_on_before_the_sound():
    """As with what other tiles generate (divergence generation-inputs)."""
    talk, wish = timeline(source()), AudioGenerationParams(script="Hello world.")
    made = await audio_generation.apply([talk], wish, context(Known({}), sounds=Speaking()))
    assert (made[0], len(made)) == (talk, 2)


async def test_voice_is_refused_with_what_can_be_done():
    wish = VoiceParams(target_language="Spanish")
    with pytest.raises(Unsupported, match="into Spanish") as refusal:
        await voice.apply([timeline(source())], wish, context(Known({})))
    assert "AI Voiceover" in refusal.value.remedy


def test_what_a_voice_tells_are_the_cues_of_its_words():
    told = "0 1\n300 7\n500 10\n900 0\n1400 23\n2000 0"
    srt = speaking.subtitles("Bright is of\nthe lake. Yes!", told)
    cues = [(e.start, e.end, e.text) for e in pysubs2.SSAFile.from_string(srt)]
    assert cues == [
        (0, 300, "Bright"),
        (300, 500, "is"),
        (500, 900, "of the lake."),
        (1400, 2000, "Yes!"),
    ]
    assert speaking.subtitles("", "") == ""


def test_a_number_is_one_word_however_it_is_spoken():
    """What espeak-ng tells: several beginnings, also of what lies before, for one as written."""
    told = (
        "0 1\n173 4\n642 10\n949 11\n1171 12\n1690 13\n2474 17\n2597 20\n2819 21\n3301 21\n4403 0"
    )
    srt = speaking.subtitles("It costs $2,500 in 2026, or so", told)
    cues = [(e.start, e.end, e.text) for e in pysubs2.SSAFile.from_string(srt)]
    assert cues[2:] == [(642, 2474, "$2,500"), (2474, 2597, "in"), (2597, 4403, "2026, or so")]


def test_signs_that_are_no_word_have_no_cue():
    assert speaking.subtitles("***", "0 1\n900 0") == ""
    srt = speaking.subtitles("Use <b> or {x}", "0 1\n100 4\n200 9\n300 12\n400 0")
    assert [e.plaintext for e in pysubs2.SSAFile.from_string(srt)] == ["Use", "b", "or", "x"]
