"""The rules of a graph, as data: what may lead where, and the order that tiles should stand in.

One place for all who need them: graphs and runs read what flows where, updates are refused by it,
`lint` advises by the order, `build_agent` puts a list of tiles into it, and the docs print both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["trigger", "input", "generation", "creation", "action", "destination"]

_MEDIA: frozenset[Kind] = frozenset({"input", "generation", "creation", "action"})


@dataclass(frozen=True, slots=True)
class Flow:
    """How videos flow through the tiles of a kind."""

    takes: str
    gives: str
    after: frozenset[Kind]
    """The kinds that may lead into it."""
    place: int = 1
    """In a line of tiles, lower ones stand before."""
    source: bool = False
    """Videos begin here: it runs without anything before it, and a run cannot leave it out."""
    protected: bool = False
    """ "Protected/system nodes (for example Video Input/Destination/trigger nodes)"."""


FLOWS: Mapping[Kind, Flow] = {
    "trigger": Flow("nothing", "the start of runs", frozenset(), place=-1, protected=True),
    "input": Flow(
        "the videos of the run",
        "each of them",
        frozenset({"trigger"}),
        place=0,
        source=True,
        protected=True,
    ),
    "generation": Flow("nothing that it changes", "what it generates", _MEDIA, source=True),
    "creation": Flow("videos", "each of them with something added", _MEDIA),
    "action": Flow("videos", "each of them changed", _MEDIA),
    "destination": Flow("videos", "nothing: it is the end", _MEDIA, place=2, protected=True),
}

CUTS = frozenset({"Rough Cut", "Clips", "Silence Removal", "Montage"})
"""They decide which moments stay, and so how long a video is."""
OVERLAYS = frozenset(
    {
        "Captions",
        "Cinematic Captions",
        "Captions With Emojis",
        "Motion Graphics",
        "Watermark",
    }
)
"""They are composed on the picture as it is framed."""
STYLES = OVERLAYS | {
    "Color Correction",
    "AI B-Roll",
    "AI Music",
    "AI Voiceover",
    "Intro",
    "Outro",
}


@dataclass(frozen=True, slots=True)
class Advice:
    """On one path, each of `first` should come before any of `then`."""

    first: frozenset[str]
    then: frozenset[str]
    why: str
    """`{then}` stands for the tile that it is said of."""
    source: Literal["Mosaic", "ours"]


ORDER: tuple[Advice, ...] = (
    Advice(
        frozenset({"Clips"}),
        frozenset({"Reframe"}),
        "Place Clips before Reframe: Clips, Reframe, Captions, Destination is Mosaic's own chain.",
        "Mosaic",
    ),
    Advice(
        CUTS - {"Clips"},
        frozenset({"Reframe"}),
        "Place {then} behind the cuts, so that only what stays is framed.",
        "ours",
    ),
    Advice(
        frozenset({"Montage"}),
        frozenset({"AI Music"}),
        "Place Montage before AI Music, which then lies under the whole sequence. To cut on the "
        "beats instead, give music as audio_id of Montage, or connect Audio Generation to Montage "
        "as the agent 'Music-paced montage' does.",
        "ours",
    ),
    Advice(
        frozenset({"Rough Cut", "Clips"}),
        STYLES,
        "For shorter or tighter edits, place Rough Cut and/or Clips before style-heavy nodes such "
        "as {then}.",
        "Mosaic",
    ),
    Advice(
        frozenset({"Silence Removal"}),
        STYLES,
        "Place Silence Removal before {then}, so that nothing of it is cut away.",
        "ours",
    ),
    Advice(
        frozenset({"Montage"}),
        STYLES - {"AI Music"},
        "Place Montage before {then}, so that nothing of it is cut away.",
        "ours",
    ),
    Advice(
        CUTS - {"Montage"},
        frozenset({"Montage"}),
        "Place Montage after Rough Cut and Clips, so that it puts together what they chose.",
        "Mosaic",
    ),
    Advice(
        frozenset({"Reframe"}),
        OVERLAYS,
        "Place Reframe before Captions, Cinematic Captions, Motion Graphics, and Watermark, so "
        "that overlays are composed against the final framing.",
        "Mosaic",
    ),
    Advice(
        frozenset({"AI B-Roll"}),
        OVERLAYS,
        "Place AI B-Roll before captions, graphics and Watermark, so that they stand on its "
        "pictures too.",
        "ours",
    ),
    Advice(
        CUTS | {"Voice", "AI Voiceover", "Intro", "Outro"},
        frozenset({"Audio Enhance"}),
        "Place Audio Enhance last of what is heard, so that the loudness of the whole is even.",
        "ours",
    ),
)
"""Mosaic's: "Agent graph best practices" of Run Agent, and its skill (mosaic_contract §10.4)."""


def may_lead(source: Kind, target: Kind) -> bool:
    """True when a connection from one kind of tile to the other is allowed."""
    return source in FLOWS[target].after
