"""Advice on a graph: what will run, but not as well as it could ("Agent graph best practices")."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mosaic_mcp.contract.graph import Graph
from mosaic_mcp.contract.ordering import before
from mosaic_mcp.contract.params import check_params
from mosaic_mcp.contract.tiles.catalogue import TILE_TYPES
from mosaic_mcp.contract.words import listed


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that could be better, at a node."""

    node: str
    message: str
    advice: str


def lint(graph: Graph, *, hosted: bool = False) -> list[Finding]:
    """Findings by subject, each in topological order; none is an error."""
    return [*_order(graph), *_ends(graph), *_apart(graph), *_incomplete(graph, hosted=hosted)]


def _order(graph: Graph) -> Iterator[Finding]:
    labels = graph.labels()
    for node in graph.order:
        tile = graph.tile(node)
        early: dict[str, list[str]] = {}
        for above in graph.ancestors(node):
            other = graph.tile(above)
            if tile and other and (why := before(tile, other)):
                early.setdefault(why, []).append(labels[above])
        for why, names in early.items():
            yield Finding(node, f"stands after {', '.join(names)}.", why)


def _ends(graph: Graph) -> Iterator[Finding]:
    if not graph.order:
        yield Finding("", "The agent has no tiles.", "Add some.")
    elif not graph.sources:
        yield Finding("", "The agent has no Video Input and generates nothing.", "Add one.")
    for node in graph.order:
        tile, parents = graph.tile(node), graph.parents(node)
        if tile and tile.kind in ("action", "creation") and not parents:
            yield Finding(node, "has nothing before it, so it gets no video.", "Connect it.")
        elif tile and tile.kind == "generation" and parents:
            names = ", ".join(graph.labels()[p] for p in parents)
            yield Finding(
                node,
                f"generates its own media and does nothing to the videos of {names}.",
                "Connect them to the tiles that should change them.",
            )


def _apart(graph: Graph) -> Iterator[Finding]:
    """Several inputs that do not become one output, as one might think."""
    for node in graph.order:
        tile, parents = graph.tile(node), graph.parents(node)
        if tile is None or tile.kind not in ("action", "creation") or len(parents) < 2:
            continue
        if not tile.fan_in and not graph.nodes[node].params_used.get(tile.folds_by):
            names = listed([graph.labels()[parent] for parent in parents])
            folding = next(t for t in TILE_TYPES if t.folds_by)
            yield Finding(
                node,
                f"does each video of {names} by itself.",
                f"To make one video of them, put Montage there, or {folding.name} with "
                f"{folding.folds_by}.",
            )


def _incomplete(graph: Graph, *, hosted: bool) -> Iterator[Finding]:
    """What a run would have to bring, because the agent does not save it."""
    for node in graph.order:
        tile = graph.tile(node)
        if tile is None:
            continue
        saved = graph.nodes[node].params_used
        wrong = check_params(tile, saved, "params", complete=False, hosted=hosted)
        for fault in check_params(tile, saved, "params", hosted=hosted):
            if fault not in wrong:
                yield Finding(
                    node,
                    f"{fault.where.removeprefix('params.')} {fault.what}",
                    "Give it for each run, or save it in the agent.",
                )
