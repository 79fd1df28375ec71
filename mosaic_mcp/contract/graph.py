"""The graph of an agent: order, inputs, leaves, labels, and what is left when nodes are ignored."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from mosaic_mcp.contract.agents import AgentDetail
from mosaic_mcp.contract.graph_rules import FLOWS
from mosaic_mcp.contract.node_types import AgentNode
from mosaic_mcp.contract.tiles.catalogue import TileType, tile_type
from mosaic_mcp.errors import Fault, InvalidRequest

Edge = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Graph:
    """A directed acyclic graph of nodes by their template id.

    `order` is topological; nodes that do not depend on each other keep the agent's order, so the
    same agent always has the same labels.
    """

    nodes: Mapping[str, AgentNode]
    edges: tuple[Edge, ...]
    order: tuple[str, ...]

    @classmethod
    def of(cls, detail: AgentDetail) -> Graph:
        """The graph of an agent; raises InvalidRequest when it has a cycle or a loose end."""
        edges = [(c.source_agent_node_id, c.target_agent_node_id) for c in detail.connections]
        return cls.build({n.agent_node_id: n for n in detail.agent_nodes}, edges)

    @classmethod
    def build(cls, nodes: Mapping[str, AgentNode], edges: Collection[Edge]) -> Graph:
        """The graph of these nodes and edges."""
        loose = [e for e in edges if e[0] not in nodes or e[1] not in nodes]
        if loose:
            raise InvalidRequest(
                [
                    Fault("connections", f"{a} → {b} names a node that is not here.")
                    for a, b in loose
                ]
            )
        unique = tuple(dict.fromkeys(edges))
        return cls(dict(nodes), unique, _topological(nodes, unique))

    def parents(self, node_id: str) -> tuple[str, ...]:
        """The nodes whose renders flow into this one, in topological order."""
        sources = {a for a, b in self.edges if b == node_id}
        return tuple(n for n in self.order if n in sources)

    def children(self, node_id: str) -> tuple[str, ...]:
        """The nodes that this one's renders flow to, in topological order."""
        targets = {b for a, b in self.edges if a == node_id}
        return tuple(n for n in self.order if n in targets)

    def tile(self, node_id: str) -> TileType | None:
        """The tile of a node, or None when the catalogue does not know it."""
        kind = self.nodes[node_id].node_type
        return tile_type(kind.node_type_id) or tile_type(kind.node_type_name or "")

    def of_kind(self, *kinds: str) -> tuple[str, ...]:
        """The nodes whose tile is of one of these kinds, in topological order."""
        return tuple(n for n in self.order if (t := self.tile(n)) and t.kind in kinds)

    @property
    def video_inputs(self) -> tuple[str, ...]:
        """The Video Input nodes."""
        return self.of_kind("input")

    @property
    def sources(self) -> tuple[str, ...]:
        """Where videos begin: Video Inputs and tiles that generate."""
        return self.of_kind(*(kind for kind, flow in FLOWS.items() if flow.source))

    @property
    def leaves(self) -> tuple[str, ...]:
        """Nodes without children."""
        return tuple(n for n in self.order if not self.children(n))

    @property
    def output_nodes(self) -> tuple[str, ...]:
        """Nodes whose renders are outputs: the last before a Destination, or a leaf without one."""
        destinations = set(self.of_kind("destination"))
        last = [
            n
            for n in self.order
            if n not in destinations
            and (not self.children(n) or destinations & set(self.children(n)))
        ]
        return tuple(last)

    def labels(self) -> dict[str, str]:
        """Node id -> its tile's name, numbered when the tile stands more than once."""
        names: dict[str, str] = {}
        seen: dict[str, int] = {}
        for node_id in self.order:
            tile = self.tile(node_id)
            kind = self.nodes[node_id].node_type
            name = tile.name if tile else (kind.node_type_name or kind.node_type_id)
            seen[name] = seen.get(name, 0) + 1
            names[node_id] = name if seen[name] == 1 else f"{name} {seen[name]}"
        return names

    def ancestors(self, node_id: str) -> tuple[str, ...]:
        """Every node that leads to this one, in topological order."""
        found: set[str] = set()
        stack = [node_id]
        while stack:
            node = stack.pop()
            new = {a for a, b in self.edges if b == node} - found
            found |= new
            stack += new
        return tuple(n for n in self.order if n in found)

    def runnable(self, ignored: Collection[str] = ()) -> Graph:
        """The graph of one run: ignored nodes are gone, edges go around them.

        "Incoming connections to the node are rewired to its downstream nodes" (Bypassing Nodes
        at Runtime). Triggers start runs of their own and take no part in a run by API; nor does a
        tile that no Video Input or generating tile leads to.
        """
        gone = set(ignored) & set(self.nodes)
        edges = list(self.edges)
        for node in gone:
            into = [a for a, b in edges if b == node]
            out = [b for a, b in edges if a == node]
            edges = [e for e in edges if node not in e]
            edges += [(a, b) for a in into for b in out if (a, b) not in edges]
        left = {n: node for n, node in self.nodes.items() if n not in gone}
        return Graph.build(left, edges)._fed()

    def _fed(self) -> Graph:
        """The nodes that something flows into, and where it comes from.

        A tile that the catalogue does not know counts as a source when nothing leads to it.
        """
        fed = {*self.sources}
        for node in self.order:
            parents = self.parents(node)
            if fed & set(parents) or (not parents and self.tile(node) is None):
                fed.add(node)
        nodes = {n: node for n, node in self.nodes.items() if n in fed}
        return Graph.build(nodes, [e for e in self.edges if fed.issuperset(e)])


def _topological(nodes: Mapping[str, AgentNode], edges: Collection[Edge]) -> tuple[str, ...]:
    sorter: TopologicalSorter[str] = TopologicalSorter(dict.fromkeys(nodes, ()))
    for source, target in edges:
        sorter.add(target, source)
    try:
        sorter.prepare()
    except CycleError as error:
        cycle = " → ".join(str(n) for n in error.args[1])
        raise InvalidRequest(
            [
                Fault(
                    "connections",
                    f"The graph has a cycle: {cycle}.",
                    "Remove one of these connections.",
                    "The graph must be acyclic (post-agent-update)",
                )
            ]
        ) from error
    position = {node: index for index, node in enumerate(nodes)}
    order: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=position.__getitem__)
        order += ready
        sorter.done(*ready)
    return tuple(order)
