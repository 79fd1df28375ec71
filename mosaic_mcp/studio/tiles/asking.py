"""What tiles will ask about a video, known before they begin.

Only what they ask without fail: what is perceived for nothing keeps the machine from other work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from mosaic_mcp.contract.tiles.params import ClipsParams, ReframeParams, SilenceRemovalParams
from mosaic_mcp.studio.tiles import clips
from mosaic_mcp.studio.tiles.speech.heard import sounding_sources
from mosaic_mcp.studio.timeline.model import Timeline

Asked = Literal["speech", "words", "faces"]

CHOOSE = {"Clips", "Montage"}
"""They leave most of a video out: the tiles behind them look at what is left."""


def _clips(params: ClipsParams, timeline: Timeline) -> set[Asked]:
    if params.ranges is not None or clips.plan(timeline.duration, params)[0] == 0:
        return set()
    return {"speech", "words"}


def _silence(params: SilenceRemovalParams, timeline: Timeline) -> set[Asked]:
    known = any(source.transcript for source in sounding_sources(timeline))
    return {"speech", "words"} if params.remove_filler_words or known else {"speech"}


def _reframe(params: ReframeParams, _timeline: Timeline) -> set[Asked]:
    return set() if params.zoom_out else {"faces"}


def _words(_params: Any, _timeline: Timeline) -> set[Asked]:
    return {"words"}


ASKED: Mapping[str, Callable[[Any, Timeline], set[Asked]]] = {
    "Clips": _clips,
    "Rough Cut": lambda _params, _timeline: {"speech", "words"},
    "Silence Removal": _silence,
    "Reframe": _reframe,
    "Captions": _words,
    "Cinematic Captions": _words,
    "Captions With Emojis": _words,
}
"""By the contract's name of a tile; of the others nothing is known before they begin."""
