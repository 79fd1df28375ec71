"""Webhooks as the hosted API sends them: the contract's events with its plaintext secret."""

from __future__ import annotations

import httpx

from mosaic_mcp.contract.runs import NodeErrors, NodeStatus
from mosaic_mcp.contract.webhooks import (
    SECRET_HEADER,
    Event,
    Flag,
    RunFinishedEvent,
    RunProgressEvent,
    RunStartedEvent,
    UpdatedNode,
)
from tests.support.hosted_double import HostedDouble


def event(double: HostedDouble, run_id: str, flag: Flag) -> Event:
    """What the double has to tell of a run."""
    run = double.runs[run_id]
    summary = double._summary(run)
    head = {
        "agent_id": summary.agent_id,
        "run_id": run_id,
        "status": summary.status,
        "node_status_counts": summary.node_status_counts,
    }
    if flag == "RUN_STARTED":
        return RunStartedEvent(**head, inputs=summary.inputs)
    if flag == "RUN_PROGRESS":
        node = UpdatedNode(original_node_id=run.nodes[0], status=NodeStatus.completed)
        return RunProgressEvent(**head, updated_nodes=(node,))
    wrong = NodeErrors(original_node_id=run.nodes[-1], messages=run.ending.errors)
    return RunFinishedEvent(
        **head,
        status_message=summary.status_message,
        needs_credits=run.ending.needs_credits,
        errors=(wrong,) if run.ending.errors else (),
        inputs=summary.inputs,
        outputs=summary.outputs,
    )


async def send(
    double: HostedDouble, run_id: str, flag: Flag, secret: str | None, url: str | None = None
) -> httpx.Response:
    """Post an event to the run's `callback_url`, or to `url`."""
    to = url or double.runs[run_id].request.callback_url
    assert to is not None
    headers = {"content-type": "application/json"}
    if secret is not None:
        headers[SECRET_HEADER] = secret
    async with httpx.AsyncClient(trust_env=False) as http:
        body = event(double, run_id, flag).model_dump_json()
        return await http.post(to, content=body, headers=headers)
