"""Explicit ranges of Clips on the hosted engine: each becomes an input with a clip range.

Mosaic's Clips has no such parameter, but an input may be a part of a video. So every video is
given once for each range, and Clips is left out of the run: the same clips come out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mosaic_mcp.contract.graph import Graph
from mosaic_mcp.contract.moments import chosen_moments, misplaced
from mosaic_mcp.contract.params import check_params
from mosaic_mcp.contract.spans import Span
from mosaic_mcp.contract.tiles.params import Moment
from mosaic_mcp.contract.words import listed
from mosaic_mcp.errors import Fault
from mosaic_mcp.intent.inputs import Video


@dataclass(frozen=True, slots=True)
class Spread:
    """What a request becomes, and what to tell of that."""

    videos: dict[str, list[Video]]
    update: dict[str, dict[str, Any]]
    ignored: list[str]
    warnings: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()


def spread(
    videos: Mapping[str, Sequence[Video]],
    update: Mapping[str, Mapping[str, Any]],
    ignored: Sequence[str],
    runnable: Graph,
) -> Spread:
    """The request with every Clips node that has ranges put into its inputs.

    Faults are placed at `update_params.<node>.ranges`.
    """
    done = Spread(
        {node: list(given) for node, given in videos.items()},
        {node: dict(values) for node, values in update.items()},
        list(ignored),
    )
    for node in runnable.order:
        tile = runnable.tile(node)
        values = done.update.get(node, {})
        if tile is None or tile.name != "Clips" or values.get("ranges") is None:
            continue
        faults = check_params(tile, values, f"update_params.{node}")
        faults = faults or list(_faults(node, runnable, done.videos))
        if faults:
            update = {**done.update, node: {k: v for k, v in values.items() if k != "ranges"}}
            done = replace(done, update=update, faults=(*done.faults, *faults))
        else:
            moments = chosen_moments(runnable, done.update)[node]
            done = _put_into_inputs(done, node, moments, runnable)
    return done


def _put_into_inputs(done: Spread, node: str, moments: Sequence[Moment], graph: Graph) -> Spread:
    spans = [Span(start_ms=m.start_ms, end_ms=m.end_ms) for m in moments]
    above = set(graph.ancestors(node))
    videos = {
        place: [replace(v, span=span) for v in given for span in spans] if place in above else given
        for place, given in done.videos.items()
    }
    label = graph.labels()[node]
    told = [
        f"{label}: each of the {len(spans)} ranges is given to Mosaic as an input of its own "
        "(input_clip_start_ms, input_clip_end_ms), and the tile is left out of the run."
    ]
    if any(m.title for m in moments):
        told.append(f"{label}: the hosted engine does not take titles of ranges.")
    return replace(
        done,
        videos=videos,
        update={n: values for n, values in done.update.items() if n != node},
        ignored=[*done.ignored, node],
        warnings=(*done.warnings, *told),
    )


def _faults(node: str, graph: Graph, videos: Mapping[str, Sequence[Video]]) -> Iterator[Fault]:
    """Why ranges of this node cannot be said by clip ranges of the inputs."""
    above = set(graph.ancestors(node))
    ranged = any(not v.span.whole for place in above for v in videos.get(place, ()))
    yield from misplaced(graph, node, ranged=ranged)
    labels = graph.labels()
    children = dict.fromkeys(c for a in graph.ancestors(node) for c in graph.children(a))
    if beside := listed([labels[c] for c in children if c not in {*above, node}]):
        yield Fault(
            f"update_params.{node}.ranges",
            f"would also cut what {beside} gets: on the hosted engine ranges are cut where the "
            "videos come in.",
            f"Leave {beside} out of this run, or run it for itself.",
        )
