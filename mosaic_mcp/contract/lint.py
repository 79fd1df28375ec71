"""Advice on a graph: what will run, but not as well as it could ("Agent graph best practices")."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mosaic_mcp.contract.graph import Graph
from mosaic_mcp.contract.ordering import before
from mosaic_mcp.contract.params import check_params


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that could be better, at a node."""

    node: str
    message: str
    advice: str


def lint(graph: Graph) -> list[Finding]:
    """Findings by subject, each in topological order; none is an error."""
    return [*_order(graph), *_ends(graph), *_incomplete(graph)]


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


def _incomplete(graph: Graph) -> Iterator[Finding]:
    """What a run would have to bring, because the agent does not save it."""
    for node in graph.order:
        tile = graph.tile(node)
        if tile is None:
            continue
        saved = graph.nodes[node].params_used
        wrong = check_params(tile, saved, "params", complete=False)
        for fault in check_params(tile, saved, "params"):
            if fault not in wrong:
                yield Finding(
                    node,
                    f"{fault.where.removeprefix('params.')} {fault.what}",
                    "Give it for each run, or save it in the agent.",
                )
