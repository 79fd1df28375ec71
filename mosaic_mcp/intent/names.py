"""Finding what a name means among the names there are: exactly, else if only one can be meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mosaic_mcp.contract.graph import Graph
from mosaic_mcp.contract.words import listed, nearest
from mosaic_mcp.errors import Fault


@dataclass(frozen=True, slots=True)
class Match:
    """The one id that is meant, or the ids that could be."""

    found: str | None
    choices: tuple[str, ...] = ()


def plain(name: str) -> str:
    """A name without what people vary: case, "-" and "_" for spaces, double spaces."""
    return " ".join(name.replace("_", " ").replace("-", " ").split()).casefold()


def match(said: str, names: Mapping[str, Sequence[str]]) -> Match:
    """The id that `said` means, among ids and their names (the first name counts most).

    An id, then a whole name, then the start of a name, then a part of a name; the first of these
    that only one id fits decides.
    """
    if said in names:
        return Match(said)
    wanted = plain(said)
    plains = {key: [plain(n) for n in known] for key, known in names.items()}
    first = tuple(key for key, known in plains.items() if known[:1] == [wanted])
    whole = tuple(key for key, known in plains.items() if wanted in known)
    starts = tuple(k for k, known in plains.items() if any(n.startswith(wanted) for n in known))
    parts = tuple(k for k, known in plains.items() if any(wanted in n for n in known))
    for fitting in (first, whole, starts, parts) if wanted else ():
        if len(fitting) == 1:
            return Match(fitting[0])
        if fitting:
            return Match(None, fitting)
    return Match(None)


class NodeNames:
    """The nodes of an agent by what callers may call them: id, own label, label, tile name."""

    def __init__(self, graph: Graph, own: Mapping[str, str]) -> None:
        self._graph = graph
        self.labels = {**graph.labels(), **{n: o for n, o in own.items() if n in graph.nodes}}
        default = graph.labels()
        self._names = {
            node: (self.labels[node], default[node], tile.name if tile else default[node])
            for node in graph.order
            for tile in [graph.tile(node)]
        }

    def is_name(self, said: str, node: str) -> bool:
        """True when the node is called so, False when a part of its name led to it."""
        return said == node or plain(said) in {plain(name) for name in self._names[node]}

    def find(self, said: str, where: str, among: Sequence[str] | None = None) -> str | Fault:
        """The node that is meant (of `among`, default all), or the fault that tells why none."""
        chosen = self._graph.order if among is None else among
        names = {node: self._names[node] for node in chosen}
        result = match(said, names)
        if result.found is not None:
            return result.found
        labels = [self.labels[node] for node in chosen]
        if result.choices:
            could = listed([repr(self.labels[node]) for node in result.choices])
            return Fault(where, f"{said!r} can mean {could}.", "Say which, by label or id.")
        known = f"{listed(labels)}." if labels else "none."
        return Fault(
            where,
            f"{said!r} is no node of this agent.",
            f"{nearest(said, labels)}Its nodes: {known}",
        )
