"""Clips by explicit ranges, and lengths of videos: what a request may ask of a video that is there.

Ranges count in the video as it was given, as its transcript does. So nothing may change its time
before Clips, neither a tile nor a clip range of the input.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from mosaic_mcp.contract.graph import Graph
from mosaic_mcp.contract.graph_rules import CUTS
from mosaic_mcp.contract.runs import (
    ITEM_ARRAYS,
    PLAIN_ARRAYS,
    ClipRange,
    InputArrays,
    RunRequest,
    VideoUrlInput,
)
from mosaic_mcp.contract.tiles.params import Moment
from mosaic_mcp.contract.words import listed
from mosaic_mcp.errors import Fault

RETIMING = CUTS | {"Intro"}
"""Tiles after which a moment of the video is at another time."""
_MOMENTS = TypeAdapter(list[Moment])
SLACK_MS = 100
"""A last word may end this much behind the last picture."""


@dataclass(frozen=True, slots=True)
class Length:
    """How long a video is, and what people call it."""

    name: str
    ms: int

    def __str__(self) -> str:
        return f"{self.name} lasts {_seconds(self.ms)}"


def check_moments(request: RunRequest, runnable: Graph) -> Iterator[Fault]:
    """Faults of ranges that would not mean what their transcript says."""
    ranged = any(_is_ranged(clip) for _, _, clip in _sources(request, runnable))
    for node in chosen_moments(runnable, request.update_params):
        yield from misplaced(runnable, node, ranged=ranged)


def misplaced(graph: Graph, node: str, *, ranged: bool) -> Iterator[Fault]:
    """Faults of a Clips node with ranges before which the video's time changes.

    `ranged` is True when the node's inputs have clip ranges.
    """
    where = f"update_params.{node}.ranges"
    labels = graph.labels()
    tiles = {above: graph.tile(above) for above in graph.ancestors(node)}
    early = listed([labels[n] for n, tile in tiles.items() if tile and tile.name in RETIMING])
    if early:
        yield Fault(
            where,
            f"count in the video as it was given, but {early} changes its time first.",
            f"Leave {early} out of this run, or let it stand after Clips.",
        )
    if ranged:
        yield Fault(
            where,
            "count from the video's own start, and the input has a clip range as well.",
            "Leave the input's range out: the ranges say all.",
        )


def check_lengths(
    request: RunRequest, runnable: Graph, lengths: Mapping[str, Length]
) -> Iterator[Fault]:
    """Faults of ranges that lie behind the end of a video whose length is known.

    `lengths` is by id. An end of an input's range behind the end means the end.
    """
    chosen = chosen_moments(runnable, request.update_params)
    for node, ref, clip in _sources(request, runnable):
        video = lengths.get(ref)
        if video is None:
            continue
        start = clip.input_clip_start_ms
        if start is not None and start >= video.ms:
            yield Fault(
                "input_clip_start_ms",
                f"the part begins at {_seconds(start)}, but {video}: nothing is left.",
                "Give an earlier start.",
            )
        for clips, moments in chosen.items():
            if node in runnable.ancestors(clips):
                yield from _behind(f"update_params.{clips}", moments, video)


def _behind(where: str, moments: Sequence[Moment], video: Length) -> Iterator[Fault]:
    for index, moment in enumerate(moments):
        end, verb, at = "start_ms", "begins", moment.start_ms
        if at < video.ms:
            end, verb, at = "end_ms", "ends", moment.end_ms
        if at > video.ms + SLACK_MS or end == "start_ms":
            yield Fault(
                f"{where}.ranges[{index}].{end}",
                f"the range {verb} at {_seconds(at)}, but {video}.",
                "Take the times from read_transcript.",
            )


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.3f} s"


def chosen_moments(
    graph: Graph, update: Mapping[str, Mapping[str, Any]]
) -> dict[str, list[Moment]]:
    """Clips node -> the ranges that it would cut, saved or given; malformed ones are left out."""
    chosen: dict[str, list[Moment]] = {}
    for node in graph.order:
        tile = graph.tile(node)
        ranges = {**graph.nodes[node].params_used, **update.get(node, {})}.get("ranges")
        if tile and tile.name == "Clips" and ranges is not None:
            with suppress(ValidationError):  # check_params tells it
                chosen[node] = _MOMENTS.validate_python(ranges)
    return chosen


def _sources(request: RunRequest, runnable: Graph) -> Iterator[tuple[str, str, ClipRange]]:
    """Every source: its Video Input, its id or address, its range."""
    places: list[tuple[str, InputArrays]] = [(e.agent_node_id, e) for e in request.video_inputs]
    if not places and runnable.video_inputs:
        places = [(runnable.video_inputs[0], request)]
    for node, arrays in places:
        for name in PLAIN_ARRAYS:
            for ref in getattr(arrays, name):
                yield node, ref, arrays
        for name in ITEM_ARRAYS:
            for item in getattr(arrays, name):
                yield node, item.url if isinstance(item, VideoUrlInput) else item.id, item


def _is_ranged(clip: ClipRange) -> bool:
    return clip.input_clip_start_ms is not None or clip.input_clip_end_ms is not None
