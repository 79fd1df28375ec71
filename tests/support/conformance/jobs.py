"""Fixtures of the Tasks extension: a store of its own, and tools whose calls become tasks.

The store keeps its tasks in memory and runs the tool behind the answer; everything that goes over
the wire is our extension's.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any

from mcp.server.context import HandlerResult
from mcp.server.mcpserver import Context, Elicit, Resolve, require_client_extension
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolRequestParams, CallToolResult, InputRequiredResult
from pydantic import BaseModel

from mosaic_mcp.errors import NotFound
from mosaic_mcp.server.tasks import TASKS, Make, Task
from tests.support.conformance.asking import asked
from tests.support.conformance.making import fixture, said

Ctx = Context[Any, Any]


@dataclass
class Job:
    """A task and the work behind it."""

    task: Task
    work: asyncio.Task[None] | None = None
    answers: dict[str, asyncio.Future[Any]] = field(default_factory=dict)

    def change(self, **facts: Any) -> None:
        kept = {name: getattr(self.task, name) for name in Task.__slots__}
        self.task = Task(**(kept | facts | {"updated_at": datetime.now(UTC)}))

    async def ask(self, message: str, **properties: str) -> Any:
        """Ask the client, and wait for its answer."""
        key = secrets.token_hex(4)
        question = asked(message, **properties)
        self.answers[key] = asyncio.get_running_loop().create_future()
        wire = question.model_dump(by_alias=True, mode="json", exclude_none=True)
        questions = {**self.task.questions, key: wire}
        self.change(status="input_required", questions=questions)
        return await self.answers[key]

    def take(self, answers: Mapping[str, Any]) -> None:
        """Take the answers to what was asked, and only those."""
        for key in answers.keys() & self.task.questions.keys():
            self.answers[key].set_result(answers[key])
        left = {k: v for k, v in self.task.questions.items() if k not in answers}
        if self.task.status == "input_required":
            self.change(questions=left, status="input_required" if left else "working")


HERE: ContextVar[Job] = ContextVar("HERE")
"""The job that runs the tool."""


class Jobs:
    """A task store in memory."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}

    async def call(self, params: CallToolRequestParams, make: Make) -> HandlerResult | Task:
        if params.name == "test_tool_with_task":  # asks by results first, then becomes a task
            outcome = await make()
            if isinstance(outcome, InputRequiredResult):
                return outcome
            return self._begin(lambda: _soon(outcome)).task
        return self._begin(make).task if params.name in BEHIND else await make()

    def _begin(self, make: Make) -> Job:
        now = datetime.now(UTC)
        task_id = secrets.token_urlsafe(16)
        job = Job(
            Task(task_id=task_id, status="working", created_at=now, updated_at=now, poll_ms=50)
        )
        self._jobs[task_id] = job
        job.work = asyncio.create_task(_work(job, make))
        return job

    def _job(self, task_id: str) -> Job:
        if task_id not in self._jobs:
            raise NotFound(f"There is no task {task_id!r}.")
        return self._jobs[task_id]

    async def get(self, task_id: str) -> Task:
        return self._job(task_id).task

    async def answer(self, task_id: str, answers: Mapping[str, Any], /) -> None:
        self._job(task_id).take(answers)

    async def cancel(self, task_id: str) -> None:
        job = self._job(task_id)
        if job.work is not None and not job.work.done():
            job.work.cancel()


async def _soon(outcome: HandlerResult) -> HandlerResult:
    return outcome


async def _work(job: Job, make: Make) -> None:
    HERE.set(job)
    try:
        outcome = await make()
    except MCPError as error:
        told = {"code": error.code, "message": error.message}
        job.change(status="failed", error=told, message=error.message)
    except asyncio.CancelledError:
        job.change(status="cancelled", questions={}, message="Cancelled.")
    else:
        assert isinstance(outcome, CallToolResult)
        job.change(status="completed", result=outcome)


@fixture
async def greet(name: str) -> CallToolResult:
    return said(f"Hello, {name}!")


@fixture
async def slow_compute(seconds: float = 1, label: str = "") -> CallToolResult:
    await asyncio.sleep(seconds)  # the suite says how long the work takes
    return said(f"computed {label}")


@fixture
async def failing_job(ctx: Ctx) -> CallToolResult:
    require_client_extension(ctx.request_context, TASKS)
    await asyncio.sleep(0.2)
    return said("This job fails.", is_error=True)


@fixture
async def protocol_error_job() -> CallToolResult:
    raise MCPError(-32603, "The protocol broke.")


@fixture
async def confirm_delete(filename: str) -> CallToolResult:
    return said(f"{filename}: {await HERE.get().ask(f'Delete {filename}?', confirm='boolean')}")


@fixture
async def multi_input() -> CallToolResult:
    job = HERE.get()
    names = await asyncio.gather(job.ask("One?", name="string"), job.ask("Two?", name="string"))
    return said(f"{names}")


class Name(BaseModel):
    """The form of `test_tool_with_task`."""

    name: str


def ask_name(_ctx: Ctx) -> Elicit[Name]:
    return Elicit("What is your name?", Name)


@fixture
async def test_tool_with_task(user_name: Annotated[Name, Resolve(ask_name)]) -> CallToolResult:
    return said(f"Hello, {user_name.name}!")


BEHIND = frozenset(
    {"slow_compute", "failing_job", "protocol_error_job", "confirm_delete", "multi_input"}
)
TOOLS = (
    greet,
    slow_compute,
    failing_job,
    protocol_error_job,
    confirm_delete,
    multi_input,
    test_tool_with_task,
)
