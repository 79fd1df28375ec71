"""Changing an agent's graph by ordered operations (post-agent-update). Pure: no I/O."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from mosaic_mcp.contract.agents import (
    AgentDetail,
    Connection,
    CreateConnection,
    CreatedNode,
    CreateNode,
    DeleteConnection,
    DeleteNode,
    Operation,
    UpdateNode,
)
from mosaic_mcp.contract.graph import Graph
from mosaic_mcp.contract.graph_rules import Kind, may_lead
from mosaic_mcp.contract.node_types import AgentNode
from mosaic_mcp.contract.params import check_params
from mosaic_mcp.contract.tiles.catalogue import TILE_TYPES, TileType, tile_type
from mosaic_mcp.contract.words import nearest
from mosaic_mcp.errors import Fault, InvalidRequest


def apply_operations(
    detail: AgentDetail, operations: Sequence[Operation], new_id: Callable[[], str]
) -> tuple[AgentDetail, list[CreatedNode]]:
    """The agent after all operations, and the ids of the created nodes.

    All or nothing: raises InvalidRequest with every fault, and then nothing has changed.
    """
    draft = _Draft.of(detail, new_id)
    for index, operation in enumerate(operations):
        draft.where = f"operations[{index}]"
        draft.apply(operation)
    if not draft.faults:
        _check_shape(draft)
    if draft.faults:
        raise InvalidRequest(draft.faults)
    changed = detail.model_copy(
        update={
            "agent_nodes": tuple(draft.nodes.values()),
            "connections": tuple(
                Connection(source_agent_node_id=a, target_agent_node_id=b) for a, b in draft.edges
            ),
        }
    )
    return changed, draft.created


@dataclass(slots=True)
class _Draft:
    nodes: dict[str, AgentNode]
    edges: list[tuple[str, str]]
    new_id: Callable[[], str]
    references: dict[str, str] = field(default_factory=dict[str, str])
    created: list[CreatedNode] = field(default_factory=list[CreatedNode])
    faults: list[Fault] = field(default_factory=list[Fault])
    where: str = ""

    @classmethod
    def of(cls, detail: AgentDetail, new_id: Callable[[], str]) -> _Draft:
        nodes = {n.agent_node_id: n for n in detail.agent_nodes}
        edges = [(c.source_agent_node_id, c.target_agent_node_id) for c in detail.connections]
        return cls(nodes, edges, new_id)

    def fault(self, what: str, remedy: str = "", *, at: str = "") -> None:
        self.faults.append(Fault(f"{self.where}{at}", what, remedy))

    def apply(self, operation: Operation) -> None:
        match operation:
            case CreateNode():
                self._create(operation)
            case UpdateNode():
                self._update(operation)
            case DeleteNode():
                if self._known(operation.agent_node_id):
                    del self.nodes[operation.agent_node_id]
                    self.edges = [e for e in self.edges if operation.agent_node_id not in e]
            case CreateConnection():
                self._connect(operation)
            case DeleteConnection():
                self._disconnect(operation)

    def _create(self, operation: CreateNode) -> None:
        tile = tile_type(operation.node_type_id)
        if tile is None:
            guess = nearest(operation.node_type_id, [t.node_type_id for t in TILE_TYPES])
            self.fault(
                f"There is no node type {operation.node_type_id!r}.",
                f"{guess}GET /node_types lists them.",
                at=".node_type_id",
            )
            return
        reference = operation.temp_ref_id
        if reference is not None and reference in self.references:
            self.fault(f"temp_ref_id {reference!r} is used twice.", at=".temp_ref_id")
        self._check_params(tile, operation.params_used)
        node_id = self.new_id()
        self.nodes[node_id] = AgentNode(
            agent_node_id=node_id, node_type=tile.node_type(), params_used=operation.params_used
        )
        if reference is not None:
            self.references[reference] = node_id
        self.created.append(
            CreatedNode(
                agent_node_id=node_id, temp_ref_id=reference, node_type_id=tile.node_type_id
            )
        )

    def _update(self, operation: UpdateNode) -> None:
        if not self._known(operation.agent_node_id):
            return
        node = self.nodes[operation.agent_node_id]
        # "update_node": the patch is merged into the current parameters.
        merged = {**node.params_used, **operation.params_used}
        tile = tile_type(node.node_type.node_type_id)
        if tile is not None:
            self._check_params(tile, merged)
        self.nodes[operation.agent_node_id] = node.model_copy(update={"params_used": merged})

    def _check_params(self, tile: TileType, params: dict[str, object]) -> None:
        self.faults += check_params(tile, params, f"{self.where}.params_used", complete=False)

    def _connect(self, operation: CreateConnection) -> None:
        source = self._end(operation.source_agent_node_id, operation.source_temp_ref_id, "source")
        target = self._end(operation.target_agent_node_id, operation.target_temp_ref_id, "target")
        if source is None or target is None:
            return
        if (source, target) in self.edges:
            self.fault("This connection is there already.", "Leave the operation out.")
        self.edges.append((source, target))

    def _disconnect(self, operation: DeleteConnection) -> None:
        source = self._end(operation.source_agent_node_id, operation.source_temp_ref_id, "source")
        target = self._end(operation.target_agent_node_id, operation.target_temp_ref_id, "target")
        if source is None or target is None:
            return
        if (source, target) not in self.edges:
            self.fault("There is no such connection.", "GET /agent/{agent_id} lists them.")
            return
        self.edges.remove((source, target))

    def _end(self, node_id: str | None, reference: str | None, end: str) -> str | None:
        if (node_id is None) == (reference is None):
            self.fault(f"Give {end}_agent_node_id or {end}_temp_ref_id, one of the two.")
            return None
        if node_id is not None:
            return node_id if self._known(node_id) else None
        if reference not in self.references:
            self.fault(
                f"No earlier operation has temp_ref_id {reference!r}.",
                "Create the node before connecting it.",
                at=f".{end}_temp_ref_id",
            )
        return self.references.get(reference or "")

    def _known(self, node_id: str) -> bool:
        if node_id in self.nodes:
            return True
        self.fault(
            f"There is no node {node_id!r} in this agent.",
            f"{nearest(node_id, list(self.nodes))}GET /agent/{{agent_id}} lists them.",
        )
        return False


def _check_shape(draft: _Draft) -> None:
    """Acyclic, and connected in the right direction."""
    draft.where = "operations"
    try:
        graph = Graph.build(draft.nodes, draft.edges)
    except InvalidRequest as error:
        draft.faults += error.faults
        return
    labels = graph.labels()
    for source, target in graph.edges:
        out_of, into = _kind(graph.tile(source)), _kind(graph.tile(target))
        if may_lead(out_of, into):
            continue
        if out_of == "destination":
            draft.fault(f"{labels[source]} is the end: nothing can follow it.")
        elif out_of == "trigger":
            draft.fault(f"{labels[source]} starts runs: it can lead into a Video Input only.")
        else:
            draft.fault(f"Nothing but a trigger can lead into {labels[target]}.")


def _kind(tile: TileType | None) -> Kind:
    """A tile that we do not know edits, as most do."""
    return tile.kind if tile else "action"
