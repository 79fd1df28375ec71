"""Whisper through its two fast engines, with weights on this disk only. Runs in the helper.

Both hear 30 seconds at a time, whatever they are given, and leave out hesitations. What they make
up where nobody speaks is not asked for (only stretches with speech come here) or left out by the
engines' own measures: probability of silence, mean probability, and repetition.
"""

from __future__ import annotations

import os
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from mosaic_mcp.studio.perception.hearing import Word

_REPEATS = 2.4
"""Whisper's own limit: a text that packs better than this repeats itself."""


class FasterWhisper:
    """CTranslate2's Whisper, in 8 bits on the CPU."""

    longest_s = 28.0
    pause_s = 3.0

    def __init__(self, folder: str, *, english_only: bool) -> None:
        from faster_whisper import WhisperModel  # pyright: ignore

        # By name it would be fetched from the net; a folder's path never is.
        self._model: Any = cast(Any, WhisperModel)(
            folder,
            device="cpu",
            compute_type="int8",
            cpu_threads=os.cpu_count() or 1,
            local_files_only=True,
        )
        self.language = "en" if english_only else ""

    def hear(self, sound: NDArray[np.int16]) -> list[Word]:
        """The words of mono samples at 16 kHz."""
        segments, info = self._model.transcribe(
            sound.astype(np.float32) / 32768,
            language=self.language or None,
            word_timestamps=True,
            condition_on_previous_text=False,
        )
        self.language = self.language or str(info.language)
        return [
            Word(w.word.strip(), float(w.start), float(w.end), float(w.probability))
            for segment in segments
            if segment.compression_ratio <= _REPEATS
            for w in segment.words or ()
            if w.word.strip()
        ]


class WhisperCpp:
    """whisper.cpp, which takes one ggml file."""

    longest_s = 28.0
    pause_s = 3.0

    def __init__(self, file: str, *, english_only: bool) -> None:
        from pywhispercpp.model import Model  # pyright: ignore

        self._model: Any = cast(Any, Model)(
            file,
            redirect_whispercpp_logs_to=None,
            n_threads=os.cpu_count() or 1,
            print_progress=False,
            print_realtime=False,
            # A segment for each word.
            token_timestamps=True,
            max_len=1,
            split_on_word=True,
        )
        self.language = "en" if english_only else ""

    def hear(self, sound: NDArray[np.int16]) -> list[Word]:
        """The words of mono samples at 16 kHz."""
        samples = sound.astype(np.float32) / 32768
        if not self.language:
            (language, _), _ = self._model.auto_detect_language(samples)
            self.language = str(language)
        found = self._model.transcribe(samples, language=self.language, extract_probability=True)
        return [
            Word(s.text.strip(), s.t0 / 100, s.t1 / 100, float(np.nan_to_num(s.probability)))
            for s in found
            if s.text.strip() and not s.text.strip().startswith(("[", "("))
        ]
