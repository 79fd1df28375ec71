"""Silence Removal: pauses go, words and breathing room stay."""

from fractions import Fraction
from itertools import pairwise

import pytest

from mosaic_mcp.contract.tiles.params import SilenceRemovalParams
from mosaic_mcp.errors import MediaError, Unsupported
from mosaic_mcp.studio.perception.model import Words
from mosaic_mcp.studio.tiles import silence_removal
from mosaic_mcp.studio.timeline.edit import trim
from tests.support.tiles import Known, context, ranges, source, speak, talk, timeline, torn, whole

SCRIPT = (
    "(1.3) Good morning everyone. (1.9) um (0.3) Today we talk about telescopes. (0.25) "
    "They have uh mirrors. (2.4) Thank you. (1.5)"
)
PLAIN = SilenceRemovalParams(remove_filler_words=False)
FILLERS = SilenceRemovalParams(remove_filler_words=True)


async def test_no_pause_is_longer_than_the_breathing_room_and_no_word_is_touched():
    uncut, known = talk(SCRIPT)
    [cut] = await silence_removal.apply([uncut], PLAIN, context(known))
    words = known.truth["talk"]
    assert torn(cut, words) == []
    assert whole(cut, words) == [w.text for w in words]
    islands = [
        (words[first].start, words[last].end)
        for first, last in ((0, 2), (3, 12), (13, 14))  # "um" is too near to its sentence
    ]
    shown = ranges(cut)
    assert len(shown) == len(islands)
    for (start, end), (first, last) in zip(shown, islands, strict=True):
        assert Fraction(3, 100) <= first - start <= Fraction(2, 10)
        assert Fraction(3, 100) <= end - last <= Fraction(2, 10)


async def test_a_short_pause_is_left_as_it_was_spoken():
    uncut, known = talk(SCRIPT)
    [cut] = await silence_removal.apply([uncut], PLAIN, context(known))
    words = {w.text: w for w in known.truth["talk"]}
    before, after = words["telescopes."], words["They"]
    assert any(a <= before.start and after.end <= b for a, b in ranges(cut))


async def test_edges_lie_on_frames():
    uncut, known = talk(SCRIPT)
    [cut] = await silence_removal.apply([uncut], PLAIN, context(known))
    inner = [t for c in cut.clips for t in (c.start, c.end)][1:-1]
    assert all((t * 30).denominator == 1 for t in inner)


async def test_fillers_are_gone_and_their_neighbours_are_whole():
    uncut, known = talk(SCRIPT)
    [cut] = await silence_removal.apply([uncut], FILLERS, context(known))
    words = known.truth["talk"]
    fillers = [w for w in words if w.filler]
    assert len(fillers) == 2
    for a, b in ranges(cut):
        for filler in fillers:
            overlap = min(b, filler.end) - max(a, filler.start)
            # A frame has to begin somewhere when neighbours are closer than one.
            assert overlap <= Fraction(1, 60)
    spoken = [w for w in words if not w.filler]
    assert torn(cut, spoken) == []
    assert whole(cut, spoken) == [w.text for w in spoken]


async def test_the_rest_of_a_drawn_out_filler_goes_with_it():
    uncut, known = talk("So we begin. (0.8) uh (0.8) With the first one.")
    [filler] = [w for w in known.truth["talk"] if w.filler]
    heard_longer = filler.model_copy(update={"end": filler.end - Fraction(1, 10)})
    speech = await known.speech(uncut.sources["talk"])
    known.truth["talk"] = [heard_longer if w.filler else w for w in known.truth["talk"]]

    async def real_speech(source):
        return speech

    known.speech = real_speech
    [cut] = await silence_removal.apply([uncut], FILLERS, context(known))
    assert all(b <= filler.start or a >= filler.end for a, b in ranges(cut))


async def test_fillers_are_refused_without_a_reliable_transcript():
    uncut, known = talk(SCRIPT)
    known.reliable = False
    with pytest.raises(Unsupported, match=r"Filler words cannot be removed.*talk\.mp4") as refusal:
        await silence_removal.apply([uncut], FILLERS, context(known))
    assert "SRT" in refusal.value.remedy


async def test_pauses_go_without_a_reliable_transcript():
    uncut, known = talk(SCRIPT)
    known.reliable = False
    [cut] = await silence_removal.apply([uncut], PLAIN, context(known))
    assert cut.duration < uncut.duration - 4


async def test_a_word_too_quiet_for_speech_detection_is_kept_when_the_user_brought_the_words():
    script = "We look up. (1.5) quietly (1.5) And down again."
    words = speak(script)
    quiet = next(w for w in words if w.text == "quietly")
    talk_source = source(duration=Fraction(9), transcript="t1")
    known = Known({"talk": words})
    speech = [i for i in await known.speech(talk_source) if i.start != quiet.start]

    async def deaf(source):
        return tuple(speech)

    known.speech = deaf
    [cut] = await silence_removal.apply([timeline(talk_source)], PLAIN, context(known))
    assert "quietly" in whole(cut, words)


