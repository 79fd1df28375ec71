"""What the tools answer, as models: their fields are the published output schemas."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from mosaic_mcp.server.results import Answer


class Line(BaseModel):
    """Base of the rows in an answer."""

    model_config = ConfigDict(extra="forbid")


class StepLine(Line):
    """One node of a run."""

    node: str
    status: str
    percent: int | None = None
    doing: str | None = None


class ErrorLine(Line):
    """What went wrong in one node."""

    node: str
    messages: tuple[str, ...]


class OutputLine(Line):
    """One finished video."""

    output_id: str
    node: str | None = None
    name: str | None = None
    duration_s: float | None = None
    width: int | None = None
    height: int | None = None
    size_bytes: int | None = None
    quality: str | None = Field(default=None, description="draft: for looking only")
    path: str | None = Field(default=None, description="File on this machine")
    url: str | None = None
    url_expires_at: str | None = None
    thumbnail: str | None = None
    timeline_zip: str | None = Field(default=None, description="Premiere/Resolve timeline")
    subtitles: str | None = None
    missing_words: str | None = Field(default=None, description="What subtitles leave out")
    image: str | None = Field(default=None, description="The picture that the video shows")
    saved_to: str | None = None
    deleted: str | None = None


class RunAnswer(Answer):
    """A run as it stands, or the request that would start one (`dry_run`)."""

    status: str
    summary: str
    run_id: str | None = None
    percent: int | None = None
    steps: tuple[StepLine, ...] = ()
    errors: tuple[ErrorLine, ...] = ()
    outputs: tuple[OutputLine, ...] = ()
    needs_credits: bool | None = None
    warnings: tuple[str, ...] = ()
    replayed: bool | None = None
    from_outputs: tuple[str, ...] = ()
    agent_id: str | None = None
    request: dict[str, Any] | None = None
    confirm: str | None = None
    log: str | None = Field(default=None, description="Resource with the log of every step")
    since: str | None = Field(
        default=None, description="Pass to get_run to wait for the next change"
    )
    next: str | None = Field(default=None, description="The call to make next")


class OutputsAnswer(Answer):
    """The videos that a run made so far."""

    run_id: str
    status: str
    outputs: tuple[OutputLine, ...]
    note: str | None = None
    next_cursor: str | None = None
    next: str | None = None


class RunLine(Line):
    """One run in a list."""

    run_id: str
    agent: str
    status: str
    started_at: str
    outputs: int
    message: str | None = None


class RunsAnswer(Answer):
    """Runs, newest first."""

    runs: tuple[RunLine, ...]
    next_cursor: str | None = None
    next: str | None = None


class AgentLine(Line):
    """One agent in a list."""

    agent_id: str
    name: str
    description: str | None = None


_ONE = [{"type": name} for name in ("boolean", "number", "string", "object")]
Value = Annotated[
    Any, WithJsonSchema({"anyOf": [*_ONE, {"type": "array", "items": {"anyOf": _ONE}}]})
]
"""Any value of a parameter; published as its forms, because some hosts refuse an empty schema."""


class ParameterLine(Line):
    """One parameter of a node."""

    name: str
    type: str | None = None
    default: Value = None
    allowed: str | None = None
    about: str | None = None
    value: Value = None


class NodeLine(Line):
    """One node of an agent."""

    node: str = Field(description="Label: use it in params, skip and input")
    node_id: str
    tile: str
    after: tuple[str, ...] = ()
    standing: str | None = None
    note: str | None = None
    parameters: tuple[ParameterLine, ...] = ()


class AgentAnswer(Answer):
    """An agent described."""

    agent_id: str
    name: str
    description: str | None = None
    inputs: tuple[str, ...] = Field(
        default=(), description="Video Input labels; none: it generates"
    )
    nodes: tuple[NodeLine, ...] = ()
    findings: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    next: str | None = None


class AgentsAnswer(Answer):
    """Agents, or one agent described."""

    agents: tuple[AgentLine, ...] | None = None
    """Told when it is empty too: nothing matches then."""
    agent: AgentAnswer | None = None
    tiles: tuple[str, ...] = ()
    next_cursor: str | None = None
    next: str | None = None


class PlanLine(Line):
    """A plan that can be chosen."""

    plan: str
    credits_per_month: float
    price_usd: float | None = None
    billing: str | None = None
    notes: str | None = None


class TopUpLine(Line):
    """Automatic top-ups."""

    enabled: bool
    below: float | None = None
    adds: float | None = None


class UsedLine(Line):
    """Credits that a tile used on a day, for its work or for its finished videos (`output`)."""

    date: str
    tile: str
    kind: str | None = None
    credits: float


class AccountAnswer(Answer):
    """Credits and plan."""

    summary: str
    unlimited: bool | None = None
    balance: float | None = Field(default=None, description="Credits left")
    used: float | None = Field(default=None, description="Since the plan's month began")
    included: float | None = None
    used_by: tuple[UsedLine, ...] = Field(default=(), description="Newest first; a studio's only")
    plan: str | None = None
    renews_at: str | None = None
    automatic_top_up: TopUpLine | None = None
    plans: tuple[PlanLine, ...] = ()
    next: str | None = None


class BillingAnswer(Answer):
    """A change of the account: made, to be paid, or only shown (`dry_run`)."""

    status: str
    summary: str
    checkout_url: str | None = Field(default=None, description="For the user to open and pay")
    confirm: str | None = None
    next: str | None = None


class SentenceLine(Line):
    """Something said."""

    start_s: float
    end_s: float
    text: str
    speaker: str | None = None
    """Where several voices are told apart: "1", "2", …"""


class TranscriptAnswer(Answer):
    """What is said in a video."""

    source: str
    language: str
    confidence: float
    reliable: bool
    note: str | None = None
    speaker_confidence: float | None = None
    """0 to 1: how clearly the voices differ."""
    sentences: tuple[SentenceLine, ...] = ()
    words: tuple[SentenceLine, ...] = ()
    next_cursor: str | None = None
    next: str | None = None
