"""Cuts of the tiles that cut by themselves, against the words that are truly said."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import Any

from mosaic_mcp.contract.tiles.params import ClipsParams, RoughCutParams, SilenceRemovalParams
from mosaic_mcp.studio.tiles import clips, rough_cut, silence_removal
from mosaic_mcp.studio.timeline.edit import snap
from tests.benchmarks.known import Talk, perception, uncut
from tests.support.tiles import context, ranges

EDGE = Fraction(3, 100)
"""A word's edge may be cut by so much: truth itself is no better."""


@dataclasses.dataclass(frozen=True)
class Cutter:
    """A tile that cuts by itself."""

    name: str
    tile: Any
    params: Any
    takes_fillers: bool = False
    """Where the words are known fillers go: those may be cut anywhere."""


SILENCES = Cutter("Silence Removal", silence_removal, SilenceRemovalParams())
FILLERS = Cutter(
    "... with fillers",
    silence_removal,
    SilenceRemovalParams(remove_filler_words=True),
    takes_fillers=True,
)
ROUGH = Cutter(
    "Rough Cut",
    rough_cut,
    RoughCutParams(prompt="Remove silences, filler words and repetitions"),
    takes_fillers=True,
)
PASSAGES = Cutter("Clips", clips, ClipsParams(num_clips=4, target_duration=5))


async def torn(talk: Talk, cutter: Cutter, *, brought: bool) -> tuple[int, list[str]]:
    """How many cuts there are, and the words that one of them is inside.

    With `brought` the words are those of the user's subtitles, else what a bare machine hears.
    """
    timeline = await uncut(talk, brought=brought)
    known = dataclasses.replace(context(None), perception=perception(talk))  # type: ignore[arg-type]
    made = await cutter.tile.apply([timeline], cutter.params, known)
    source = timeline.clips[0].source
    edges = [edge for one in made for span in ranges(snap(one), source) for edge in span]
    inside = [
        word.text
        for edge in edges
        for word in talk.words
        if word.start + EDGE < edge < word.end - EDGE
        and not (word.filler and brought and cutter.takes_fillers)
    ]
    return len(edges), inside