async def test_a_pause_across_an_earlier_cut_is_one_pause():
    uncut, known = talk("One here. (2.0) Two here.")
    one, two = (i for i in await known.speech(uncut.sources["talk"]))
    left = trim(uncut, Fraction(0), one.end + Fraction(1, 3)).clips
    right = trim(uncut, two.start - Fraction(1, 3), uncut.duration).clips
    halves = uncut.model_copy(update={"clips": (*left, *right)})
    [cut] = await silence_removal.apply([halves], PLAIN, context(known))
    pauses = [(a.end - one.end) + (two.start - b.start) for a, b in pairwise(cut.clips)]
    assert max(pauses) < Fraction(3, 10)


async def test_speech_that_an_earlier_cut_divided_is_kept_on_both_sides():
    uncut, known = talk("We look at the stars with a very large telescope indeed. (2.0)")
    words = known.truth["talk"]
    gap = (words[2].end + words[3].start) / 2
    divided = trim(uncut, Fraction(0), gap).clips + trim(uncut, gap, uncut.duration).clips
    halves = uncut.model_copy(update={"clips": divided})
    [cut] = await silence_removal.apply([halves], PLAIN, context(known))
    assert whole(cut, words) == [w.text for w in words]


async def test_a_silent_insert_is_not_a_pause():
    spoken, known = talk("Look at this picture. (1.0)")
    insert = source("broll", Fraction(4), audio_channels=0)
    mixed = timeline(spoken.sources["talk"], insert)
    [cut] = await silence_removal.apply([mixed], PLAIN, context(known))
    assert ranges(cut, "broll") == [(0, 4)]


async def test_a_video_without_sound_is_refused_with_what_to_do():
    mute = timeline(source(audio_channels=0))
    with pytest.raises(MediaError, match=r"talk has no sound") as refusal:
        await silence_removal.apply([mute], PLAIN, context(Known({})))
    assert "Leave Silence Removal out" in refusal.value.remedy


async def test_a_video_in_which_nobody_speaks_is_refused():
    with pytest.raises(MediaError, match="Nobody speaks"):
        await silence_removal.apply([timeline(source())], PLAIN, context(Known({"talk": []})))


async def test_a_silent_card_before_a_video_in_which_nobody_speaks_is_not_taken_for_talk():
    card = source("card", Fraction(2), audio_channels=0)
    with pytest.raises(MediaError, match="Nobody speaks"):
        await silence_removal.apply([timeline(card, source())], PLAIN, context(Known({"talk": []})))


async def test_a_filler_whose_time_is_a_guess_stays_and_that_is_told():
    uncut, known = talk(SCRIPT)
    known.truth["talk"] = [
        w.model_copy(update={"confidence": 0.5}) if w.text == "uh" else w
        for w in known.truth["talk"]
    ]
    told: list[str] = []
    [cut] = await silence_removal.apply([uncut], FILLERS, context(known, warnings=told))
    said = whole(cut, known.truth["talk"])
    assert "uh" in said
    assert "um" not in said
    assert told == ["hesitations of talk.mp4 stay (uh): they could not be found in the sound"]


ONLY_ENGLISH = "only English ones are timed by the sound, and this is"


@pytest.mark.parametrize(
    ("script", "language", "told"),
    [
        (
            "Wir äh beginnen. (1.0) Äh ja.",
            "de",
            f"hesitations of talk.mp4 stay (äh, Äh): {ONLY_ENGLISH} the language de",
        ),
        (
            "Wir beginnen.",
            "und",
            f"hesitations of talk.mp4 stay: {ONLY_ENGLISH} an unknown language",
        ),
        (
            "We begin.",
            "en-GB",
            "no hesitations of talk.mp4 are removed: none are written in its subtitles",
        ),
    ],
)
async def test_why_no_filler_is_removed_is_told(script, language, told):
    uncut, known = talk(script)
    known.language = language
    known.truth["talk"] = [
        w.model_copy(update={"confidence": 0.5, "filler": w.text.lower() == "äh"})
        if language != "en-GB"
        else w
        for w in known.truth["talk"]
    ]
    warnings: list[str] = []
    await silence_removal.apply([uncut], FILLERS, context(known, warnings=warnings))
    assert warnings == [told]
    warnings.clear()
    await silence_removal.apply([uncut], PLAIN, context(known, warnings=warnings))
    assert warnings == []


async def test_where_fillers_are_removed_or_were_listened_for_nothing_is_told():
    uncut, known = talk(SCRIPT)
    told: list[str] = []
    await silence_removal.apply([uncut], FILLERS, context(known, warnings=told))
    plain = known.truth["talk"] = [w for w in known.truth["talk"] if not w.filler]
    known.transcripts = {"talk": Words(origin="small.en", language="en", words=tuple(plain))}
    await silence_removal.apply([uncut], FILLERS, context(known, warnings=told))
    assert told == []
