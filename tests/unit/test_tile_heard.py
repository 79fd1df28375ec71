"""Which words of several sources are built upon, and what is told of the others."""

from fractions import Fraction

import pytest

from mosaic_mcp.contract.tiles.params import CaptionsParams, ClipsParams
from mosaic_mcp.errors import MediaError, Unsupported
from mosaic_mcp.studio.perception.model import Words
from mosaic_mcp.studio.tiles import captions, clips
from mosaic_mcp.studio.tiles.speech.heard import listen, listen_to_all
from mosaic_mcp.studio.timeline.model import Track
from tests.support.tiles import Known, context, source, speak, timeline

BOTH = timeline(source("intro", Fraction(5)), source("talk", Fraction(20)))
TALK = speak("Good morning everyone. We begin.")
MUSIC = Words(origin="pocketsphinx", language="fr", confidence=0.0, reliable=False)
UNSURE = Words(
    origin="pocketsphinx",
    language="en",
    confidence=0.31,
    reliable=False,
    words=tuple(speak("wood moaning")),
)


def knowing(**transcripts):
    return Known({"talk": TALK, "intro": []}, transcripts=transcripts)


async def captioned(known, told):
    [made] = await captions.apply([BOTH], CaptionsParams(), context(known, warnings=told))
    return [(word.source, word.text) for word in made.captions.words]


async def test_an_intro_in_which_nothing_is_heard_does_not_keep_a_talk_from_its_captions():
    told: list[str] = []
    shown = await captioned(knowing(intro=MUSIC), told)
    assert shown == [("talk", word.text) for word in TALK]
    assert told == []
    heard = await listen(BOTH, context(knowing(intro=MUSIC)))
    assert (heard.language, heard.reliable) == ("en", True)


async def test_words_that_are_uncertain_are_left_out_and_their_video_is_named():
    told: list[str] = []
    shown = await captioned(knowing(intro=UNSURE), told)
    assert {sha for sha, _ in shown} == {"talk"}
    assert told == [
        "the words of intro.mp4 are too uncertain and left out (confidence 0.31 by pocketsphinx); "
        "bring its SRT or VTT to have them"
    ]


async def test_a_video_that_cannot_be_listened_to_is_left_out_and_named():
    told: list[str] = []
    shown = await captioned(knowing(intro=MediaError("Its sound is damaged.")), told)
    assert {sha for sha, _ in shown} == {"talk"}
    assert told == [
        "intro.mp4 cannot be listened to, so its words are left out: Its sound is damaged."
    ]


@pytest.mark.parametrize("intro", [MUSIC, UNSURE])
async def test_where_no_video_has_words_to_rely_on_the_one_that_talks_is_named(intro):
    known = knowing(intro=intro, talk=UNSURE)
    with pytest.raises(Unsupported, match=r"confidence 0\.31") as refusal:
        await captioned(known, [])
    assert ("talk.mp4" if intro is MUSIC else "intro.mp4") in refusal.value.message


async def test_where_nothing_at_all_is_heard_that_is_the_reason():
    reason = "Captions cannot be made: no words were heard in intro.mp4 by pocketsphinx"
    with pytest.raises(Unsupported, match=reason) as refusal:
        await captioned(knowing(intro=MUSIC, talk=MUSIC), [])
    assert "SRT" in refusal.value.remedy


async def test_where_no_other_video_has_words_a_damaged_sound_is_told():
    known = knowing(intro=MediaError("Its sound is damaged."), talk=UNSURE)
    with pytest.raises(MediaError, match="Its sound is damaged"):
        await captioned(known, [])


async def test_words_outside_of_the_clips_count_for_nothing():
    """What is shown of the intro lies before its words."""
    late = tuple(w.model_copy(update={"start": w.start + 9, "end": w.end + 9}) for w in TALK)
    brought = Words(origin="user", language="en", words=late)
    with pytest.raises(Unsupported, match=r"talk\.mp4 by pocketsphinx is not reliable"):
        await captioned(knowing(intro=brought, talk=UNSURE), [])
    told: list[str] = []
    await captioned(knowing(intro=UNSURE.model_copy(update={"words": late})), told)
    assert told == []


async def test_clips_are_ranked_by_the_words_that_are_certain():
    told: list[str] = []
    params = ClipsParams(prompt="morning", num_clips=1, target_duration=2)
    known = knowing(intro=UNSURE)
    [clip] = await clips.apply([BOTH], params, context(known, warnings=told))
    assert {part.source for part in clip.clips} == {"talk"}
    assert [text for text in told if "intro.mp4" in text]


@pytest.mark.parametrize(
    ("fitting", "language", "origin", "told"),
    [
        (
            1,
            "en",
            "user",
            ["only 20% of the subtitles' words fit the sound of talk.mp4; are they of this video?"],
        ),
        (3, "en", "user", []),
        (0, "de", "user", []),  # nothing is looked for in the sound
        (0, "en", "small.en", []),  # its words are what was heard
    ],
)
async def test_subtitles_that_hardly_fit_the_sound_are_told(fitting, language, origin, told):
    said = [
        word.model_copy(update={"confidence": 1.0 if number < fitting else 0.5})
        for number, word in enumerate(TALK)
    ]
    words = Words(origin=origin, language=language, words=tuple(said))
    warnings: list[str] = []
    shown = await captioned(knowing(intro=MUSIC, talk=words), warnings)
    assert len(shown) == len(TALK)
    assert warnings == told


async def test_while_a_voice_speaks_it_alone_counts():
    """The voice begins after the first sentence of the talk and lasts for two seconds."""
    script = speak("Look at it.")
    voice = source("voice", Fraction(2), transcript="brought")
    at = TALK[2].end
    beside = timeline(source("talk", Fraction(20)))
    beside = beside.model_copy(
        update={
            "sources": {**beside.sources, "voice": voice},
            "tracks": (Track(source="voice", kind="voice", at=at),),
        }
    )
    known = Known({"talk": [*TALK[:3], *speak("(9) Goodbye.")], "voice": script})
    heard = await listen_to_all(beside, context(known))
    said = [word.text for word in heard.words]
    assert said == ["Good", "morning", "everyone.", "Look", "at", "it.", "Goodbye."]
    assert [w.start for w in heard.words[3:6]] == [at + word.start for word in script]
    hidden = beside.model_copy(update={"tracks": (Track(source="voice", kind="voice"),)})
    heard = await listen_to_all(hidden, context(known))
    assert [word.text for word in heard.words] == ["Look", "at", "it.", "Goodbye."]
    silent = timeline(source("film", Fraction(9), audio_channels=0))
    alone = silent.model_copy(update={"sources": {**silent.sources, "voice": voice}})
    alone = alone.model_copy(update={"tracks": (Track(source="voice", kind="voice"),)})
    heard = await listen_to_all(alone, context(known))
    assert [word.text for word in heard.words] == ["Look", "at", "it."]
    assert (heard.language, heard.doubt) == ("en", "")
