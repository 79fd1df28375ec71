"""Which sounds stay when words are taken out."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from mosaic_mcp.studio.perception.model import Interval
from mosaic_mcp.studio.tiles.speech.spans import merged, touches, without

_REMNANT = Fraction(3, 10)
"""Sound without a word that lies beside a removed word and is shorter than this is the rest of
that word: recognisers mark a drawn-out "uhhh" shorter than it is. Seconds."""


def sounds_without(
    cuts: Sequence[Interval], speech: Sequence[Interval], words: Sequence[Interval]
) -> list[Interval]:
    """Speech and the words that stay, merged, without `cuts` (separate from the words) and
    what remains around them.

    Speech activity alone keeps what no transcript has (laughter); the words keep what is too
    quiet for it (the end of "talks").
    """
    left = without(speech, cuts)
    torn = {part.start for cut in cuts for part in left if _beside(part, cut)}
    stay = [
        part
        for part in left
        if part.start not in torn or part.duration >= _REMNANT or touches(part, words)
    ]
    return merged([*stay, *words])


def _beside(part: Interval, cut: Interval) -> bool:
    return cut.start in (part.end, part.start) or cut.end in (part.start, part.end)
