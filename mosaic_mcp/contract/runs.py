"""Runs: what Run Agent accepts, and what Get Agent Run and its neighbours answer.

Sources: the seed pages Run Agent (post-agent-run) and Get Agent Run (get-agent-run); for nodes,
resume, cancel and lists docs.mosaic.so/api/agent-runs/. Rules that need more than one field or
the agent's graph are in `rules.py`, so that all faults of a request are reported at once.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field

from mosaic_mcp.contract.base import Id, Page, Request, Response
from mosaic_mcp.contract.node_types import NodeType

Offset = Annotated[int, Field(ge=0, strict=True)]
"""Milliseconds from the start of a source."""


class ClipRange(Request):
    """A part of a source. Either end may stand alone: "independent optional fields"."""

    input_clip_start_ms: Offset | None = None
    input_clip_end_ms: Offset | None = None


class VideoIdInput(ClipRange):
    """An uploaded video, with its own range."""

    id: Id


class NodeRenderInput(ClipRange):
    """A previous render output, with its own range."""

    id: Id


class VideoUrlInput(ClipRange):
    """An HTTP or HTTPS address of a video file, with its own range."""

    url: Annotated[str, Field(min_length=1, max_length=4096)]


class YoutubeUrlInput(VideoUrlInput):
    """A YouTube address, with its own range."""


class MimirAsset(ClipRange):
    """A Mimir item. "artifact … highres, proxy, or auto; defaults to highres"."""

    id: Id
    artifact: Literal["highres", "proxy", "auto"] = "highres"


class InputArrays(ClipRange):
    """The ways to name sources; the clip fields apply to the plain string arrays."""

    video_ids: tuple[Id, ...] = ()
    node_render_ids: tuple[Id, ...] = ()
    video_urls: tuple[str, ...] = ()
    youtube_urls: tuple[str, ...] = ()
    video_id_inputs: tuple[VideoIdInput, ...] = ()
    node_render_inputs: tuple[NodeRenderInput, ...] = ()
    video_url_inputs: tuple[VideoUrlInput, ...] = ()
    youtube_url_inputs: tuple[YoutubeUrlInput, ...] = ()
    mimir_assets: tuple[MimirAsset, ...] = ()

    @property
    def has_sources(self) -> bool:
        """True when at least one array is not empty."""
        return self.count > 0

    @property
    def count(self) -> int:
        """How many sources the arrays name."""
        return sum(len(getattr(self, name)) for name in SOURCE_ARRAYS)


PLAIN_ARRAYS = ("video_ids", "node_render_ids", "video_urls", "youtube_urls")
ITEM_ARRAYS = (
    "video_id_inputs",
    "node_render_inputs",
    "video_url_inputs",
    "youtube_url_inputs",
    "mimir_assets",
)
SOURCE_ARRAYS = PLAIN_ARRAYS + ITEM_ARRAYS


class VideoInputEntry(InputArrays):
    """The sources of one Video Input tile."""

    agent_node_id: Id


class RunRequest(InputArrays):
    """The body of POST /agent/{agent_id}/run.

    Top-level arrays are "shorthand for single-input runs"; `video_inputs` is the canonical form.
    """

    video_inputs: tuple[VideoInputEntry, ...] = ()
    callback_url: str | None = None
    update_params: dict[str, dict[str, Any]] = Field(default_factory=dict[str, dict[str, Any]])
    ignore_nodes: tuple[Id, ...] = ()

    @property
    def count_all(self) -> int:
        """How many sources the run has, over all its Video Inputs."""
        return self.count + sum(entry.count for entry in self.video_inputs)

    def body(self) -> dict[str, Any]:
        """The JSON that is posted: only what was said."""
        return self.model_dump(mode="json", exclude_unset=True)


class RunStarted(Response):
    """The answer of Run Agent."""

    run_id: str


class RunStatus(StrEnum):
    """ "Status Values" of Get Agent Run. There is no `queued` at run level."""

    running = "running"
    completed = "completed"
    partial_complete = "partial_complete"
    failed = "failed"
    cancelled = "cancelled"

    @property
    def terminal(self) -> bool:
        """True when nothing more will happen without a resume."""
        return self is not RunStatus.running


class NodeStatus(StrEnum):
    """Runtime node states seen across the docs (mosaic_contract §3)."""

    not_started = "not_started"
    queued = "queued"
    running = "running"
    blocked = "blocked"
    completed = "completed"
    partial_complete = "partial_complete"
    failed = "failed"
    cancelled = "cancelled"


class NodeStatusCounts(Response):
    """Buckets: completed|partial_complete, running|queued, failed|blocked (mosaic_contract §11)."""

    completed: int = 0
    in_progress: int = 0
    failed: int = 0


class NodeErrors(Response):
    """ "Error messages grouped by template node."""

    original_node_id: str | None = None
    messages: tuple[str, ...] = ()


class RunInput(Response):
    """One source of a run."""

    video_url: str | None = None
    thumbnail_url: str | None = None


def _is_none(value: object) -> bool:
    return value is None


class RunOutput(Response):
    """One finished render. `video_url` is a signed URL "valid for 7 days"."""

    id: str
    video_url: str
    thumbnail_url: str | None = None
    premiere_prproj_url: str | None = None
    completed_at: datetime | None = None
    original_node_id: str | None = None
    files_deleted_at: Annotated[datetime | None, Field(exclude_if=_is_none)] = None
    """Ours: since then the links lead nowhere; resuming the run makes the files again."""


class AgentRun(Response):
    """The answer of GET /agent_run/{run_id}."""

    agent_id: str
    started_at: datetime
    status: RunStatus
    status_message: str | None = None
    needs_credits: bool = False
    errors: tuple[NodeErrors, ...] = ()
    node_status_counts: NodeStatusCounts = NodeStatusCounts()
    inputs: tuple[RunInput, ...] = ()
    outputs: tuple[RunOutput, ...] = ()


class RunNode(Response):
    """One runtime node; `original_node_id` is its template node."""

    agent_node_id: str
    original_node_id: str | None = None
    status: NodeStatus
    status_message: str | None = None
    errors: tuple[str, ...] = ()
    node_type: NodeType
    needs_credits: bool = False


class RunNodes(Response):
    """The answer of GET /agent_run/{run_id}/nodes."""

    run_id: str
    nodes: tuple[RunNode, ...] = ()


class RunCancelled(Response):
    """The answer of POST /agent_run/{run_id}/cancel."""

    success: bool = True
    run_id: str
    tasks_cancelled: int = 0
    nodes_reset: int = 0
    message: str = "Agent run cancelled successfully"


class RunResumed(Response):
    """The answer of POST /agent_run/{run_id}/resume; `agent_state_id` equals `run_id`."""

    success: bool = True
    run_id: str
    agent_state_id: str
    nodes_queued: int = 0
    nodes_considered: int = 0
    requeued_nodes: int = 0
    requeued_node_tasks_detached: int = 0
    requeued_node_active_tasks_cancelled: int = 0
    requeued_node_active_tasks_total: int = 0


class RunSummary(Response):
    """A run in a list. Summaries carry neither `needs_credits` nor `errors`."""

    run_id: str
    agent_id: str
    status: RunStatus
    status_message: str | None = None
    started_at: datetime
    updated_at: datetime
    node_status_counts: NodeStatusCounts = NodeStatusCounts()
    inputs: tuple[RunInput, ...] = ()
    outputs: tuple[RunOutput, ...] = ()
    triggered_by: dict[str, Any] | None = None


class RunList(Page):
    """The answer of GET /agent_runs and GET /agent/{agent_id}/runs."""

    runs: tuple[RunSummary, ...] = ()
