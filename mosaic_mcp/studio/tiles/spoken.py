"""A text as a source: spoken by the local voice, as fast as the time for it asks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from mosaic_mcp.contract.extensions import BringTranscript
from mosaic_mcp.contract.languages import base, language_tag
from mosaic_mcp.errors import MediaError
from mosaic_mcp.studio.tiles.tile import TileContext
from mosaic_mcp.studio.timeline.model import Source
from mosaic_mcp.studio.voices.speaking import speak, tells_words

VERSION = 3
CALM, FASTEST = 160, 205
"""Words a minute: the usual rate, and what one can still follow."""
TRIES = 3


async def spoken(text: str, voice: str, rate: int, context: TileContext) -> Source:
    """The text as a source that carries it as its transcript; Unsupported without a local voice."""

    async def write(path: Path) -> BringTranscript | None:
        said = await speak(text, voice, rate, path)
        tongue = voice.partition("+")[0]  # "en-gb-x-rp+f3" is English, whatever the accent
        language = language_tag(tongue) or language_tag(base(tongue))
        return BringTranscript(text=said, language=language) if said else None

    recipe = json.dumps(["spoken", VERSION, tells_words(), text, voice, rate])
    name = f"voice ({voice}): {' '.join(text.split())[:40]}.wav"
    return await context.sounds.made(recipe, name, write)


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
