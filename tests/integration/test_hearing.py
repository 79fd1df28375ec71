"""Hesitations, voices and subtitles in real sound whose truth is known."""

import wave
from itertools import chain
from pathlib import Path

import anyio.lowlevel
import numpy as np
import pytest

from mosaic_mcp.studio.models.store import Recogniser
from mosaic_mcp.studio.perception import calling
from mosaic_mcp.studio.perception.aligning import times_of
from mosaic_mcp.studio.perception.hearing import Word
from mosaic_mcp.studio.perception.recognising import recognise, stretches, timed
from mosaic_mcp.studio.perception.speakers import turns_of
from mosaic_mcp.studio.perception.sphinx import Sphinx, SphinxEar
from tests.integration.test_perception import perceive
from tests.support.coded import ffmpeg
from tests.support.voice import Voice, espeak
from tests.unit.test_studio_reading import source

MAN, WOMAN = Voice("en-us+m3"), Voice("en-us+f2", pitch=60)
LINES = (
    "Welcome to the show, it is good to have you here.",
    "Thank you, I am happy to be here with all of you.",
    "What made you leave your job after so many years?",
    "I wrote a letter one morning, and then I left and did not look back.",
)


def spoken(folder: Path, *lines: tuple[str, Voice]) -> tuple[np.ndarray, list[Word]]:
    """Lines with pauses in between at 16 kHz, and their words."""
    rate, parts, words, length = espeak().rate, [], [], 0
    pause = np.zeros(round(0.4 * rate), np.int16)
    for text, voice in lines:
        said, times = espeak().say(text, voice)
        words += [Word(t, float(a) + length / rate, float(b) + length / rate, 1.0)
                  for t, a, b in times]  # fmt: skip
        parts += [said, pause]
        length += len(said) + len(pause)
    noisy = np.concatenate(parts) * 0.6 + np.random.default_rng(1).normal(0, 30, length)
    write(folder / "said.wav", np.clip(noisy, -32768, 32767).astype(np.int16), rate)
    ffmpeg("-i", folder / "said.wav", "-ar", 16000, folder / "said16.wav")
    with wave.open(str(folder / "said16.wav")) as file:
        return np.frombuffer(file.readframes(file.getnframes()), np.int16), words


def write(path: Path, sound: np.ndarray, rate: int) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes(sound.tobytes())
    return path


def test_two_voices_are_told_apart_and_one_is_not(tmp_path):
    sound, _ = spoken(tmp_path, *zip(LINES, (MAN, WOMAN, MAN, WOMAN), strict=True))
    found = turns_of(sound)
    assert [speaker for *_, speaker in found["turns"]] == [0, 1, 0, 1]
    assert found["confidence"] > 0.5
    sound, _ = spoken(tmp_path, *((line, MAN) for line in LINES))
    assert turns_of(sound) == {"turns": [], "confidence": 1.0}


@pytest.mark.parametrize("seconds", [0, 1])
def test_where_nobody_speaks_nobody_is_told_apart(seconds):
    assert turns_of(np.zeros(seconds * 16000, np.int16))["turns"] == []


@pytest.fixture(scope="module")
def hesitating(tmp_path_factory):
    slow = Voice(rate=100, pitch=40, range=20)
    return spoken(
        tmp_path_factory.mktemp("um"),
        ("Choose a quiet room.", Voice()),
        ("um,", slow),
        ("keep the microphone close.", Voice()),
    )


@pytest.fixture(scope="module")
def aligner() -> Sphinx:
    return Sphinx(aligning=True)


def test_hesitations_that_a_text_leaves_out_are_found_where_they_are(hesitating, aligner):
    sound, words = hesitating
    said = [w for w in words if not w.text.startswith("um")]
    um = next(w for w in words if w.text.startswith("um"))
    # A recogniser's own times are rough.
    rough = [Word(w.text, w.start + 0.3, w.end + 0.3, 0.9) for w in said]
    found = timed(aligner, sound, rough)
    [hesitation] = [w for w in found if w.text in ("um", "uh", "er")]
    assert hesitation.start < um.end
    assert um.start < hesitation.end
    placed = [w for w in found if w is not hesitation]
    assert [w.text for w in placed] == [w.text for w in said]
    assert np.median([abs(a.start - b.start) for a, b in zip(placed, said, strict=True)]) < 0.08
    assert {w.confidence for w in placed} == {0.9}


def test_a_hesitation_that_was_heard_comes_once(hesitating, aligner):
    sound, words = hesitating
    found = timed(aligner, sound, words)
    assert [w.text for w in found] == [w.text for w in words]


def test_words_far_from_where_they_were_heard_keep_their_own_times(hesitating, aligner):
    sound, words = hesitating
    elsewhere = [Word(w.text, w.start + 5, w.end + 5, 0.9) for w in words]
    assert timed(aligner, sound, elsewhere) == elsewhere


