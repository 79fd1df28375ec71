"""What a timeline lays over its clips: cutaways, looks, mirrors, music and voices."""

from fractions import Fraction as F

import av
import numpy as np
import pytest
from PIL import Image

from mosaic_mcp.studio.render.compile import compile_video
from mosaic_mcp.studio.render.facts import Facts
from mosaic_mcp.studio.render.pieces import Frames
from mosaic_mcp.studio.render.plan import View
from mosaic_mcp.studio.render.rendering import render
from mosaic_mcp.studio.timeline.edit import from_source
from mosaic_mcp.studio.timeline.model import (
    Clip,
    Cutaway,
    Framing,
    Look,
    Source,
    Span,
    Timeline,
    Track,
)
from tests.support.coded import (
    FFMPEG,
    SAMPLES,
    counted,
    ffmpeg,
    numbered,
    numbers,
    source_of,
    tone,
    write_video,
)
from tests.support.cube import POINTS, TURNED, fields, looked_up, shown, written


@pytest.fixture
def made(tmp_path):
    """Render a timeline; answers the file."""

    async def make(timeline, files):
        job = tmp_path / "job"
        job.mkdir()
        out = tmp_path / "out.mp4"
        await render(timeline, files, out, job=job, ffmpeg=FFMPEG, quality="best")
        return out

    return make


def with_sources(timeline: Timeline, *sources: Source, **more) -> Timeline:
    known = {**timeline.sources, **{s.sha256: s for s in sources}}
    return timeline.model_copy(update={"sources": known, **more})


def still(path, colour="red", size=(320, 240)) -> Source:
    Image.new("RGB", size, colour).save(path)
    return Source(
        sha256=path.name.ljust(64, "0"), name=path.name, kind="image", width=size[0], height=size[1]
    )


def first_picture(path) -> np.ndarray:
    with av.open(path) as file:
        frame = next(file.decode(video=0))
        return frame.reformat(format="rgb24", src_colorspace="ITU709").to_ndarray().astype(int)


async def test_a_cutaway_covers_exactly_its_span_through_cuts(tmp_path, made):
    path = counted(tmp_path / "in.mp4", 120)
    other = write_video(tmp_path / "other.mp4", [numbered(500 + n) for n in range(90)])
    source, away = source_of(path), source_of(other)
    # Cut out 40..50, which the cutaway over 30..60 spans; before it another source.
    clips = (
        Clip(source=away.sha256, start=F(0), end=F(22, 30)),
        Clip(source=source.sha256, start=F(10, 30), end=F(40, 30)),
        Clip(source=source.sha256, start=F(50, 30), end=F(80, 30)),
    )
    over = Span(source=source.sha256, start=F(1), end=F(2))
    cutaway = Cutaway(source=away.sha256, start=F(1), over=over)
    timeline = with_sources(from_source(source, tile="in"), away, clips=clips, cutaways=(cutaway,))
    out = await made(timeline, {source.sha256: path, away.sha256: other})
    assert numbers(out) == [
        *range(500, 522),
        *range(10, 30),
        *range(530, 550),
        *range(60, 80),
    ]


async def test_a_cutaway_of_wide_pixels_is_shown_whole(tmp_path, made):
    """180 by 136 wide pixels, 240 by 136 as they are shown; their upper edge is bright."""
    path = counted(tmp_path / "talk.mp4", 60)
    picture = np.full((136, 180), 60, np.uint8)
    picture[:14] = 220
    other = write_video(tmp_path / "away.mp4", [picture] * 60, sample_aspect=F(4, 3))
    source, away = source_of(path), source_of(other)
    over = Span(source=source.sha256, start=F(0), end=F(2))
    cutaways = (Cutaway(source=away.sha256, over=over),)
    timeline = with_sources(from_source(source, tile="in"), away, cutaways=cutaways)
    out = await made(timeline, {source.sha256: path, away.sha256: other})
    seen = first_picture(out)
    assert seen[4, 120].min() > 180
    assert seen[60, 120].max() < 100


def test_a_part_that_begins_after_a_cutaway_ended_shows_what_still_stands_of_it():
    talk = Source(sha256="t", name="talk", duration=F(60), width=320, height=240, frame_rate=F(30))
    away = talk.model_copy(update={"sha256": "a", "duration": F(5)})
    cutaway = Cutaway(source="a", over=Span(source="t", start=F(10), end=F(40)))
    timeline = with_sources(from_source(talk, tile="in"), away, cutaways=(cutaway,))
    names, facts = {"t": "source1", "a": "source0"}, dict.fromkeys("ta", Facts(seekable=True))
    plan = compile_video([View(timeline)], names, facts, part=Frames(900, 600))
    own = plan.inputs[: plan.inputs.index("source0")]
    assert F(own[len(own) - 1 - own[::-1].index("-ss") + 1]) == F(49, 10)


