"""What the double of the hosted API remembers: runs and assets."""

from __future__ import annotations

import io
import random
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from PIL import Image

from mosaic_mcp.contract.agents import AgentDetail
from mosaic_mcp.contract.graph import Graph
from mosaic_mcp.contract.runs import NodeStatus, RunRequest, RunStatus

STOPPED = (NodeStatus.failed, NodeStatus.blocked, NodeStatus.cancelled)


@dataclass(frozen=True)
class Ending:
    """How a run goes on: it ends at its `after`-th look, or never by itself (None).

    It takes `seconds` at least, whoever looks.
    """

    status: RunStatus = RunStatus.completed
    outputs: int = 1
    after: int | None = 1
    seconds: float = 0.0
    needs_credits: bool = False
    message: str | None = None
    errors: tuple[str, ...] = ()


@dataclass
class HostedRun:
    """A run of the double."""

    id: str
    agent: AgentDetail
    request: RunRequest
    started_at: datetime
    ending: Ending
    triggered_by: dict[str, Any] | None = None
    began: float = field(default_factory=time.monotonic)
    looks: int = 0
    cancelled: bool = False
    output_ids: list[str] = field(default_factory=list)

    @property
    def ended(self) -> bool:
        if self.cancelled or self.ending.after is None:
            return self.cancelled
        worked = time.monotonic() - self.began >= self.ending.seconds
        return worked and self.looks >= self.ending.after

    @property
    def status(self) -> RunStatus:
        if self.cancelled:
            return RunStatus.cancelled
        return self.ending.status if self.ended else RunStatus.running

    @property
    def nodes(self) -> list[str]:
        return list(Graph.of(self.agent).runnable(self.request.ignore_nodes).nodes)

    def node_status(self, node_id: str) -> NodeStatus:
        """All done, or all but the last, which is where things go wrong."""
        if node_id != self.nodes[-1] or self.status is RunStatus.completed:
            return NodeStatus.completed
        if self.status is RunStatus.running:
            return NodeStatus.running
        return NodeStatus.blocked if self.ending.needs_credits else NodeStatus(self.status)


@dataclass
class Upload:
    """An asset, from its ticket on."""

    id: str
    asset_type: str
    content: bytes | None = None
    name: str = ""
    final: bool = False


def file_content(name: str) -> bytes:
    """The bytes of an output of the double."""
    return random.Random(name).randbytes(300_000)


def thumbnail() -> bytes:
    """A small JPEG."""
    buffer = io.BytesIO()
    Image.new("RGB", (16, 9), "navy").save(buffer, "jpeg")
    return buffer.getvalue()