def test_without_hesitations_wanted_none_are_found(hesitating, aligner):
    sound, words = hesitating
    found = times_of(aligner, [w.text for w in words], sound)
    assert found is not None
    assert found[1] == []


def test_speech_is_heard_in_stretches_that_the_recogniser_takes():
    ear = SphinxEar()
    assert stretches([(1.0, 2.0), (2.2, 3.0), (9.0, 10.0)], 20.0, ear) == [
        (0.88, 3.12),
        (8.88, 10.12),
    ]
    assert all(b - a <= ear.longest_s for a, b in stretches([(0.0, 65.0)], 65.0, ear))
    assert stretches([(0.0, 65.0)], 65.0, ear)[-1][1] == 65.0


async def test_subtitles_that_follow_each_other_are_timed_together(tmp_path):
    _, words = spoken(tmp_path, (LINES[0], Voice()), (LINES[3], Voice()))
    # The cues break in the middle of a breath, as subtitles do.
    cues = [words[:4], words[4:9], words[9:16], words[16:]]
    stamp = "00:00:{:06.3f}".format
    text = "\n\n".join(
        f"{n}\n{stamp(c[0].start)} --> {stamp(c[-1].end)}\n{' '.join(w.text for w in c)}".replace(
            ".", ",", 2
        )
        for n, c in enumerate(cues, 1)
    )
    found = await calling.call(
        "align", path=str(tmp_path / "said.wav"), text=text, format="srt", language=""
    )
    assert found["aligned"] == 1.0


def test_shares_of_a_sound_are_together_what_one_hears_alone(tmp_path):
    pause = np.zeros(16_000, np.int16)
    said = [spoken(tmp_path, line)[0] for line in ((LINES[0], MAN), (LINES[1], WOMAN))]
    path = str(write(tmp_path / "both.wav", np.concatenate([said[0], pause, said[1]]), 16_000))
    alone = recognise({"path": path})["words"]
    shares = [recognise({"path": path, "share": (number, 2)})["words"] for number in range(2)]
    assert all(shares)
    assert sorted(chain(*shares), key=lambda word: word["start"]) == alone


@pytest.mark.parametrize(
    ("by", "shares"),
    [
        (Recogniser("pocketsphinx", "pocketsphinx", english_only=True), 3),
        # It uses all cores by itself.
        (Recogniser("small", "faster-whisper", english_only=False, weights=Path("small")), 1),
    ],
)
async def test_a_recogniser_of_one_core_listens_to_a_long_talk_on_each(
    tmp_path, monkeypatch, by, shares
):
    async def heard(name, verb, *, path, **argument):
        number, count = argument["share"]
        await anyio.lowlevel.checkpoint()
        word = {"text": f"word{number}", "start": 9.0 - number, "end": 10.0 - number}
        return {
            "words": [{**word, "confidence": number / count, "filler": False}],
            "language": "en",
        }

    monkeypatch.setattr("mosaic_mcp.studio.perception.local.call_about", heard)
    talk = source(seconds=600).model_copy(update={"audio_channels": 1})
    found = await perceive(tmp_path, tmp_path / "talk.mp4", recogniser=lambda: by, at_once=3).words(
        talk
    )
    assert [word.text for word in found.words] == [f"word{n}" for n in reversed(range(shares))]
    assert found.confidence == pytest.approx(sum(range(shares)) / shares / shares)


async def test_each_recogniser_s_words_are_kept_apart(tmp_path, monkeypatch):
    asked = []

    async def heard(name, verb, *, path, **argument):
        asked.append((verb, argument["engine"], argument["weights"], argument["share"]))
        word = {"text": "Hello", "start": 0.0, "end": 0.4, "confidence": 0.8, "filler": False}
        return {"words": [word], "language": "de"}

    monkeypatch.setattr("mosaic_mcp.studio.perception.local.call_about", heard)
    talk = source(seconds=10).model_copy(update={"audio_channels": 1})
    by = [
        Recogniser("pocketsphinx", "pocketsphinx", english_only=True),
        Recogniser("small", "faster-whisper", english_only=False, weights=Path("small")),
    ]
    perception = perceive(tmp_path, tmp_path / "talk.mp4")
    found = []
    for recogniser in [*by, *by]:
        perception._recogniser = lambda r=recogniser: r
        found.append(await perception.words(talk))
    assert asked == [
        ("recognise", "pocketsphinx", None, (0, 1)),
        ("recognise", "faster-whisper", "small", (0, 1)),
    ]
    # The same confidence is enough of one and too little of the other.
    assert [(w.origin, w.reliable) for w in found[:2]] == [("pocketsphinx", False), ("small", True)]
    assert found[1].language == "de"
    assert "mosaic-mcp models" in found[0].note
    assert found[2:] == found[:2]
