"""A run's events as the contract shows them, made from its rows.

Links are made when an event is sent: it may wait for days, and a link ends sooner.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import TypeAdapter

from mosaic_mcp.contract.runs import AgentRun, RunOutput
from mosaic_mcp.contract.webhooks import (
    Event,
    Flag,
    RunFinishedEvent,
    RunProgressEvent,
    RunStartedEvent,
    UpdatedNode,
)
from mosaic_mcp.studio.runs.views import RunRows
from mosaic_mcp.studio.signing import Links, Signer

EVENTS: TypeAdapter[Event] = TypeAdapter(Event)
_UNSIGNED = Links("", Signer(b""))
"""Its links lead nowhere: `with_links` replaces them."""


def event_of(rows: RunRows, flag: Flag, node_id: str | None) -> Event:
    """What is to be told of the run as it is now; of progress, that of the node `node_id`."""
    view = rows.view(_UNSIGNED)
    head: dict[str, Any] = {
        "agent_id": view.agent_id,
        "run_id": rows.run["id"],
        "status": view.status,
        "node_status_counts": view.node_status_counts,
    }
    if flag == "RUN_STARTED":
        return RunStartedEvent(**head, inputs=view.inputs)
    if flag == "RUN_PROGRESS":
        return RunProgressEvent(**head, updated_nodes=tuple(_updated(rows, view, node_id)))
    return RunFinishedEvent(
        **head,
        status_message=view.status_message,
        needs_credits=view.needs_credits,
        errors=view.errors,
        inputs=view.inputs,
        outputs=view.outputs,
    )


def _updated(rows: RunRows, view: AgentRun, node_id: str | None) -> Iterable[UpdatedNode]:
    for node in rows.nodes_view().nodes:
        if node.original_node_id == node_id:
            yield UpdatedNode(
                original_node_id=node_id,
                status=node.status,
                status_message=node.status_message,
                errors=node.errors,
                outputs=tuple(o for o in view.outputs if o.original_node_id == node_id),
            )


def merged(older: RunProgressEvent, newer: RunProgressEvent) -> RunProgressEvent:
    """One event for both: the newer one, and the nodes that only the older one tells of."""
    told = {node.original_node_id for node in newer.updated_nodes}
    kept = tuple(node for node in older.updated_nodes if node.original_node_id not in told)
    return newer.model_copy(update={"updated_nodes": (*kept, *newer.updated_nodes)})


def with_links(event: Event, now: AgentRun) -> Event:
    """The event with the links that its run has now; outputs that are gone are left out."""
    links = {output.id: output for output in now.outputs}

    def linked(outputs: Iterable[RunOutput]) -> tuple[RunOutput, ...]:
        return tuple(links[output.id] for output in outputs if output.id in links)

    if isinstance(event, RunStartedEvent):
        return event.model_copy(update={"inputs": now.inputs})
    if isinstance(event, RunFinishedEvent):
        return event.model_copy(update={"inputs": now.inputs, "outputs": linked(event.outputs)})
    nodes = tuple(
        node.model_copy(update={"outputs": linked(node.outputs)}) for node in event.updated_nodes
    )
    return event.model_copy(update={"updated_nodes": nodes})
