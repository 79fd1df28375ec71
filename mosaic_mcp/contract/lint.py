"""Advice on a graph: what will run, but not as well as it could ("Agent graph best practices")."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mosaic_mcp.contract.graph import Graph
from mosaic_mcp.contract.params import check_params

CUTS = frozenset({"Rough Cut", "Clips", "Silence Removal", "Montage"})
STYLES = frozenset(
    {
        "Captions",
        "Cinematic Captions",
        "Captions With Emojis",
        "Motion Graphics",
        "Watermark",
        "Color Correction",
        "AI Music",
        "Intro",
        "Outro",
    }
)
COMPOSED = frozenset({"Captions", "Cinematic Captions", "Motion Graphics", "Watermark"})


@dataclass(frozen=True, slots=True)
class Advice:
    """Of two tiles on one path, `first` should come before any of `then`."""

    first: frozenset[str]
    then: frozenset[str]
    why: str


ORDER: tuple[Advice, ...] = (
    Advice(
        CUTS,
        STYLES,
        "For shorter or tighter edits, place Rough Cut and/or Clips before style-heavy nodes.",
    ),
    Advice(
        frozenset({"Reframe"}),
        COMPOSED,
        "Place Reframe before Captions, Cinematic Captions, Motion Graphics, and Watermark, so "
        "that overlays are composed against the final framing.",
    ),
)


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
        for advice in ORDER:
            if tile is None or tile.name not in advice.first:
                continue
            early = [
                labels[a]
                for a in _ancestors(graph, node)
                if (t := graph.tile(a)) and t.name in advice.then
            ]
            if early:
                yield Finding(node, f"stands after {', '.join(early)}.", advice.why)


def _ends(graph: Graph) -> Iterator[Finding]:
    if not graph.order:
        yield Finding("", "The agent has no tiles.", "Add some.")
    elif not graph.video_inputs and not graph.of_kind("generation"):
        yield Finding("", "The agent has no Video Input and generates nothing.", "Add one.")
    for node in graph.order:
        tile = graph.tile(node)
        if tile and tile.kind in ("action", "creation") and not graph.parents(node):
            yield Finding(node, "has nothing before it, so it gets no video.", "Connect it.")


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


def _ancestors(graph: Graph, node: str) -> set[str]:
    found: set[str] = set()
    stack = list(graph.parents(node))
    while stack:
        parent = stack.pop()
        if parent not in found:
            found.add(parent)
            stack += graph.parents(parent)
    return found
