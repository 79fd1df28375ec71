"""What is posted to a run's `callback_url` (docs.mosaic.so/api/webhooks/events).

The studio sends these events and the MCP server receives them: as with every answer, fields that a
later version adds are kept.
"""

from __future__ import annotations

from typing import Any, Literal

from mosaic_mcp.contract.base import Response
from mosaic_mcp.contract.runs import (
    NodeErrors,
    NodeStatus,
    NodeStatusCounts,
    RunInput,
    RunOutput,
    RunStatus,
)

SECRET_HEADER = "X-Mosaic-Signature"  # noqa: S105 - a header's name
"""Holds the configured webhook secret in plain text: "direct string compare"."""

Flag = Literal["RUN_STARTED", "RUN_PROGRESS", "RUN_FINISHED"]


class _Event(Response):
    agent_id: str
    run_id: str
    status: RunStatus
    node_status_counts: NodeStatusCounts
    triggered_by: dict[str, Any] | None = None


class RunStartedEvent(_Event):
    """A run began."""

    flag: Literal["RUN_STARTED"] = "RUN_STARTED"
    inputs: tuple[RunInput, ...] = ()


class UpdatedNode(Response):
    """A node whose status changed, with what it has made so far."""

    original_node_id: str | None = None
    status: NodeStatus
    status_message: str | None = None
    errors: tuple[str, ...] = ()
    outputs: tuple[RunOutput, ...] = ()


class RunProgressEvent(_Event):
    """ "When one or more nodes change status"."""

    flag: Literal["RUN_PROGRESS"] = "RUN_PROGRESS"
    updated_nodes: tuple[UpdatedNode, ...] = ()


class RunFinishedEvent(_Event):
    """A run came to its end."""

    flag: Literal["RUN_FINISHED"] = "RUN_FINISHED"
    status_message: str | None = None
    needs_credits: bool = False
    errors: tuple[NodeErrors, ...] = ()
    inputs: tuple[RunInput, ...] = ()
    outputs: tuple[RunOutput, ...] = ()


Event = RunStartedEvent | RunProgressEvent | RunFinishedEvent
