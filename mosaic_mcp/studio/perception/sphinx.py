"""pocketsphinx with types: the only module that knows its untyped interface. Helper only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pocketsphinx  # pyright: ignore[reportMissingTypeStubs]
from numpy.typing import NDArray

from mosaic_mcp.studio.perception.pronouncing import pronounce

RATE = 16_000
_NOT_WORDS = re.compile(r"^(<.*>|\(NULL\))$")
_SOUNDS = re.compile(r"^[\[+].*[\]+]$")


@dataclass(frozen=True, slots=True)
class Segment:
    """A decoded word: seconds from the start of what was decoded, and its posterior 0..1."""

    word: str
    start: float
    end: float
    confidence: float

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
        """What is said in mono samples at 16 kHz."""
        return self._decode(sound)

    def align(self, words: Sequence[str], sound: NDArray[np.int16]) -> list[Segment] | None:
        """Where each of the words is said, or None when the sound does not fit them."""
        for word in words:
            if self._decoder.lookup_word(word) is None:
                self._decoder.add_word(word, pronounce(word), True)
        try:
            self._decoder.set_align_text(" ".join(words))
            found = [s for s in self._decode(sound) if not s.is_sound]
        except (RuntimeError, ValueError):
            return None
        return found if len(found) == len(words) else None

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
