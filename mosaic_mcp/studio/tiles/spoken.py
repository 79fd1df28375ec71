"""A text as a source: spoken by the local voice, as fast as the time for it asks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from mosaic_mcp.errors import MediaError
from mosaic_mcp.studio.tiles.tile import TileContext
from mosaic_mcp.studio.timeline.model import Source
from mosaic_mcp.studio.voices.speaking import speak

VERSION = 1
CALM, FASTEST = 160, 205
"""Words a minute: the usual rate, and what one can still follow."""
TRIES = 3


async def spoken(text: str, voice: str, rate: int, context: TileContext) -> Source:
    """The text as a source; Unsupported without a local voice."""

    async def write(path: Path) -> None:
        await speak(text, voice, rate, path)

    recipe = json.dumps(["spoken", VERSION, text, voice, rate])
    name = f"voice ({voice}): {' '.join(text.split())[:40]}.wav"
    return await context.workshop.made(recipe, name, write)


async def spoken_within(
    texts: Sequence[str], voice: str, room: Fraction, pause: Fraction, context: TileContext
) -> list[Source]:
    """The texts one after the other with pauses between, together not longer than `room` seconds.

    Spoken faster where that is needed. Raises MediaError with how many words would fit.
    """
    rate, words = CALM, sum(len(text.split()) for text in texts)
    room -= pause * (len(texts) - 1)
    needed = Fraction(0)
    for _ in range(TRIES):
        await context.report(0.3, f"speaking {words} words")
        made = [await spoken(text, voice, rate, context) for text in texts]
        needed = sum((source.duration for source in made), Fraction(0))
        if needed <= room:
            return made
        faster = int(rate * float(needed / max(room, Fraction(1, 10)))) + 2
        if rate == FASTEST or faster > FASTEST * 1.2:
            break
        rate = min(faster, FASTEST)
    # What the fastest would need, of what is there.
    fit = int(words * float(room / needed) * FASTEST / rate * 0.95)
    raise MediaError(
        f"The script of {words} words takes {float(needed):.0f} s, and the video has room for "
        f"{max(float(room), 0):.0f} s.",
        remedy=f"Shorten it to about {max(fit, 1)} words, or use a longer video.",
    )
