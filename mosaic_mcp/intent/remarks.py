"""What a plan remarks on a request that may run: how words were taken, what has no effect."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mosaic_mcp.contract.graph import Graph
from mosaic_mcp.contract.spans import Span
from mosaic_mcp.contract.tiles.params import OwnOrMosaics
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
    """Parameters of this run that do nothing, because another one of the node says so."""
    for node, values in update.items():
        tile = runnable.tile(node) if node in runnable.nodes else None
        if tile is None or tile.params is None:
            continue
        saved = runnable.nodes[node].params_used
        label = names.labels[node]
        if tile.name == "Clips":
            yield from _beside_ranges(values, saved, label)
        elif issubclass(tile.params, OwnOrMosaics):
            yield from _beside_mosaics(tile.params, values, saved, label)


def _beside_ranges(
    values: Mapping[str, Any], saved: Mapping[str, Any], label: str
) -> Iterator[str]:
    given = [name for name in CHOOSING if values.get(name)]
    ranges = {**saved, **values}.get("ranges")
    if not given or not ranges:
        return
    kept = values.get("ranges") is None
    does = "has" if len(given) == 1 else "have"
    remedy = "Leave the ranges out" if not kept else "Give ranges=null with it"
    yield (
        f"{label}: {listed(given)} {does} no effect, because the {len(ranges)} ranges "
        f"{'saved in the agent' if kept else 'given'} say what is cut. {remedy} to let it choose."
    )


def _beside_mosaics(
    tile: type[OwnOrMosaics], values: Mapping[str, Any], saved: Mapping[str, Any], label: str
) -> Iterator[str]:
    if values.get(tile.file) is None or {**saved, **values}.get(tile.switch) != "mosaic":
        return
    where = "given" if tile.switch in values else "saved in the agent"
    yield (
        f"{label}: {tile.file} has no effect, because {tile.switch} is 'mosaic' as {where}. Give "
        f"{tile.switch}='custom' with it."
    )
