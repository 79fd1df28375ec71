"""A command-line program around the espeak-ng library of the espeakng-loader package.

    python program.py --list               the voices: a line of "language name" each
    python program.py VOICE RATE OUT.wav   speak the text on standard input, and tell what is said
                                           when: a line of "milliseconds character" for each word,
                                           where character 0 is the end of a phrase

It is run by its path, in a process of its own, and imports only the standard library and
espeakng_loader. While it runs it is one program with espeak-ng, whose licence (GPL-3.0-or-later)
then covers the two together; the studio talks to it as to the `espeak-ng` command.
"""

from __future__ import annotations

import ctypes
import sys
import wave
from typing import Any

SYNCHRONOUS, UTF8, RATE = 2, 1, 1
"""espeak_AUDIO_OUTPUT, espeakCHARS_UTF8 and espeakRATE of speak_lib.h."""


class Voice(ctypes.Structure):
    """espeak_VOICE of speak_lib.h, as far as it is read."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_char_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("xx1", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


class Event(ctypes.Structure):
    """espeak_EVENT of speak_lib.h."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("identifier", ctypes.c_uint),
        ("character", ctypes.c_int),
        ("length", ctypes.c_int),
        ("milliseconds", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    )


LAST, WORD, END = 0, 1, 5
"""espeak_EVENT_TYPE of speak_lib.h: no more events, a word begins, a phrase ends."""
Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(Event)
)


def main() -> int:
    """Do what the arguments say."""
    import espeakng_loader  # pyright: ignore[reportMissingTypeStubs]

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    data = str(espeakng_loader.get_data_path()).encode()
    rate = library.espeak_Initialize(SYNCHRONOUS, 0, data, 0)
    if rate <= 0:
        print("espeak-ng's data cannot be read", file=sys.stderr)
        return 1
    if sys.argv[1] == "--list":
        _list(library)
        return 0
    voice, words, out = sys.argv[1:4]
    return _speak(library, rate, voice, int(words), out)


def _list(library: ctypes.CDLL) -> None:
    library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(Voice))
    voices = library.espeak_ListVoices(None)
    number = 0
    while voices[number]:
        voice = voices[number].contents
        # A priority, then the language; more may follow.
        language = voice.languages[1:].decode() if voice.languages else ""
        print(f"{language} {voice.name.decode()}")
        number += 1


def _speak(library: ctypes.CDLL, rate: int, voice: str, words: int, out: str) -> int:
    if library.espeak_SetVoiceByName(voice.encode()) != 0:
        print(f"there is no voice {voice}", file=sys.stderr)
        return 2
    library.espeak_SetParameter(RATE, words, 0)
    with wave.open(out, "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))

        def heard(samples: Any, count: int, events: Any) -> int:
            if samples and count > 0:
                file.writeframesraw(ctypes.string_at(samples, 2 * count))
            number = 0
            while events[number].type != LAST:
                event = events[number]
                if event.type in (WORD, END):
                    character = event.character if event.type == WORD else 0
                    print(event.milliseconds, character)
                number += 1
            return 0

        callback = Callback(heard)
        library.espeak_SetSynthCallback(callback)
        text = sys.stdin.buffer.read()
        library.espeak_Synth(text, ctypes.c_size_t(len(text) + 1), 0, 1, 0, UTF8, None, None)
        library.espeak_Synchronize()
    return 0


if __name__ == "__main__":
    sys.exit(main())
