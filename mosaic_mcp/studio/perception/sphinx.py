"""pocketsphinx with types: the only module that knows its untyped interface. Helper only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pocketsphinx  # pyright: ignore[reportMissingTypeStubs]
from numpy.typing import NDArray

from mosaic_mcp.studio.perception.hearing import Word
from mosaic_mcp.studio.perception.pronouncing import pronounce
from mosaic_mcp.studio.perception.subtitles import is_filler

RATE = 16_000
_NOT_WORDS = re.compile(r"^(<.*>|\(NULL\))$")
_SOUNDS = re.compile(r"^[\[+].*[\]+]$")
_HESITATIONS = {"um'": "AH M", "uh'": "AH", "er'": "ER"}
"""Hesitations as words of their own, told by the mark at their end from what is in a text."""
_RARE = 1e-4
"""How likely a hesitation is between two words. At 1e-2, breaths were taken for "uh"."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A decoded word: seconds from the start of what was decoded, and its posterior 0..1."""

    word: str
    start: float
    end: float
    confidence: float

    @property
    def is_hesitation(self) -> bool:
        """True for what `align` found between the words that it was given."""
        return self.word in _HESITATIONS

    @property
    def is_sound(self) -> bool:
        """True for what the model calls a noise, fillers among them: "[UM]", "++NOISE++"."""
        return bool(_SOUNDS.match(self.word))


class Sphinx:
    """A decoder of American English."""

    def __init__(self, *, aligning: bool) -> None:
        path = cast(Any, pocketsphinx).get_model_path
        beams = {"beam": 1e-80, "pbeam": 1e-80, "wbeam": 1e-40} if aligning else {}
        self._decoder: Any = cast(Any, pocketsphinx).Decoder(
            loglevel="FATAL",
            hmm=path("en-us/en-us"),
            lm=None if aligning else path("en-us/en-us.lm.bin"),
            dict=path("en-us/cmudict-en-us.dict"),
            **beams,
        )

    def recognise(self, sound: NDArray[np.int16]) -> list[Segment]:
        """What is said in mono samples at 16 kHz, whatever was heard before.

        The noise of the last sound would weigh in: then it would matter who hears what.
        """
        self._decoder.reinit_feat()
        return self._decode(sound)

    def align(
        self, words: Sequence[str], sound: NDArray[np.int16], *, hesitations: bool = False
    ) -> list[Segment] | None:
        """Where each of the words is said, or None when the sound does not fit them.

        With `hesitations` those between the words are found as well.
        """
        for word in words:
            self._learn(word, pronounce(word))
        try:
            if hesitations:
                self._expect_hesitations(words)
            else:
                self._decoder.set_align_text(" ".join(words))
            found = [s for s in self._decode(sound) if not s.is_sound]
        except (RuntimeError, ValueError):
            return None
        said = sum(not s.is_hesitation for s in found)
        return found if said == len(words) else None

    def _learn(self, word: str, phones: str) -> None:
        if self._decoder.lookup_word(word) is None:
            self._decoder.add_word(word, phones, True)

    def _expect_hesitations(self, words: Sequence[str]) -> None:
        for word, phones in _HESITATIONS.items():
            self._learn(word, phones)
        some = " | ".join(f"/{_RARE}/ {word}" for word in _HESITATIONS)
        none = 1 - len(_HESITATIONS) * _RARE
        grammar = (
            f"#JSGF V1.0; grammar words; <h> = {some} | /{none}/ <NULL>; "
            f"public <all> = <h> {' <h> '.join(words)} <h>;"
        )
        self._decoder.add_jsgf_string("words", grammar)
        self._decoder.activate_search("words")

    def _decode(self, sound: NDArray[np.int16]) -> list[Segment]:
        self._decoder.start_utt()
        self._decoder.process_raw(sound.tobytes(), full_utt=True)
        self._decoder.end_utt()
        return [
            Segment(
                # Pronunciations are numbered: "the(2)".
                re.sub(r"\(\d+\)$", "", str(s.word)),
                s.start_frame / 100,
                (s.end_frame + 1) / 100,
                min(1.0, float(s.prob)),
            )
            for s in self._decoder.seg() or ()
            if not _NOT_WORDS.match(str(s.word))
        ]


class SphinxEar:
    """pocketsphinx as a recogniser: English, and real voices in quiet rooms at best."""

    longest_s = 20.0
    """Decoding time grows faster than length."""
    pause_s = 0.4
    language = "en"

    def __init__(self) -> None:
        self._sphinx = Sphinx(aligning=False)

    def hear(self, sound: NDArray[np.int16]) -> list[Word]:
        """The words of mono samples at 16 kHz; its confidence is each word's posterior."""
        words: list[Word] = []
        for segment in self._sphinx.recognise(sound):
            text = segment.word.strip("[]+").lower()
            if not segment.is_sound or is_filler(text, self.language):
                words.append(Word(text, segment.start, segment.end, segment.confidence))
        return words
