"""espeak-ng's voice, which tells when each word begins: speech whose truth is known.

The library comes with the espeakng-loader package; nothing of it gets into this project.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

import espeakng_loader
import numpy as np
from numpy.typing import NDArray

_SYNCHRONOUS, _WORD_EVENT, _UTF8 = 2, 1, 1
_RATE, _PITCH, _RANGE = 1, 3, 4
"""Numbers of espeak's parameters (speak_lib.h)."""
_QUIET = 300
"""Samples below this at either end of an utterance are silence."""

Said = list[tuple[str, Fraction, Fraction]]
"""(word, start, end) in seconds from the first sample."""


@dataclass(frozen=True)
class Voice:
    """How to speak: words a minute, pitch and its range in espeak's scale of 0 to 99."""

    name: str = "en-us"
    rate: int = 160
    pitch: int = 50
    range: int = 50


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    )


class Espeak:
    """The library, which can be set up once in a process: use `espeak()`."""

    def __init__(self) -> None:
        self._lib = ctypes.CDLL(espeakng_loader.get_library_path())
        self.rate: int = self._lib.espeak_Initialize(
            _SYNCHRONOUS, 200, espeakng_loader.get_data_path().encode(), 0
        )
        self._sound: list[NDArray[np.int16]] = []
        self._starts: list[tuple[int, Fraction]] = []
        kind = ctypes.CFUNCTYPE(
            ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
        )
        self._callback = kind(self._heard)
        self._lib.espeak_SetSynthCallback(self._callback)

    def _heard(self, wav: Any, count: int, events: Any) -> int:
        if wav and count > 0:
            self._sound.append(np.ctypeslib.as_array(wav, shape=(count,)).copy())
        number = 0
        while events[number].type != 0:
            event = events[number]
            if event.type == _WORD_EVENT:
                at = Fraction(event.audio_position, 1000)
                self._starts.append((event.text_position - 1, at))
            number += 1
        return 0

    def say(self, text: str, voice: Voice = Voice()) -> tuple[NDArray[np.int16], Said]:
        """Samples at `rate` without silence at their end, and the words with their times.

        Where espeak runs two small words together ("of the"), they are one word here.
        """
        self._sound.clear()
        self._starts.clear()
        self._lib.espeak_SetVoiceByName(voice.name.encode())
        for parameter, value in (
            (_RATE, voice.rate), (_PITCH, voice.pitch), (_RANGE, voice.range),
        ):  # fmt: skip
            self._lib.espeak_SetParameter(parameter, value, 0)
        data = text.encode()
        self._lib.espeak_Synth(data, len(data) + 1, 0, 1, 0, _UTF8, None, None)
        self._lib.espeak_Synchronize()
        sound = np.concatenate(self._sound)
        sound = sound[: int(np.flatnonzero(np.abs(sound) > _QUIET)[-1]) + 1]
        ends = [*self._starts[1:], (len(text), Fraction(len(sound), self.rate))]
        return sound, [
            (text[at:stop].strip(), start, end)
            for (at, start), (stop, end) in zip(self._starts, ends, strict=True)
        ]


@cache
def espeak() -> Espeak:
    """The one voice box of this process."""
    return Espeak()
