"""The tiles on a real talking head, with the real perception: what is kept, cut and framed."""

import dataclasses
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import anyio
import imageio_ffmpeg
import pytest

from mosaic_mcp.contract.extensions import BringTranscript
from mosaic_mcp.contract.tiles.params import (
    CaptionsParams,
    ClipsParams,
    ReframeParams,
    RoughCutParams,
    SilenceRemovalParams,
)
from mosaic_mcp.errors import Unsupported
from mosaic_mcp.studio.library import Library
from mosaic_mcp.studio.perception.local import LocalPerception
from mosaic_mcp.studio.perception.probe import probe
from mosaic_mcp.studio.render.framing import centre
from mosaic_mcp.studio.tiles import captions, clips, reframe, rough_cut, silence_removal
from mosaic_mcp.studio.tiles.joining import joined
from mosaic_mcp.studio.tiles.tile import TileContext
from mosaic_mcp.studio.timeline.edit import from_source, snap
from mosaic_mcp.studio.timeline.model import Timeline
from tests.support.talking import HEIGHT, WIDTH, Truth, talking_head
from tests.support.tiles import context, ranges, torn, whole

SCRIPT = (
    "(0.8) Welcome to our little garden show. (1.2) um (0.5) Today we look at a big telescope. "
    "(0.3) The mirror gathers light from the stars. (1.6) Now the budget is four million dollars. "
    "(0.9) Thank you for listening today. (0.8)"
)
FRAME = Fraction(1, 25)


@dataclass(frozen=True)
class Talk:
    truth: Truth
    uncut: Timeline
    bare: Timeline
    """The same without the user's subtitles."""
    context: TileContext
    video: Path
    subtitles: Callable[[str], Awaitable[BringTranscript]]

    @property
    def sha(self) -> str:
        return self.uncut.clips[0].source

    def spoken(self) -> list:
        return [w for w in self.truth.words if not w.filler]


@pytest.fixture(scope="module")
def the_talk(tmp_path_factory) -> Talk:
    folder: Path = tmp_path_factory.mktemp("talk")
    video = folder / "talk.mp4"
    truth = talking_head(video, SCRIPT, cut_at=6)

    async def subtitles(transcript: str) -> BringTranscript:
        return BringTranscript(format="srt", text=truth.srt())

    async def facts():
        return await probe(video, name="talk.mp4")

    source = anyio.run(facts)
    perception = LocalPerception(Library(folder / "home"), lambda _: nullcontext(video), subtitles)
    bare = from_source(source, tile="input", name="talk")
    with_words = source.model_copy(update={"transcript": "srt-1"})
    return Talk(
        truth=truth,
        uncut=bare.model_copy(update={"sources": {source.sha256: with_words}}),
        bare=bare,
        context=dataclasses.replace(context(None), perception=perception),
        video=video,
        subtitles=subtitles,
    )


def loud(cut: Timeline, words: Sequence, sha: str) -> Fraction:
    """Seconds of the words that the timeline shows."""
    shown = ranges(cut, sha)
    return sum(
        (max(Fraction(0), min(b, w.end) - max(a, w.start)) for w in words for a, b in shown),
        Fraction(0),
    )


async def test_silence_and_fillers_go_and_every_word_stays(the_talk):
    params = SilenceRemovalParams(remove_filler_words=True)
    [cut] = await silence_removal.apply([the_talk.uncut], params, the_talk.context)
    cut = snap(cut)
    spoken = the_talk.spoken()
    assert torn(cut, spoken, the_talk.sha) == []
    assert len(whole(cut, spoken, the_talk.sha)) == len(spoken)
    fillers = [w for w in the_talk.truth.words if w.filler]
    assert loud(cut, fillers, the_talk.sha) <= FRAME
    assert len(ranges(cut, the_talk.sha)) == 4
    assert cut.duration - loud(cut, spoken, the_talk.sha) < 2


