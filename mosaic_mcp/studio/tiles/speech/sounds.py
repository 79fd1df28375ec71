"""Which sounds stay when words are taken out."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from mosaic_mcp.studio.perception.model import Interval
from mosaic_mcp.studio.tiles.speech.spans import Stretches, merged, without

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
    edges = {at for cut in cuts for at in (cut.start, cut.end)}
    said = Stretches(words)
    stay = [
        part
        for part in left
        if part.duration >= _REMNANT or edges.isdisjoint((part.start, part.end)) or said.touch(part)
    ]
    return merged([*stay, *words])