async def test_a_cutaway_that_is_cut_out_is_not_shown(tmp_path, made):
    path = counted(tmp_path / "in.mp4", 60)
    picture = tmp_path / "red.png"
    source, red = source_of(path), still(picture)
    over = Span(source=source.sha256, start=F(1), end=F(2))
    clip = Clip(source=source.sha256, start=F(0), end=F(1))
    timeline = with_sources(
        from_source(source, tile="in"),
        red,
        clips=(clip,),
        cutaways=(Cutaway(source=red.sha256, over=over),),
    )
    out = await made(timeline, {source.sha256: path, red.sha256: picture})
    assert numbers(out) == list(range(30))


async def test_a_still_picture_stands_while_the_sound_goes_on(tmp_path, made):
    path = counted(tmp_path / "in.mov", 60, sound=tone(2, -20))
    picture = tmp_path / "red.png"
    source, red = source_of(path), still(picture)
    over = Span(source=source.sha256, start=F(0), end=F(3, 2))
    timeline = with_sources(
        from_source(source, tile="in"), red, cutaways=(Cutaway(source=red.sha256, over=over),)
    )
    out = await made(timeline, {source.sha256: path, red.sha256: picture})
    with av.open(out) as file:
        shown = [f.to_ndarray(format="rgb24").reshape(-1, 3).mean(0) for f in file.decode(video=0)]
    assert [colour[0] > 200 and colour[2] < 60 for colour in shown] == [True] * 45 + [False] * 15
    assert np.abs(samples(tmp_path, out)[: SAMPLES // 2]).max() > 1000


@pytest.mark.parametrize(("x", "y"), [(True, False), (False, True), (True, True)])
async def test_a_mirrored_clip_changes_its_sides(tmp_path, made, x, y):
    picture = np.full((180, 320), 60, np.uint8)
    picture[:90, :160] = 200  # bright in the upper left
    path = write_video(tmp_path / "in.mp4", [picture] * 10)
    timeline = from_source(source_of(path), tile="in")
    clip = timeline.clips[0].model_copy(update={"mirror_x": x, "mirror_y": y})
    source = clip.source
    shown = first_picture(
        await made(timeline.model_copy(update={"clips": (clip,)}), {source: path})
    )
    bright = shown[135 if y else 45, 240 if x else 80].mean()
    assert bright > 170
    assert shown[45 if y else 135, 80 if x else 240].mean() < 90


@pytest.mark.parametrize(("x", "y"), [(True, False), (False, True), (True, True)])
async def test_a_mirrored_cutaway_changes_its_sides(tmp_path, made, x, y):
    picture = np.full((180, 320), 60, np.uint8)
    picture[:90, :160] = 200  # bright in the upper left
    plain = np.full((180, 320), 120, np.uint8)
    path = write_video(tmp_path / "in.mp4", [plain] * 10)
    other = write_video(tmp_path / "other.mp4", [picture] * 10)
    source, away = source_of(path), source_of(other)
    over = Span(source=source.sha256, start=F(0), end=F(1, 3))
    cutaway = Cutaway(source=away.sha256, over=over, mirror_x=x, mirror_y=y)
    timeline = with_sources(from_source(source, tile="in"), away, cutaways=(cutaway,))
    shown = first_picture(await made(timeline, {source.sha256: path, away.sha256: other}))
    assert shown[135 if y else 45, 240 if x else 80].mean() > 170
    assert shown[45 if y else 135, 80 if x else 240].mean() < 90


async def test_clips_of_one_source_may_look_different(tmp_path, made):
    path = write_video(tmp_path / "in.mp4", [np.full((180, 320), 120, np.uint8)] * 30)
    source = source_of(path)
    half = F(1, 2)
    warm = Look(red=((0, 0), (0.5, 0.75), (1, 1)), blue=((0, 0), (0.5, 0.25), (1, 1)))
    clips = (
        Clip(source=source.sha256, start=F(0), end=half),
        Clip(source=source.sha256, start=half, end=F(1), look=warm),
    )
    timeline = from_source(source, tile="in").model_copy(update={"clips": clips})
    out = await made(timeline, {source.sha256: path})
    with av.open(out) as file:
        means = [f.to_ndarray(format="rgb24").reshape(-1, 3).mean(0) for f in file.decode(video=0)]
    assert np.ptp(means[5]) < 6
    assert means[25][0] - means[25][2] > 60


async def test_a_table_changes_colours_as_it_says(tmp_path, made):
    table = tmp_path / "turned.cube"
    table.write_text(f"LUT_3D_SIZE {POINTS}\n{written(TURNED)}\n")
    path = fields(tmp_path / "in.mp4")
    source = source_of(path)
    lut = Source(sha256="turned".ljust(64, "0"), name="turned.cube", kind="table")
    timeline = from_source(source, tile="in")
    clip = timeline.clips[0].model_copy(update={"look": Look(table=lut.sha256)})
    timeline = with_sources(timeline, lut, clips=(clip,))
    out = await made(timeline, {source.sha256: path, lut.sha256: table})
    off = shown(out) - looked_up(TURNED, shown(path) / 255) * 255
    assert abs(off.mean()) < 1
    assert np.abs(off).max() < 3


@pytest.mark.parametrize("kind", ["video", "image"])
async def test_a_cutaway_has_a_look_of_its_own(tmp_path, made, kind):
    table = tmp_path / "turned.cube"
    table.write_text(f"LUT_3D_SIZE {POINTS}\n{written(TURNED)}\n")
    path = other = fields(tmp_path / "in.mp4")
    if kind == "image":
        other = tmp_path / "fields.png"
        ffmpeg("-i", path, "-frames:v", "1", other)
    source = source_of(path)
    away = source.model_copy(update={"sha256": "away".ljust(64, "0"), "kind": kind})
    lut = Source(sha256="turned".ljust(64, "0"), name="turned.cube", kind="table")
    over = Span(source=source.sha256, start=F(0), end=F(1, 5))
    cutaway = Cutaway(source=away.sha256, over=over, look=Look(table=lut.sha256))
    timeline = with_sources(from_source(source, tile="in"), away, lut, cutaways=(cutaway,))
    files = {source.sha256: path, away.sha256: other, lut.sha256: table}
    out = await made(timeline, files)
    off = shown(out) - looked_up(TURNED, shown(path) / 255) * 255
    assert abs(off.mean()) < 1
    assert np.abs(off).max() < 4
    # What is under it keeps its own.
    after = tmp_path / "after.mp4"
    ffmpeg("-i", out, "-vf", "trim=start_frame=6", "-crf", "4", after)
    assert np.abs(shown(after) - shown(path)).max() < 4


async def test_a_whole_clip_is_not_cropped_where_the_rest_is(tmp_path, made):
    path = write_video(tmp_path / "in.mp4", [np.full((180, 320), 100, np.uint8)] * 10)
    marked = np.full((180, 320), 100, np.uint8)
    marked[:, :20] = marked[:, -20:] = 230  # edges that a crop to 9:16 would lose
    intro = write_video(tmp_path / "intro.mp4", [marked] * 10)
    source, opening = source_of(path), source_of(intro)
    clips = (
        Clip(source=opening.sha256, start=F(0), end=F(1, 3), whole=True),
        *from_source(source, tile="in").clips,
    )
    timeline = with_sources(
        from_source(source, tile="in"),
        opening,
        clips=clips,
        width=180,
        height=320,
        framing=Framing(),
    )
    out = await made(timeline, {source.sha256: path, opening.sha256: intro})
    shown = first_picture(out)
    middle = shown[160]
    assert middle[2].mean() > 190
    assert middle[-3].mean() > 190
    assert middle[90].mean() < 130


def samples(tmp_path, path) -> np.ndarray:
    ffmpeg("-i", path, "-f", "s16le", "-ac", "2", "-ar", str(SAMPLES), tmp_path / "out.pcm")
    return np.fromfile(tmp_path / "out.pcm", np.int16).reshape(-1, 2).astype(float)


def sine(seconds: float, hertz: float, level: float) -> np.ndarray:
    wave = np.sin(np.arange(round(seconds * SAMPLES)) * 2 * np.pi * hertz / SAMPLES) * level
    return np.repeat(wave.astype(np.int16)[:, None], 2, axis=1)


def level_at(sound: np.ndarray, hertz: float, start: float, end: float) -> float:
    """Level of one frequency between two seconds, in dB."""
    part = sound[round(start * SAMPLES) : round(end * SAMPLES), 0]
    turn = np.exp(-2j * np.pi * hertz * np.arange(len(part)) / SAMPLES)
    return 20 * np.log10(2 * abs((part * turn).mean()) + 1e-9)


@pytest.fixture
def talk(tmp_path):
    """Six seconds; somebody "speaks" (440 Hz) from the second to the fourth."""
    sound = np.zeros((6 * SAMPLES, 2), np.int16)
    sound[2 * SAMPLES : 4 * SAMPLES] = sine(2, 440, 8000)
    path = counted(tmp_path / "talk.mov", 180, sound=sound)
    return path, source_of(path)


def music(tmp_path, seconds=2.0, level=4000):
    path = counted(tmp_path / "music.mov", 10, sound=sine(seconds, 1000, level))
    return path, source_of(path, duration=F(seconds).limit_denominator(1000))


async def test_music_is_softer_while_somebody_speaks_and_loops_to_the_end(tmp_path, made, talk):
    path, source = talk
    song, tune = music(tmp_path)
    track = Track(source=tune.sha256, loop=True, gain_db=-6, duck_db=-12, fade_s=0.5)
    timeline = with_sources(from_source(source, tile="in"), tune, tracks=(track,))
    sound = samples(tmp_path, await made(timeline, {source.sha256: path, tune.sha256: song}))
    loud, soft = level_at(sound, 1000, 0.8, 1.5), level_at(sound, 1000, 2.5, 3.5)
    assert loud == pytest.approx(20 * np.log10(4000) - 6, abs=0.5)
    assert loud - soft == pytest.approx(12, abs=0.5)
    assert level_at(sound, 1000, 4.9, 5.4) == pytest.approx(loud, abs=0.5)
    assert level_at(sound, 1000, 5.9, 6) < loud - 6  # faded out with the video
    assert level_at(sound, 440, 2.5, 3.5) == pytest.approx(20 * np.log10(8000), abs=0.5)


async def test_everything_else_is_softer_under_a_voice(tmp_path, made, talk):
    path, source = talk
    said, voice = music(tmp_path, 1.0, 9000)
    track = Track(source=voice.sha256, kind="voice", at=F(5, 2), duck_db=-15)
    timeline = with_sources(from_source(source, tile="in"), voice, tracks=(track,))
    sound = samples(tmp_path, await made(timeline, {source.sha256: path, voice.sha256: said}))
    before, under = level_at(sound, 440, 2.0, 2.2), level_at(sound, 440, 2.6, 3.4)
    assert before - under == pytest.approx(15, abs=0.7)
    assert level_at(sound, 1000, 2.6, 3.4) == pytest.approx(20 * np.log10(9000), abs=0.5)
    assert level_at(sound, 1000, 4, 5) < 20


async def test_music_that_was_laid_under_silence_is_softer_under_a_voice_as_well(tmp_path, made):
    path = counted(tmp_path / "silent.mov", 180)
    said = counted(tmp_path / "said.mov", 10, sound=sine(1, 440, 9000))
    song, tune = music(tmp_path)
    source, voice = source_of(path), source_of(said, duration=F(1))
    tracks = (
        Track(source=tune.sha256, loop=True),
        Track(source=voice.sha256, kind="voice", at=F(5, 2), duck_db=-14),
    )
    timeline = with_sources(from_source(source, tile="in"), tune, voice, tracks=tracks)
    files = {source.sha256: path, tune.sha256: song, voice.sha256: said}
    sound = samples(tmp_path, await made(timeline, files))
    alone, under = level_at(sound, 1000, 0.8, 1.5), level_at(sound, 1000, 2.6, 3.4)
    assert alone == pytest.approx(20 * np.log10(4000), abs=0.5)
    assert alone - under == pytest.approx(14, abs=0.7)


async def test_a_track_begins_and_ends_where_it_says(tmp_path, made, talk):
    path, source = talk
    song, tune = music(tmp_path)
    track = Track(source=tune.sha256, at=F(9, 2), start=F(1, 2), end=F(5, 4))
    timeline = with_sources(from_source(source, tile="in"), tune, tracks=(track,))
    sound = samples(tmp_path, await made(timeline, {source.sha256: path, tune.sha256: song}))
    heard = np.abs(sound[round(4.2 * SAMPLES) :, 0]) > 500
    first, last = np.flatnonzero(heard)[[0, -1]] + round(4.2 * SAMPLES)
    assert first == pytest.approx(4.5 * SAMPLES, abs=200)
    assert last == pytest.approx(5.25 * SAMPLES, abs=200)
