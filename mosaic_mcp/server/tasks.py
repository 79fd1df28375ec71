"""The Tasks extension (`io.modelcontextprotocol/tasks`, SEP-2663): a handle for a long call.

A client that declares it on a `tools/call` may be answered with a task instead of the result, and
asks for it with `tasks/get`. This module is the protocol alone: who may ask, what goes over the
wire. What a task is, a `TaskStore` knows; ours (`run_tasks.py`) are the engine's runs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, Protocol, TypeVar

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.extension import Extension, MethodBinding
from mcp.server.mcpserver import require_client_extension
from mcp.shared.exceptions import MCPError
from mcp.shared.inbound import MCP_NAME_HEADER, decode_header_value
from mcp_types import (
    HEADER_MISMATCH,
    INTERNAL_ERROR,
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    RequestParams,
)
from pydantic import Field

from mosaic_mcp.errors import MosaicError, NotFound
from mosaic_mcp.server import failures

TASKS = "io.modelcontextprotocol/tasks"
VERSIONS = frozenset({"2026-07-28"})
"""Protocol versions whose results may be tasks; older clients would drop what they do not know."""

RequestContext = ServerRequestContext[Any, Any]
Make = Callable[[], Awaitable[HandlerResult]]
"""Runs the tool with the parameters as they are then."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A task at a moment. `failed` is for faults of the protocol alone, with their `error`."""

    task_id: str
    status: Literal["working", "input_required", "completed", "failed", "cancelled"]
    created_at: datetime
    updated_at: datetime
    message: str = ""
    poll_ms: int = 2000
    """When to ask again, milliseconds."""
    ttl_ms: int | None = None
    """How long it is kept from its creation, milliseconds; None: as long as the engine keeps it."""
    result: CallToolResult | None = None
    error: Mapping[str, Any] = field(default_factory=dict[str, Any])
    questions: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Requests to the client that wait for `tasks/update`, by key."""

    def seed(self) -> dict[str, Any]:
        """The facts that every shape of a task has. `ttlMs` is there also when it is null."""
        seed: dict[str, Any] = {
            "taskId": self.task_id,
            "status": self.status,
            "createdAt": _iso(self.created_at),
            "lastUpdatedAt": _iso(self.updated_at),
            "ttlMs": self.ttl_ms,
            "pollIntervalMs": self.poll_ms,
        }
        return seed | {"statusMessage": self.message} if self.message else seed

    def detail(self) -> dict[str, Any]:
        """The seed with what its status brings: the result, the error or the questions."""
        match self.status:
            case "completed" if self.result is not None:
                result = self.result.model_dump(by_alias=True, mode="json", exclude_none=True)
                return self.seed() | {"result": result}
            case "failed":
                return self.seed() | {"error": dict(self.error)}
            case "input_required":
                return self.seed() | {"inputRequests": dict(self.questions)}
            case _:
                return self.seed()


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class TaskStore(Protocol):
    """What the extension needs of those who have the tasks. NotFound: there is no such task."""

    async def call(self, params: CallToolRequestParams, make: Make) -> HandlerResult | Task:
        """Make a tool call; a task when the work goes on behind it."""
        ...

    async def get(self, task_id: str) -> Task:
        """The task as it is now."""
        ...

    async def answer(self, task_id: str, answers: Mapping[str, Any], /) -> None:
        """Take answers to its questions."""
        ...

    async def cancel(self, task_id: str) -> None:
        """Stop it; one that has ended stays as it is."""
        ...


class TaskParams(RequestParams):
    """The parameters of `tasks/get` and `tasks/cancel`."""

    task_id: str = Field(alias="taskId")


class UpdateParams(TaskParams):
    """The parameters of `tasks/update`."""

    input_responses: dict[str, Any] = Field(alias="inputResponses")


class Tasks(Extension):
    """The extension over a store."""

    identifier = TASKS

    def __init__(self, store: TaskStore) -> None:
        self._store = store

    def methods(self) -> Sequence[MethodBinding]:
        """`tasks/get`, `tasks/update` and `tasks/cancel`. There is no list: ids are private."""
        return [
            MethodBinding("tasks/get", TaskParams, self._get, VERSIONS),
            MethodBinding("tasks/update", UpdateParams, self._update, VERSIONS),
            MethodBinding("tasks/cancel", TaskParams, self._cancel, VERSIONS),
        ]

    async def intercept_tool_call(
        self, params: CallToolRequestParams, ctx: RequestContext, call_next: CallNext
    ) -> HandlerResult:
        """Answer with a task where the store made one, for clients that declared the extension."""
        if not declared(ctx):
            return await call_next(ctx)
        outcome = await _told(self._store.call(params, lambda: call_next(ctx)))
        if isinstance(outcome, Task):
            return {"resultType": "task", **outcome.seed()}
        return outcome

    async def _get(self, ctx: RequestContext, params: TaskParams) -> HandlerResult:
        _admit(ctx, params.task_id)
        return (await _told(self._store.get(params.task_id))).detail()

    async def _update(self, ctx: RequestContext, params: UpdateParams) -> HandlerResult:
        _admit(ctx, params.task_id)
        await _told(self._store.answer(params.task_id, params.input_responses))
        return {}

    async def _cancel(self, ctx: RequestContext, params: TaskParams) -> HandlerResult:
        _admit(ctx, params.task_id)
        await _told(self._store.cancel(params.task_id))
        return {}


def declared(ctx: RequestContext) -> bool:
    """True when this request may be answered with a task."""
    capabilities = ctx.session.client_capabilities
    extensions = (capabilities.extensions if capabilities else None) or {}
    return ctx.protocol_version in VERSIONS and TASKS in extensions


def _admit(ctx: RequestContext, task_id: str) -> None:
    """Refuse a client that did not declare the extension, and a header that names another task."""
    require_client_extension(ctx, TASKS)
    headers = getattr(ctx.request, "headers", None)
    if headers is not None and decode_header_value(headers.get(MCP_NAME_HEADER) or "") != task_id:
        raise MCPError(HEADER_MISMATCH, "The Mcp-Name header must equal params.taskId.")


async def _told(answer: Awaitable[T]) -> T:
    """The answer of the store, with our errors as errors of the protocol."""
    try:
        return await answer
    except MosaicError as error:
        code = INVALID_PARAMS if isinstance(error, NotFound) else INTERNAL_ERROR
        facts = failures.from_error(error).structured_content
        raise MCPError(code, str(error), facts) from error
