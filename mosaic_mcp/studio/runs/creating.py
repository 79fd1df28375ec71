"""A run made of a request: the runnable graph cloned into runtime nodes, all in one transaction."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from pydantic import BaseModel

from mosaic_mcp import traces
from mosaic_mcp.contract.agents import AgentDetail
from mosaic_mcp.contract.graph import Graph
from mosaic_mcp.contract.params import merged_params
from mosaic_mcp.contract.rules import check_run
from mosaic_mcp.contract.runs import InputArrays, NodeStatus, RunRequest, RunStatus
from mosaic_mcp.errors import Conflict, InvalidRequest
from mosaic_mcp.studio.runs.advancing import advance
from mosaic_mcp.studio.runs.states import now, record
from mosaic_mcp.studio.store.tables import run_inputs, run_nodes, runs

PLAIN = {
    "video_ids": "video",
    "node_render_ids": "render",
    "video_urls": "url",
    "youtube_urls": "youtube",
}
ITEMS = {
    "video_id_inputs": "video",
    "node_render_inputs": "render",
    "video_url_inputs": "url",
    "youtube_url_inputs": "youtube",
}


def request_hash(agent_id: str, request: RunRequest, quality: str) -> str:
    """Equal for equal requests."""
    text = json.dumps([agent_id, request.body(), quality], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def input_specs(arrays: InputArrays) -> Iterator[dict[str, Any]]:
    """The sources of one Video Input in the order of the contract's arrays.

    The range beside plain arrays "applies to all" of them; items have their own.
    """
    shared = _range(arrays)
    for name, kind in PLAIN.items():
        for ref in getattr(arrays, name):
            yield {"kind": kind, "ref": ref, **shared}
    for name, kind in ITEMS.items():
        for item in getattr(arrays, name):
            ref = item.id if kind in ("video", "render") else item.url
            yield {"kind": kind, "ref": ref, **_range(item)}


def _range(clip: BaseModel) -> dict[str, int]:
    both = {
        "start_ms": getattr(clip, "input_clip_start_ms", None),
        "end_ms": getattr(clip, "input_clip_end_ms", None),
    }
    return {key: value for key, value in both.items() if value is not None}


def create_run(
    connection: sa.Connection,
    owner: str,
    agent: AgentDetail,
    request: RunRequest,
    *,
    quality: str,
    idempotency_key: str | None,
    links_at: str | None = None,
) -> str:
    """Write the run with its inputs and nodes; the id.

    The same key with the same request gives the run that it gave before. Raises InvalidRequest
    with all faults before anything is written, Conflict for a key of another request.
    """
    digest = request_hash(agent.agent.id, request, quality)
    if idempotency_key is not None:
        earlier = _by_key(connection, owner, idempotency_key, digest)
        if earlier is not None:
            return earlier
    graph = Graph.of(agent)
    faults = check_run(request, graph)
    if faults:
        raise InvalidRequest(faults)
    runnable = graph.runnable(request.ignore_nodes)
    run_id = str(uuid4())
    connection.execute(
        runs.insert().values(
            id=run_id,
            owner=owner,
            agent_id=agent.agent.id,
            status=RunStatus.running,
            generation=1,
            request=request.body(),
            quality=quality,
            idempotency_key=idempotency_key,
            request_hash=digest,
            callback_url=request.callback_url,
            links_at=links_at,
            started_at=now(),
            updated_at=now(),
            trace=traces.carried(),
        )
    )
    inputs = list(_input_rows(run_id, owner, request, runnable))
    if inputs:
        connection.execute(run_inputs.insert(), inputs)
    connection.execute(run_nodes.insert(), list(_node_rows(run_id, owner, request, runnable)))
    record(connection, owner, run_id, "run.started")
    advance(connection, run_id)
    return run_id


def _by_key(connection: sa.Connection, owner: str, key: str, digest: str) -> str | None:
    row = connection.execute(
        sa.select(runs.c.id, runs.c.request_hash).where(
            runs.c.owner == owner, runs.c.idempotency_key == key
        )
    ).one_or_none()
    if row is None:
        return None
    if row.request_hash != digest:
        raise Conflict(
            f"The idempotency key {key!r} was used with another request.",
            remedy="Use a new key for a new request.",
        )
    return str(row.id)


def _input_rows(
    run_id: str, owner: str, request: RunRequest, graph: Graph
) -> Iterator[dict[str, Any]]:
    tiles = graph.video_inputs
    places: list[tuple[str, InputArrays]] = [
        (entry.agent_node_id, entry) for entry in request.video_inputs
    ]
    if not places and tiles:
        places = [(tiles[0], request)]
    position = 0
    for node, arrays in places:
        for spec in input_specs(arrays):
            yield {
                "id": str(uuid4()),
                "owner": owner,
                "run_id": run_id,
                "node_id": node,
                "position": position,
                "spec": spec,
                "asset_id": spec["ref"] if spec["kind"] == "video" else None,
            }
            position += 1


def _node_rows(
    run_id: str, owner: str, request: RunRequest, graph: Graph
) -> Iterator[dict[str, Any]]:
    outputs = set(graph.output_nodes)
    for position, node_id in enumerate(graph.order):
        node = graph.nodes[node_id]
        params = merged_params(node, request.update_params.get(node_id, {}))
        saved = params.model_dump(mode="json") if isinstance(params, BaseModel) else params
        yield {
            "id": str(uuid4()),
            "owner": owner,
            "run_id": run_id,
            "node_id": node_id,
            "node_type_id": node.node_type.node_type_id,
            "params": saved,
            "needs": list(graph.parents(node_id)),
            "position": position,
            "renders_outputs": node_id in outputs,
            "status": NodeStatus.not_started,
            "errors": [],
            "generation": 1,
            "attempt": 0,
            "progress": 0.0,
            "step": "",
        }