async def test_clips_of_the_tightened_talk_are_about_the_prompt_and_tear_no_word(the_talk):
    params = SilenceRemovalParams(remove_filler_words=True)
    tight = await silence_removal.apply([the_talk.uncut], params, the_talk.context)
    wish = ClipsParams(prompt="telescopes and mirrors", num_clips=1, target_duration=5)
    [clip] = await clips.apply(tight, wish, the_talk.context)
    clip = snap(clip)
    said = whole(clip, the_talk.spoken(), the_talk.sha)
    assert torn(clip, the_talk.spoken(), the_talk.sha) == []
    assert said[0] == "Today"
    assert said[-1] == "stars."
    assert clip.name == "talk, clip 1"
    assert abs(clip.duration - 5) < 2


async def test_a_rough_cut_drops_the_topic_that_the_prompt_names(the_talk):
    wish = RoughCutParams(prompt="Remove the part about the budget")
    [cut] = await rough_cut.apply([the_talk.uncut], wish, the_talk.context)
    said = whole(snap(cut), the_talk.truth.words, the_talk.sha)
    assert torn(snap(cut), the_talk.truth.words, the_talk.sha) == []
    assert "dollars." not in said
    assert said[0] == "Welcome"
    assert said[-1] == "today."


@pytest.mark.parametrize("shape", ["9:16", "1:1"])
async def test_the_face_is_inside_the_crop_in_98_percent_of_frames(the_talk, shape):
    params = ReframeParams(aspect_ratio=shape)
    [framed] = await reframe.apply([the_talk.uncut], params, the_talk.context)
    keys = framed.framing.paths[the_talk.sha]
    half = framed.width / framed.height * HEIGHT / WIDTH / 2
    inside = [
        abs(f.x - centre(keys, f.time)[0]) + f.width / 2 <= half for f in the_talk.truth.faces
    ]
    assert sum(inside) / len(inside) >= 0.98


async def test_on_one_speaker_the_crop_jumps_only_where_the_shot_changes(the_talk):
    [framed] = await reframe.apply(
        [the_talk.uncut], ReframeParams(aspect_ratio="9:16"), the_talk.context
    )
    keys = framed.framing.paths[the_talk.sha]
    assert [k.time for k in keys if k.cut] == the_talk.truth.shots


async def test_captions_are_timed_as_spoken(the_talk):
    [captioned] = await captions.apply([the_talk.uncut], CaptionsParams(), the_talk.context)
    shown = {w.text: w.start for w in captioned.captions.words}
    late = [abs(shown[w.text] - w.start) for w in the_talk.truth.words if w.text in shown]
    assert len(late) > 20
    assert sorted(late)[len(late) // 2] < Fraction(6, 100)
    assert max(late) < Fraction(1, 2)


async def test_an_intro_of_noise_does_not_keep_the_talk_from_its_captions(the_talk, tmp_path):
    noise = tmp_path / "intro.mp4"
    await anyio.run_process(
        [
            *(imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error"),
            *("-f", "lavfi", "-i", f"testsrc2=size={WIDTH}x{HEIGHT}:rate=25:duration=3"),
            *("-f", "lavfi", "-i", "anoisesrc=color=pink:amplitude=0.3:duration=3"),
            *("-shortest", str(noise)),
        ]
    )
    intro = from_source(await probe(noise, name="intro.mp4"), tile="input", name="intro")
    both = joined([intro, the_talk.uncut], "both")
    files = {intro.clips[0].source: noise, the_talk.sha: the_talk.video}
    told: list[str] = []
    [captioned] = await captions.apply(
        [both],
        CaptionsParams(),
        dataclasses.replace(
            context(None, warnings=told),
            perception=LocalPerception(
                Library(tmp_path / "home"), lambda sha: nullcontext(files[sha]), the_talk.subtitles
            ),
        ),
    )
    assert " ".join(w.text for w in captioned.captions.words) == " ".join(
        w.text for w in the_talk.truth.words
    )
    assert told == []


async def test_without_subtitles_captions_refuse_the_synthetic_voice(the_talk):
    with pytest.raises(Unsupported, match="not reliable") as refusal:
        await captions.apply([the_talk.bare], CaptionsParams(), the_talk.context)
    assert "SRT" in refusal.value.remedy
