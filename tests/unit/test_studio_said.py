"""What is written beside an output, and what is told where words are missing."""

import pytest

from mosaic_mcp.errors import MediaError
from mosaic_mcp.studio.export.subtitles import cues_of, write_subtitles
from mosaic_mcp.studio.perception.model import Words
from mosaic_mcp.studio.runs.said import said_in
from mosaic_mcp.studio.timeline.model import Captions, CaptionWord, Track
from tests.support.tiles import sound, source, speak, timeline

TALK = Words(origin="user", words=tuple(speak("Good morning everyone.")))
UNSURE = TALK.model_copy(update={"origin": "pocketsphinx", "reliable": False})
NONE = Words(origin="whisper", confidence=0, reliable=False)
BOTH = timeline(source("intro", 5), source("talk", 10))


def knowing(**words: Words):
    async def known_words(asked):
        return words.get(asked.sha256)

    return known_words


def texts(said) -> list[str]:
    return [cue.text for cue in cues_of(said.timeline)]


async def test_what_is_known_is_written_and_the_part_without_words_is_named(tmp_path):
    said = await said_in(BOTH, knowing(talk=TALK))
    assert texts(said) == ["Good morning everyone."]
    assert cues_of(said.timeline)[0].start > 5
    told = "The subtitles leave out 0:00-0:05: the words of intro.mp4 are not known."
    assert said.missing == told
    assert "read_transcript" in said.remedy
    write_subtitles(said.timeline, tmp_path, said.missing)
    assert (tmp_path / "captions.txt").read_text("utf-8").startswith(f"[{told}]\n\n[0:00:05] Good")
    vtt = (tmp_path / "captions.vtt").read_text("utf-8")
    assert vtt.startswith(f"WEBVTT\n\nNOTE {told}\n\n")
    assert vtt.count("-->") == (tmp_path / "captions.srt").read_text("utf-8").count("-->") == 1


async def test_a_voice_over_that_is_in_no_subtitle_is_told():
    voice = Track(source="voice", kind="voice")
    both = timeline(source("talk")).model_copy(update={"tracks": (voice,)})
    both = both.model_copy(update={"sources": {**both.sources, "voice": sound("voice", 3)}})
    said = await said_in(both, knowing(talk=TALK))
    told = "The subtitles leave out the voice-over: the script of the voice-over is not written"
    assert said.missing.startswith(told)
    assert said.remedy == ""
    scripted = sound("voice", 3).model_copy(update={"transcript": "brought"})
    known = both.model_copy(update={"sources": {**both.sources, "voice": scripted}})
    whole = await said_in(known, knowing(talk=TALK, voice=TALK))
    assert (texts(whole), whole.missing) == (["Good morning everyone."], "")
    alone = await said_in(both, knowing())
    assert alone.missing.startswith("No subtitles: the words of talk.mp4 are not known; the script")


async def test_where_all_is_known_nothing_is_told(tmp_path):
    said = await said_in(BOTH, knowing(talk=TALK, intro=TALK))
    assert (len(texts(said)), said.missing, said.remedy) == (2, "", "")
    write_subtitles(said.timeline, tmp_path, said.missing)
    assert "NOTE" not in (tmp_path / "captions.vtt").read_text("utf-8")


@pytest.mark.parametrize(
    ("talk", "told", "remedy"),
    [
        (None, "No subtitles: the words of talk.mp4 are not known.", "read_transcript"),
        (UNSURE, "No subtitles: the words of talk.mp4 are too uncertain.", "Bring an SRT"),
        (NONE, "No subtitles: no words were heard in talk.mp4.", ""),
    ],
)
async def test_without_any_words_it_is_said_why(talk, told, remedy):
    said = await said_in(timeline(source("talk")), knowing(**({"talk": talk} if talk else {})))
    assert texts(said) == []
    assert (said.missing, bool(said.remedy)) == (told, bool(remedy))
    assert said.remedy.startswith(remedy)


async def test_a_sound_that_cannot_be_read_costs_its_words_and_not_the_output():
    async def broken(asked):
        if asked.sha256 == "intro":
            raise MediaError("Its sound is damaged.")
        return TALK

    said = await said_in(BOTH, broken)
    assert texts(said) == ["Good morning everyone."]
    assert said.missing.endswith("intro.mp4 cannot be listened to.")


async def test_what_comes_after_the_captions_is_written_too_and_never_passes_for_silence():
    """Captions of the talk, and an outro of the user's own behind it."""
    words = tuple(
        CaptionWord(source="talk", text=w.text, start=w.start, end=w.end) for w in TALK.words
    )
    late = timeline(source("talk", 10), source("outro", 5))
    late = late.model_copy(update={"captions": Captions(words=words)})
    known = await said_in(late, knowing(outro=TALK))
    assert texts(known) == ["Good morning everyone."] * 2
    unknown = await said_in(late, knowing())
    assert texts(unknown) == ["Good morning everyone."]
    assert "leave out 0:10-0:15: the words of outro.mp4" in unknown.missing


async def test_what_makes_no_sound_or_is_muted_lacks_no_words():
    silent = timeline(source("card", 2, audio_channels=0), source("talk"))
    assert (await said_in(silent, knowing(talk=TALK))).missing == ""
    muted = BOTH.model_copy(
        update={"clips": tuple(c.model_copy(update={"volume": 0.0}) for c in BOTH.clips)}
    )
    said = await said_in(muted, knowing(talk=TALK))
    assert (texts(said), said.missing) == ([], "")


async def test_many_parts_without_words_are_counted():
    names = [f"clip{n}" for n in range(5)]
    mixed = timeline(*(source(name, 3) for name in (*names, "talk")))
    order = [clip for n in range(5) for clip in (mixed.clips[5], mixed.clips[n])]
    many = mixed.model_copy(update={"clips": tuple(order)})
    told = (await said_in(many, knowing(talk=TALK))).missing
    assert told == (
        "The subtitles leave out 0:03-0:06, 0:09-0:12, 0:15-0:18 and 2 more: "
        "the words of clip0.mp4, clip1.mp4, clip2.mp4 and 2 more are not known."
    )
