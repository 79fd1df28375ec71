"""The sound of a render: every sample in its place, as long as the picture, as loud as asked."""

from fractions import Fraction as F

import av
import numpy as np
import pytest

from mosaic_mcp.studio.render import loudness
from mosaic_mcp.studio.render.facts import read_facts
from mosaic_mcp.studio.render.rendering import render
from mosaic_mcp.studio.render.sound import PROGRAMME, programme
from mosaic_mcp.studio.timeline.edit import from_source
from mosaic_mcp.studio.timeline.model import Clip, Sound, Timeline
from tests.support.coded import FFMPEG, SAMPLES, clicks, counted, ffmpeg, source_of, tone


def cut(source, *spans) -> Timeline:
    """Spans of a source in seconds."""
    clips = tuple(Clip(source=source.sha256, start=F(a), end=F(b)) for a, b in spans)
    return from_source(source, tile="in").model_copy(update={"clips": clips})


async def heard(timeline, source, path, job) -> np.ndarray:
    """The programme before it is encoded: (samples, 2)."""
    job.mkdir()
    (job / "in").symlink_to(path)
    facts = await read_facts(FFMPEG, "in", cwd=job)
    sha = source.sha256
    count = await programme(timeline, {sha: facts}, {sha: "in"}, ffmpeg=FFMPEG, job=job)
    samples = np.fromfile(job / PROGRAMME, np.int16).reshape(-1, 2)
    assert len(samples) == count
    return samples


def loud(samples: np.ndarray) -> list[int]:
    """Where clicks are."""
    return [int(n) for n in np.flatnonzero(np.abs(samples[:, 0].astype(int)) > 6000)]


@pytest.mark.parametrize("suffix", [".mov", ".mkv"])
async def test_clicks_stay_in_place_to_the_sample(tmp_path, suffix):
    at = [0.5, 1.25, 2.0, 3.1]
    path = counted(tmp_path / f"in{suffix}", 120, sound=clicks(4, at))
    source = source_of(path)
    # 1.25 s is 0.25 s into the second clip, 3.1 s is 0.1 s into the third.
    timeline = cut(source, ("0.4", "0.8"), (1, "1.5"), (3, "3.5"))
    samples = await heard(timeline, source, path, tmp_path / "job")
    expected = [round(s * SAMPLES) for s in (0.1, 0.4 + 0.25, 0.9 + 0.1)]
    assert np.allclose(loud(samples), expected, atol=1)
    assert len(samples) == round(1.4 * SAMPLES)


