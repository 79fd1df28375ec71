"""What the studio sees and hears, against media whose truth is known."""

import asyncio
import os
import subprocess
from contextlib import nullcontext
from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest

from mosaic_mcp.contract.extensions import BringTranscript
from mosaic_mcp.errors import MediaError, Unsupported
from mosaic_mcp.studio.library import Library
from mosaic_mcp.studio.models.store import Recogniser
from mosaic_mcp.studio.perception import calling
from mosaic_mcp.studio.perception.local import LocalPerception
from mosaic_mcp.studio.perception.probe import probe
from mosaic_mcp.studio.timeline.model import Source
from tests.support.talking import Truth, talking_head

SCRIPT = (
    "Welcome to the show. (0.8) um (0.6) Choose a quiet room with soft furniture. (1.0) "
    "Keep the microphone close to your mouth."
)


def make(path: Path, *options: str, seconds: float = 2, size: str = "320x180") -> Path:
    """A test picture with a tone, with FFmpeg's output options."""
    command = [
        *(imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y"),
        *("-f", "lavfi", "-i", f"testsrc2=size={size}:rate=30:duration={seconds}"),
        *("-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac"),
        *options,
        str(path),
    ]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path


def _turned(plain: Path, degrees: str) -> Path:
    """The same pictures with a matrix that tells players to turn them."""
    turned = plain.with_name("turned.mp4")
    command = [
        *(imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-display_rotation", degrees),
        *("-i", str(plain), "-c", "copy", str(turned)),
    ]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return turned


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth]:
    path = tmp_path_factory.mktemp("talk") / "talk.mp4"
    return path, talking_head(path, SCRIPT, cut_at=3.0)


def perceive(
    home: Path, path: Path, transcript: str | None = None, language: str = "", **more
) -> LocalPerception:
    async def brought(_transcript_id: str) -> BringTranscript | None:
        return BringTranscript(text=transcript, language=language) if transcript else None

    return LocalPerception(Library(home), lambda _sha: nullcontext(path), brought, **more)


async def test_the_facts_of_an_ordinary_video(tmp_path: Path):
    source = await probe(make(tmp_path / "a.mp4"), name="holiday.mp4")
    assert (source.width, source.height, source.frame_rate) == (320, 180, 30)
    assert (source.kind, source.audio_channels, source.audio_rate) == ("video", 1, 44100)
    assert abs(source.duration - 2) < Fraction(1, 20)
    assert source.name == "holiday.mp4"


async def test_the_name_of_a_file_does_not_change_its_hash(tmp_path: Path):
    first = make(tmp_path / "a.mp4")
    second = tmp_path / "b.mp4"
    second.write_bytes(first.read_bytes())
    assert (await probe(first, name="a")).sha256 == (await probe(second, name="b")).sha256


@pytest.mark.parametrize(("turn", "shown"), [("90", (180, 320)), ("180", (320, 180))])
async def test_a_turned_video_is_as_large_as_it_is_shown(
    tmp_path: Path, turn: str, shown: tuple[int, int]
):
    source = await probe(_turned(make(tmp_path / "plain.mp4"), turn), name="turned")
    assert (source.width, source.height) == shown
    assert source.rotation == (360 - int(turn)) % 360


async def test_pixels_that_are_not_square_count_as_they_are_shown(tmp_path: Path):
    source = await probe(make(tmp_path / "a.mp4", "-vf", "setsar=4/3"), name="a")
    assert (source.width, source.height) == (427, 180)


async def test_a_variable_rate_is_noticed_and_a_constant_one_is_not(tmp_path: Path):
    # Frames of the first second at 30, of the second at 10 a second.
    drop = "select='lt(t,1)+not(mod(n,3))',settb=1/90000"
    varied = make(tmp_path / "v.mp4", "-vf", drop, "-fps_mode", "vfr", seconds=3)
    source = await probe(varied, name="v")
    assert source.variable_frame_rate
    assert source.frame_rate == 30, "that of the part that moves"
    ntsc = await probe(make(tmp_path / "n.mp4", "-r", "30000/1001"), name="n")
    assert not ntsc.variable_frame_rate
    assert ntsc.frame_rate == Fraction(30000, 1001)


async def test_sound_may_be_missing_or_the_picture(tmp_path: Path):
    silent = await probe(make(tmp_path / "s.mp4", "-an"), name="s")
    assert silent.audio_channels == 0
    voice = await probe(make(tmp_path / "v.m4a", "-vn"), name="v")
    assert (voice.kind, voice.width) == ("audio", 0)
    assert abs(voice.duration - 2) < Fraction(1, 10)


async def test_a_picture_is_an_image(tmp_path: Path):
    image = make(tmp_path / "logo.png", "-an", "-frames:v", "1", "-update", "1", "-c:v", "png")
    source = await probe(image, name="logo.png")
    assert (source.kind, source.duration) == ("image", 0)


REFUSED = {
    "empty": (b"", "is empty"),
    "text": (b"Dear diary, today I learned about video.\n" * 50, "not a media file"),
    "hls": (b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n/etc/passwd\n", "playlist"),
    "dash": (b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"/>', "playlist"),
    "concat": (b"ffconcat version 1.0\nfile /etc/passwd\n", "playlist"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_no_video_is_refused_with_the_reason(tmp_path: Path, name: str):
    content, reason = REFUSED[name]
    path = tmp_path / "x.mp4"
    path.write_bytes(content)
    with pytest.raises(MediaError, match=reason) as refusal:
        await probe(path, name="holiday.mp4")
    assert "holiday.mp4" in refusal.value.message
    assert refusal.value.remedy
    assert str(tmp_path) not in str(refusal.value)


async def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path):
    with pytest.raises(MediaError, match="does not exist"):
        await probe(tmp_path / "gone.mp4", name="gone.mp4")
    with pytest.raises(MediaError, match="is not a file"):
        await probe(tmp_path, name="folder")


@pytest.mark.parametrize("keep", [0.4, 0.8])
@pytest.mark.parametrize("index", ["index first", "index last"])
async def test_a_file_that_is_cut_off_is_refused(tmp_path: Path, keep: float, index: str):
    options = ["-movflags", "+faststart"] if index == "index first" else []
    whole = make(tmp_path / "whole.mp4", *options, seconds=6).read_bytes()
    path = tmp_path / "cut.mp4"
    path.write_bytes(whole[: int(len(whole) * keep)])
    with pytest.raises(MediaError, match="cut off"):
        await probe(path, name="cut.mp4")


async def test_speech_lies_where_words_are_and_not_in_the_pauses(
    tmp_path: Path, talk: tuple[Path, Truth]
):
    path, truth = talk
    source = await probe(path, name="talk")
    speech = await perceive(tmp_path, path).speech(source)

    def inside(time: Fraction) -> bool:
        return any(span.start <= time < span.end for span in speech)

    words = [(w.start + w.end) / 2 for w in truth.words]
    assert sum(map(inside, words)) >= 0.95 * len(words)
    gaps = [
        (a.end + b.start) / 2
        for a, b in zip(truth.words, truth.words[1:], strict=False)
        if b.start - a.end > Fraction(1, 2)
    ]
    assert gaps
    assert not any(map(inside, gaps))


async def test_silence_is_no_speech(tmp_path: Path):
    path = make(tmp_path / "quiet.mp4", "-af", "volume=0")
    source = await probe(path, name="quiet")
    assert await perceive(tmp_path, path).speech(source) == ()


async def test_the_users_words_are_timed_by_the_sound(tmp_path: Path, talk: tuple[Path, Truth]):
    path, truth = talk
    source = (await probe(path, name="talk")).model_copy(update={"transcript": "t"})
    words = await perceive(tmp_path, path, truth.srt()).words(source)
    assert (words.origin, words.reliable) == ("user", True)
    assert [w.text for w in words.words] == [w.text for w in truth.words]
    off = [abs(float(a.start - b.start)) for a, b in zip(words.words, truth.words, strict=True)]
    assert np.median(off) < 0.08
    assert [w.text for w in words.words if w.filler] == ["um"]
    assert words.confidence == pytest.approx(np.mean([w.confidence for w in words.words]))
    assert words.fits
    assert "another video" not in words.note


OTHER = """1
00:00:00,200 --> 00:00:02,000
Ladies and gentlemen, the chemical composition of the atmosphere

2
00:00:02,000 --> 00:00:06,500
changed considerably during the nineteenth century
"""


async def test_subtitles_of_another_video_are_less_certain_and_that_is_told(
    tmp_path: Path, talk: tuple[Path, Truth]
):
    source = (await probe(talk[0], name="talk")).model_copy(update={"transcript": "t"})
    words = await perceive(tmp_path, talk[0], OTHER).words(source)
    assert (words.origin, words.reliable, words.fits) == ("user", True, False)
    assert words.confidence < 0.75
    assert "may be of another video" in words.note


async def test_words_of_another_language_are_not_timed_by_english_sounds(
    tmp_path: Path, talk: tuple[Path, Truth]
):
    path, truth = talk
    source = (await probe(path, name="talk")).model_copy(update={"transcript": "t"})
    # The words that English fits, said to be German: "um" is a word there.
    words = await perceive(tmp_path, path, truth.srt(), "de").words(source)
    assert (words.language, words.origin, words.reliable) == ("de", "user", True)
    assert "because only English is timed by the sound" in words.note
    assert {w.confidence for w in words.words} == {words.confidence} == {0.5}
    assert not any(w.filler for w in words.words)
    # Shared out by length, in the time of their subtitle.
    shares = {w.text: w.end - w.start for w in words.words}
    assert shares["a"] < shares["room"] < shares["furniture."]


async def test_where_nothing_can_hear_words_are_just_not_known(tmp_path: Path):
    """What is made without them is made."""

    def recogniser() -> Recogniser:
        raise Unsupported("MOSAIC_STUDIO_MODEL asks for tiny, which is not ready here.")

    async def brought(_transcript_id: str) -> BringTranscript | None:
        return None

    files = lambda _sha: nullcontext(tmp_path)  # noqa: E731
    perception = LocalPerception(Library(tmp_path), files, brought, recogniser)
    source = Source(sha256="a", name="talk.mp4", audio_channels=1)
    assert await perception.known_words(source) is None
    with pytest.raises(Unsupported):
        await perception.words(source)


async def test_without_the_users_words_the_recogniser_says_how_sure_it_is(
    tmp_path: Path, talk: tuple[Path, Truth]
):
    path, _ = talk
    perception, source = perceive(tmp_path, path), await probe(path, name="talk")
    assert await perception.known_words(source) is None
    words = await perception.words(source)
    assert await perception.known_words(source) == words
    assert words.origin == "pocketsphinx"
    assert 0 < words.confidence < 1
    # A synthetic voice is beyond it, and it must not claim otherwise.
    assert not words.reliable
    assert "SRT" in words.note


async def test_cuts_are_found_to_the_frame_and_faces_where_they_are(
    tmp_path: Path, talk: tuple[Path, Truth]
):
    path, truth = talk
    source = await probe(path, name="talk")
    perception = perceive(tmp_path, path)
    assert await perception.shots(source) == tuple(truth.shots)
    faces = await perception.faces(source)
    assert len(faces) >= 2 * float(truth.duration) * 0.8
    for face in faces:
        real = truth.faces[min(round(face.time * 25), len(truth.faces) - 1)]
        assert abs(face.x - real.x) < real.width / 2
        assert abs(face.y - real.y) < real.height / 2


def cutaway(path: Path, *options: str) -> Path:
    """One picture, another from 1.2 s to 2 s, and the first again."""
    parts = [
        f"{kind}=size=160x90:rate=25:duration={seconds}"
        for kind, seconds in (("smptebars", 1.2), ("testsrc2", 0.8), ("smptebars", 1.2))
    ]
    inputs = [option for part in parts for option in ("-f", "lavfi", "-i", part)]
    command = [
        *(imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *inputs),
        *("-filter_complex", "concat=n=3", *options, str(path)),
    ]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path


@pytest.mark.parametrize(
    "options",
    [
        ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "250", "-sc_threshold", "0"),
        ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "10"),
        ("-c:v", "ffv1", "-pix_fmt", "yuv420p10le"),
    ],
    ids=["one key frame", "a key frame every 0.4 s", "only key frames, 10 bits"],
)
async def test_a_cutaway_is_found_wherever_the_key_frames_are(
    tmp_path: Path, options: tuple[str, ...]
):
    path = cutaway(tmp_path / "a.mkv", *options)
    shots = await perceive(tmp_path, path).shots(await probe(path, name="a"))
    # Matroska keeps milliseconds.
    assert [float(shot) for shot in shots] == pytest.approx([0, 1.2, 2], abs=0.002)


async def test_a_picture_without_a_face_has_none(tmp_path: Path):
    path = make(tmp_path / "a.mp4")
    assert await perceive(tmp_path, path).faces(await probe(path, name="a")) == ()


async def test_what_was_perceived_is_kept_and_asked_once(
    tmp_path: Path, talk: tuple[Path, Truth], monkeypatch: pytest.MonkeyPatch
):
    path, _ = talk
    source = await probe(path, name="talk")
    asked: list[str] = []
    real = calling.call

    async def counted(verb: str, **argument: object):
        asked.append(verb)
        return await real(verb, **argument)

    monkeypatch.setattr(calling, "call", counted)
    perception = perceive(tmp_path, path)
    both = await asyncio.gather(perception.speech(source), perception.speech(source))
    assert both[0] == both[1] == await perceive(tmp_path, path).speech(source)
    assert asked == ["speech"]


async def test_cancelling_ends_the_helper(tmp_path: Path, talk: tuple[Path, Truth]):
    path, _ = talk
    looking = asyncio.create_task(calling.call("recognise", path=str(path)))
    while not _helpers():
        assert not looking.done(), "it ended before it was seen"
        await asyncio.sleep(0)
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking
    assert _helpers() == []


def _helpers() -> list[str]:
    """Helpers that this process has started: what they read is not on their command line."""
    command = ["ps", "-ww", "-eo", "ppid,args"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True)
    return [
        line
        for line in listed.stdout.splitlines()
        if "perception.helper" in line and line.split()[0] == str(os.getpid())
    ]
