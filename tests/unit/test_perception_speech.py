"""Where somebody speaks in hours of sound, without gigabytes."""

import tracemalloc
import wave

import numpy as np

from mosaic_mcp.studio.perception.opening import samples
from mosaic_mcp.studio.perception.speech import MINUTE, RATE, STEP, levels, spans


def talk(minutes: float) -> np.ndarray:
    """Two seconds of noise and one of quiet, again and again."""
    sound = np.random.default_rng(1).normal(0, 3000, round(minutes * 60 * RATE))
    sound[np.arange(len(sound)) // RATE % 3 == 2] /= 1000
    return sound.astype(np.int16)


def peak_of(work) -> tuple[object, int]:
    """What a function gives, and how many bytes it needed at a time."""
    tracemalloc.start()
    try:
        return work(), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_each_level_is_that_of_its_own_steps_across_the_minutes():
    sound = talk(2.5)[: -STEP // 2]
    found = levels(sound)
    assert len(found) == len(sound) // STEP
    for at in (0, 1, MINUTE - 1, MINUTE, MINUTE + 1, 2 * MINUTE, len(found) - 1):
        near = sound[max(0, at - 1) * STEP : min(at + 2, len(found)) * STEP] / 32768
        assert np.isclose(found[at], 10 * np.log10((near**2).sum() / STEP / 3 + 1e-10))


def test_speech_goes_on_over_the_end_of_a_minute():
    found = spans(talk(2.5))
    assert len(found) == 50
    assert all(abs(start % 3) < 0.1 or start % 3 > 2.9 for start, _ in found)
    assert all(abs(end % 3 - 2) < 0.1 for _, end in found)


def test_the_levels_of_a_long_sound_take_no_more_memory_than_the_sound():
    sound = talk(20)
    _, peak = peak_of(lambda: levels(sound))
    assert peak < sound.nbytes


def test_a_sound_is_read_once_into_memory(tmp_path):
    sound = talk(5)
    with wave.open(str(tmp_path / "talk.wav"), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(sound.tobytes())
    read, peak = peak_of(lambda: samples(str(tmp_path / "talk.wav")))
    assert np.array_equal(read, sound)
    assert peak < 1.5 * sound.nbytes