async def test_a_click_far_into_a_source_stays_in_place(tmp_path):
    path = counted(tmp_path / "in.mov", 750, rate=F(25), sound=clicks(30, [27.5]))
    source = source_of(path)
    samples = await heard(cut(source, (27, 28)), source, path, tmp_path / "job")
    assert np.allclose(loud(samples), [SAMPLES // 2], atol=1)


async def test_a_far_click_stays_in_place_through_aac(tmp_path):
    pcm = counted(tmp_path / "pcm.mov", 750, rate=F(25), sound=clicks(30, [27.5]))
    path = tmp_path / "in.mp4"
    ffmpeg("-i", pcm, "-c:v", "copy", "-c:a", "aac", "-b:a", "256k", path)
    source = source_of(path)
    samples = await heard(cut(source, (27, 28)), source, path, tmp_path / "job")
    peak = int(np.argmax(np.abs(samples[:, 0].astype(int))))
    assert abs(peak - SAMPLES // 2) <= 2


async def test_sound_that_starts_late_stays_with_its_picture(tmp_path):
    pcm = counted(tmp_path / "pcm.mov", 90, sound=clicks(2, [1.0]))
    path = tmp_path / "in.mov"
    ffmpeg(
        *("-i", pcm, "-itsoffset", "0.7", "-i", pcm),
        *("-map", "0:v", "-map", "1:a", "-c", "copy", path),
    )
    source = source_of(path)
    samples = await heard(cut(source, (0, 2)), source, path, tmp_path / "job")
    assert np.allclose(loud(samples), [round(1.7 * SAMPLES)], atol=1)


async def test_cuts_are_faded(tmp_path):
    sound = np.full((4 * SAMPLES, 2), 10_000, np.int16)
    path = counted(tmp_path / "in.mov", 120, sound=sound)
    source = source_of(path)
    samples = await heard(cut(source, (1, 2), (3, 4)), source, path, tmp_path / "job")
    left = samples[:, 0].astype(int)
    assert left[SAMPLES - 1] == left[SAMPLES] == 0
    assert np.abs(np.diff(left)).max() < 100
    assert left[SAMPLES // 2] == 10_000
    quiet = np.flatnonzero(left < 9_900)
    # 6 ms at both sides of the cut and at both ends.
    assert len(quiet) <= 4 * 0.006 * SAMPLES


async def test_clips_that_continue_each_other_are_not_faded(tmp_path):
    sound = np.full((3 * SAMPLES, 2), 10_000, np.int16)
    path = counted(tmp_path / "in.mov", 90, sound=sound)
    source = source_of(path)
    job, out = tmp_path / "job", tmp_path / "out.mp4"
    job.mkdir()
    await render(cut(source, (0, 1), (1, 2)), {source.sha256: path}, out, job=job, ffmpeg=FFMPEG)
    samples = np.fromfile(job / PROGRAMME, np.int16).reshape(-1, 2)
    assert samples[SAMPLES, 0] == 10_000


async def test_mono_is_as_loud_on_both_sides(tmp_path):
    sound = np.full((2 * SAMPLES, 1), 10_000, np.int16)
    path = counted(tmp_path / "in.mov", 60, sound=sound)
    source = source_of(path)
    samples = await heard(cut(source, (0, 1)), source, path, tmp_path / "job")
    assert samples[SAMPLES // 2].tolist() == [10_000, 10_000]


async def test_other_rates_are_resampled_in_place(tmp_path):
    pcm = counted(tmp_path / "pcm.mov", 120, sound=clicks(4, [3.0]))
    path = tmp_path / "in.mov"
    ffmpeg("-i", pcm, "-c:v", "copy", "-c:a", "pcm_s16le", "-ar", 44_100, path)
    source = source_of(path)
    samples = await heard(cut(source, ("2.5", "3.5")), source, path, tmp_path / "job")
    assert abs(int(np.argmax(np.abs(samples[:, 0].astype(int)))) - SAMPLES // 2) <= 1


def lengths(path) -> tuple[F, F]:
    """Seconds of picture and of sound, counted from what decodes."""
    with av.open(path) as file:
        rate = F(file.streams.video[0].average_rate)
        pictures = sum(1 for _ in file.decode(video=0))
    with av.open(path) as file:
        samples = sum(frame.samples for frame in file.decode(audio=0))
    return pictures / rate, F(samples, SAMPLES)


async def test_a_source_without_sound_gets_silence_of_the_same_length(tmp_path):
    path = counted(tmp_path / "in.mp4", 60, rate=F(30000, 1001))
    source = source_of(path)
    job, out = tmp_path / "job", tmp_path / "out.mp4"
    job.mkdir()
    sound = Sound(denoise=True, loudness_lufs=-14)
    timeline = cut(source, (0, 1)).model_copy(update={"sound": sound})
    report = await render(timeline, {source.sha256: path}, out, job=job, ffmpeg=FFMPEG)
    picture, silence = lengths(out)
    assert abs(picture - silence) < F(1001, 30000)
    [note] = report.notes
    assert "silent" in note
    with av.open(out) as file:
        assert all(not frame.to_ndarray().any() for frame in file.decode(audio=0))


async def test_sound_and_picture_end_together_after_many_cuts(tmp_path):
    path = counted(tmp_path / "in.mov", 180, rate=F(30000, 1001), sound=tone(6, -10))
    source = source_of(path)
    spans = [(F(n, 7) + F(1, 50), F(n, 7) + F(1, 9)) for n in range(36)]
    job, out = tmp_path / "job", tmp_path / "out.mp4"
    job.mkdir()
    await render(cut(source, *spans), {source.sha256: path}, out, job=job, ffmpeg=FFMPEG)
    picture, sound = lengths(out)
    assert abs(picture - sound) < F(1001, 30000)


async def measured(path, job):
    return await loudness.measure(["-i", str(path)], ffmpeg=FFMPEG, job=job)


@pytest.mark.parametrize("level", [-30, -3], ids=["quiet", "loud"])
async def test_the_result_is_as_loud_as_asked_without_overs(tmp_path, level):
    path = counted(tmp_path / "in.mov", 150, sound=tone(5, level, channels=1))
    source = source_of(path)
    job, out = tmp_path / "job", tmp_path / "out.mp4"
    job.mkdir()
    sound = Sound(denoise=False, loudness_lufs=-14, true_peak_db=-1)
    timeline = cut(source, (0, 4)).model_copy(update={"sound": sound})
    report = await render(timeline, {source.sha256: path}, out, job=job, ffmpeg=FFMPEG)
    result = await measured(out, job)
    assert abs(result.integrated_lufs + 14) <= 0.5
    assert result.true_peak_db <= -1.0
    assert report.notes == ()


async def test_denoising_lowers_the_noise_between_words_and_moves_nothing(tmp_path):
    rng = np.random.default_rng(3)
    noise = rng.normal(0, 120, (4 * SAMPLES, 2))
    word = np.zeros(4 * SAMPLES)
    word[2 * SAMPLES : 2 * SAMPLES + SAMPLES // 2] = rng.normal(0, 3000, SAMPLES // 2)
    path = counted(tmp_path / "in.mov", 120, sound=(noise + word[:, None]).astype(np.int16))
    source = source_of(path)
    before = await heard(cut(source, (0, 4)), source, path, tmp_path / "job")
    sound, job = Sound(denoise=True), tmp_path / "job"
    cleaned = await loudness.clean(sound, len(before), ffmpeg=FFMPEG, job=job)
    await loudness.finish(sound, cleaned, len(before), ffmpeg=FFMPEG, job=job)
    ffmpeg("-i", tmp_path / "job" / loudness.ENCODED, "-f", "s16le", tmp_path / "after.pcm")
    after = np.fromfile(tmp_path / "after.pcm", np.int16).reshape(-1, 2).astype(float)
    silence = slice(SAMPLES, 2 * SAMPLES - 4800)
    assert after[silence].std() < before[silence].std() / 2
    spoken = slice(2 * SAMPLES - 4800, 2 * SAMPLES + 9600)
    shift = np.correlate(after[spoken, 0], before[spoken, 0].astype(float), "full").argmax()
    assert abs(shift - (spoken.stop - spoken.start - 1)) <= 2
