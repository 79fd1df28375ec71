"""What a plan remarks on a request that may run: how words were taken, what has no effect."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mosaic_mcp.contract.graph import Graph
from mosaic_mcp.contract.spans import Span
from mosaic_mcp.contract.words import listed
from mosaic_mcp.errors import Fault
from mosaic_mcp.intent.names import NodeNames

CHOOSING = ("prompt", "num_clips", "target_duration")
"""How Clips chooses, where no ranges say what it cuts."""


def taken_nodes(said: Iterable[str], names: NodeNames) -> Iterator[str]:
    """Which node was meant by a word that is not its name: `Clip` by the only one with Clips."""
    for word in dict.fromkeys(said):
        node = names.find(word, "")
        if not isinstance(node, Fault) and not names.is_name(word, node):
            yield f"{word!r} is taken for the node {names.labels[node]!r}."


def taken_spans(spans: Iterable[tuple[object, Span]]) -> Iterator[str]:
    """Which part of a video was meant by each word for one."""
    for said, span in {str(said): span for said, span in spans}.items():
        yield f"clip {said!r} is taken as {span}."


def without_effect(
    update: Mapping[str, Mapping[str, Any]], runnable: Graph, names: NodeNames
) -> Iterator[str]:
    """Parameters of this run that do nothing, because ranges say what Clips cuts."""
    for node, values in update.items():
        tile = runnable.tile(node) if node in runnable.nodes else None
        given = [name for name in CHOOSING if values.get(name)]
        if tile is None or tile.name != "Clips" or not given:
            continue
        ranges = {**runnable.nodes[node].params_used, **values}.get("ranges")
        if not ranges:
            continue
        saved = values.get("ranges") is None
        does = "has" if len(given) == 1 else "have"
        remedy = "Leave the ranges out" if not saved else "Give ranges=null with it"
        yield (
            f"{names.labels[node]}: {listed(given)} {does} no effect, because the "
            f"{len(ranges)} ranges {'saved in the agent' if saved else 'given'} say what is cut. "
            f"{remedy} to let it choose."
        )
